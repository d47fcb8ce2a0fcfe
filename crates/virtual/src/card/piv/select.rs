//! SELECT (SP 800-73 part 2, 3.1.1).

use cardmod_iso7816::StatusWord;
use cardmod_iso7816::tlv::{Tag, Writer};
use zeroize::Zeroizing;

use super::{Answer, Applet as _, Context, Reply, Request};
use crate::model::piv::key::Algorithm;
use crate::model::piv::persistent::AID;
use crate::model::piv::{Persistent, PivFlavour};

/// By AID, whole or cut at the right. Selecting again keeps what was proved; a YubiKey-like card forgets
/// the administrator.
pub(super) fn by_name(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    if !Persistent::is_named(request.data) {
        return Err(StatusWord::FILE_NOT_FOUND.into());
    }
    if context.persistent.flavour.is_yubikey() {
        context.volatile.administrator = false;
        context.volatile.challenge = None;
    }
    context.selected = true;
    Reply::with(property_template(context.persistent.flavour))
}

/// The application property template (61).
fn property_template(flavour: PivFlavour) -> Zeroizing<Vec<u8>> {
    let registered = |writer: Writer| {
        writer.template(Tag::new(0x79), |authority| authority.object(Tag::new(0x4F), &AID[..5]))
    };
    let template = Writer::new().template(Tag::new(0x61), |template| match flavour {
        // A YubiKey gives its AID without the registered identifier.
        PivFlavour::YubiKey => registered(template.object(Tag::new(0x4F), &AID[5..])),
        PivFlavour::Standard => {
            let template = registered(template.object(Tag::new(0x4F), &AID));
            let template = template.object(Tag::new(0x50), b"cardmod virtual PIV card");
            Algorithm::of_card(flavour).fold(template, |template, algorithm| {
                template.template(Tag::new(0xAC), |entry| {
                    entry.object(Tag::new(0x80), &[algorithm.id()]).object(Tag::new(0x06), &[0x00])
                })
            })
        }
    });
    template.finish()
}

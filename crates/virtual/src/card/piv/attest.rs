//! ATTEST: a certificate that says a key was made on this card and under which conditions it is used
//! (Yubico, "PIV attestation").

use cardmod_crypto::{KeyKind, PrivateKey};
use cardmod_iso7816::StatusWord;
use cardmod_iso7816::tlv::{Reader, Tag, Writer};
use zeroize::Zeroizing;

use super::x509::{self, Subject};
use super::{Answer, Context, Reply, Request, keys};
use crate::fault::CardFault;
use crate::model::piv::Persistent;
use crate::model::piv::key::{Algorithm, Origin, PinPolicy, Policies, Slot, StoredKey, TouchPolicy};
use crate::model::piv::object;
use crate::ports::Random;

/// 1.3.6.1.4.1.41482.3, to which the number of the extension is added.
const YUBICO_PIV: [u8; 9] = [0x2B, 0x06, 0x01, 0x04, 0x01, 0x82, 0xC4, 0x0A, 0x03];
/// Form factor: a USB-A keychain, the commonest YubiKey.
const FORM_FACTOR: u8 = 0x01;
/// basicConstraints with cA.
const BASIC_CONSTRAINTS: [u8; 3] = [0x55, 0x1D, 0x13];
const CA: [u8; 5] = [0x30, 0x03, 0x01, 0x01, 0xFF];
/// Certificate and form of a certificate object.
const CERTIFICATE: Tag = Tag::new(0x70);
const CERTIFICATE_INFO: Tag = Tag::new(0x71);
const CHECKSUM: Tag = Tag::new(0xFE);

/// The certificate of the key in the slot P1.
pub(super) fn attest(context: &mut Context<'_>, request: &Request<'_>) -> Answer {
    let slot = keys::slot(context, request.p1)?;
    if slot == Slot::ATTESTATION {
        return Err(StatusWord::INCORRECT_P1_P2.into());
    }
    let serial: [u8; 16] = context.random()?;
    let card = &*context.persistent;
    let missing = StatusWord::REFERENCED_DATA_NOT_FOUND;
    let key = card.keys.get(&slot).ok_or(missing)?;
    if key.origin != Origin::Generated {
        return Err(StatusWord::WRONG_DATA.into());
    }
    let stored = card.keys.get(&Slot::ATTESTATION).ok_or(missing)?;
    let certificate = card.objects.get(&object::ATTESTATION).ok_or(missing)?;
    let certificate = Reader::new(certificate).find(CERTIFICATE).ok().flatten();
    let issuer = certificate.and_then(x509::issuer).ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?;
    let signer = keys::prepared(context.prepared, stored)?;
    let subject = Subject {
        serial: &serial,
        issuer: issuer.name,
        validity: issuer.validity,
        name: &x509::common_name(&format!("cardmod PIV Attestation {:02x}", slot.reference())),
        algorithm: key.algorithm,
        public: &key.public,
        extensions: &extensions(card, key.policies),
    };
    let signed = x509::certificate(&subject, &signer, stored.algorithm).map_err(CardFault::Crypto)?;
    Reply::with(signed.ok_or(StatusWord::CONDITIONS_NOT_SATISFIED)?)
}

/// Firmware, serial number, policies, form factor.
fn extensions(card: &Persistent, policies: Policies) -> Vec<u8> {
    let serial = Writer::new().object(Tag::new(0x02), &x509::unsigned(&card.serial.to_be_bytes())).finish();
    let entries: [(u8, &[u8]); 4] = [
        (3, &card.firmware),
        (7, &serial),
        (8, &[policies.pin as u8, policies.touch as u8]),
        (9, &[FORM_FACTOR]),
    ];
    let encoded =
        entries.map(|(number, value)| x509::extension(&[&YUBICO_PIV[..], &[number]].concat(), false, value));
    encoded.concat()
}

/// Gives a YubiKey-like card what it attests with: a key in F9 and its self-signed certificate.
pub(crate) fn equip(card: &mut Persistent, random: &mut dyn Random) -> Result<(), CardFault> {
    if !card.flavour.is_yubikey() {
        return Ok(());
    }
    let key = PrivateKey::generate(KeyKind::P256).map_err(CardFault::Crypto)?;
    let (mut id, mut serial) = ([0; 8], [0; 16]);
    random.fill(&mut id)?;
    random.fill(&mut serial)?;
    let public = Writer::new().object(Tag::new(0x86), key.ec_point().map_err(CardFault::Crypto)?).finish();
    let name = x509::common_name(&format!("cardmod PIV Attestation {}", card.serial));
    let subject = Subject {
        serial: &serial,
        issuer: &name,
        validity: x509::VALIDITY,
        name: &name,
        algorithm: Algorithm::P256,
        public: &public,
        extensions: &x509::extension(&BASIC_CONSTRAINTS, true, &CA),
    };
    let certificate = x509::certificate(&subject, &key, Algorithm::P256).map_err(CardFault::Crypto)?;
    let certificate = certificate.ok_or(CardFault::Inconsistent("an attestation key that cannot sign"))?;
    let object = Writer::new()
        .object(CERTIFICATE, &certificate)
        .object(CERTIFICATE_INFO, &[0])
        .object(CHECKSUM, &[])
        .finish();
    let stored = StoredKey {
        id: u64::from_be_bytes(id),
        algorithm: Algorithm::P256,
        // As in a YubiKey, whose maker puts the key there.
        origin: Origin::Imported,
        policies: Policies { pin: PinPolicy::Once, touch: TouchPolicy::Never },
        der: key.to_der().map_err(CardFault::Crypto)?,
        public: public.to_vec(),
    };
    card.objects.insert(object::ATTESTATION, Zeroizing::new(object.to_vec()));
    card.keys.insert(Slot::ATTESTATION, stored);
    Ok(())
}

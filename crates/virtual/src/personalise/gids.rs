//! Personalisation with the Microsoft generic profile: the published script, run against a blank card.

use cardmod_iso7816::tlv::{Tag, Writer};
use zeroize::Zeroizing;

use super::Refused;
use crate::card::Card;
use crate::fault::CardFault;
use crate::ports::{Random, Storage};
use crate::profile::{ADMIN_KEY_LEN, GidsProfile};

/// Access-control EFs: identifier and rules ("Windows inbox smart card minidriver", EF table).
const FILES: [(u16, [u8; 3]); 6] = [
    (0xA000, [0x03, 0x30, 0x00]),
    (0xA010, [0x03, 0x30, 0x00]),
    (0xA011, [0x03, 0x30, 0xFF]),
    (0xA012, [0x03, 0x20, 0x00]),
    (0xA013, [0x03, 0x30, 0x30]),
    (0xA014, [0x03, 0x20, 0x20]),
];

/// The initial file table: directory, file, DO tag, EF.
const FILE_TABLE: [(&[u8], &[u8], u16, u16); 5] = [
    (b"mscp", b"", 0, 0xA000),
    (b"", b"cardid", 0xDF20, 0xA012),
    (b"", b"cardapps", 0xDF21, 0xA010),
    (b"", b"cardcf", 0xDF22, 0xA010),
    (b"mscp", b"cmapfile", 0xDF23, 0xA010),
];

/// A ready card.
pub(super) fn card(profile: &GidsProfile) -> Result<Card, Refused> {
    profile.options.check().map_err(|bad| Refused::Profile(bad.to_string()))?;
    if profile.admin_key.len() != ADMIN_KEY_LEN {
        return Err(Refused::Profile(format!(
            "the admin key has {} bytes instead of 24",
            profile.admin_key.len()
        )));
    }
    let mut card = Card::blank(profile.options.clone(), false);
    for (what, apdu) in script(profile) {
        let response = card.process(&mut Unsaved, &apdu).map_err(Refused::Fault)?;
        if response.as_slice() != [0x90, 0x00] {
            return Err(Refused::Profile(format!("the card refused {what}")));
        }
    }
    card.reset();
    Ok(card)
}

/// The commands in the published order, each with what it does.
fn script(profile: &GidsProfile) -> Vec<(&'static str, Zeroizing<Vec<u8>>)> {
    let mut commands = Vec::new();
    let mut add = |what, header: [u8; 4], data: &[u8]| {
        let mut apdu = Zeroizing::new(header.to_vec());
        if data.len() > 255 {
            apdu.extend_from_slice(&[0, (data.len() >> 8) as u8]);
        }
        if !data.is_empty() {
            apdu.push((data.len() & 0xFF) as u8);
            apdu.extend_from_slice(data);
        }
        commands.push((what, apdu));
    };
    const ACTIVATE: [u8; 4] = [0x00, 0x44, 0x00, 0x00];
    add("the selection", [0x00, 0xA4, 0x04, 0x0C], &crate::model::gids::persistent::AID[..9]);
    add("the PIN", [0x00, 0x24, 0x01, 0x80], profile.pin.as_bytes());
    if let Some(puk) = &profile.puk {
        add("the PUK", [0x00, 0x24, 0x01, 0x81], puk.as_bytes());
    }
    for (id, rules) in FILES {
        add("a file", [0x00, 0xE0, 0x00, 0x00], &file_parameters(0x39, id, &rules, &[]));
        add("an activation", ACTIVATE, &[]);
    }
    let admin_use = [0xA4, 0x09, 0x80, 0x01, 0x02, 0x83, 0x01, 0x80, 0x95, 0x01, 0xC0];
    let admin_file = file_parameters(0x18, 0xB080, &[0x87, 0x00, 0x20, 0xFF], &admin_use);
    add("the admin key's file", [0x00, 0xE0, 0x00, 0x00], &admin_file);
    add("an activation", ACTIVATE, &[]);
    let key = Writer::new().template(Tag::new(0x70), |key| {
        key.object(Tag::new(0x84), &[0x80])
            .template(Tag::new(0xA5), |value| value.object(Tag::new(0x87), profile.admin_key.as_bytes()))
    });
    add("the admin key", [0x00, 0xDB, 0x3F, 0xFF], &key.finish());
    let mut object = |id: u16, tag, value: &[u8]| {
        let [high, low] = id.to_be_bytes();
        add("a data object", [0x00, 0xDB, high, low], &Writer::new().object(Tag::new(tag), value).finish());
    };
    object(0xA000, 0xDF1F, &file_table());
    object(0xA010, 0xDF21, b"mscp\0\0\0\0");
    object(0xA010, 0xDF22, &[0; 6]);
    object(0xA010, 0xDF23, &[]);
    object(0xA012, 0xDF20, profile.card_id.as_bytes());
    add("the selection", [0x00, 0xA4, 0x00, 0x0C], &[0x3F, 0xFF]);
    add("an activation", ACTIVATE, &[]);
    commands
}

fn file_parameters(descriptor: u8, id: u16, rules: &[u8], uses: &[u8]) -> Zeroizing<Vec<u8>> {
    Writer::new()
        .template(Tag::new(0x62), |parameters| {
            let parameters = parameters
                .object(Tag::new(0x82), &[descriptor])
                .object(Tag::new(0x83), &id.to_be_bytes())
                .object(Tag::new(0x8C), rules);
            if uses.is_empty() { parameters } else { parameters.object(Tag::new(0xA5), uses) }
        })
        .finish()
}

/// Version byte and one record of 28 bytes for each entry: names of 9 bytes, two zero bytes, tag and EF
/// as little-endian longs.
fn file_table() -> Vec<u8> {
    let mut table = vec![1];
    for (directory, name, tag, file) in FILE_TABLE {
        for text in [directory, name] {
            let mut field = [0; 9];
            field[..text.len()].copy_from_slice(text);
            table.extend_from_slice(&field);
        }
        table.extend_from_slice(&[0, 0]);
        table.extend_from_slice(&u32::from(tag).to_le_bytes());
        table.extend_from_slice(&u32::from(file).to_le_bytes());
    }
    table
}

/// Storage of a card that is not finished: it is saved as a whole afterwards.
struct Unsaved;

impl Storage for Unsaved {
    fn save(&mut self, _: &[u8]) -> Result<(), CardFault> {
        Ok(())
    }
}

impl Random for Unsaved {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), CardFault> {
        crate::ports::SystemRandom.fill(out)
    }
}

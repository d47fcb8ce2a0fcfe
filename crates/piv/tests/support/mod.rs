//! A card reduced to what command counts depend on: objects, one PIN with the PIN-always rule in its strict
//! form, key use, and another application beside PIV that takes the same VERIFY. It answers like PivApplet
//! where cards differ: any command but the key's own ends the permission for 9C.

#![allow(dead_code, reason = "each test target uses a part of it")]

use std::collections::BTreeMap;

use cardmod_iso7816::tlv::{Reader, Tag, Writer};
use cardmod_iso7816::{CardChannel, CommandRef, Limits, StatusWord, TransportError, parse_command};
use cardmod_piv::{ObjectTag, Slot, SlotKey};
use zeroize::Zeroizing;

pub(crate) const PIN: &[u8] = b"123456";
pub(crate) const ATR: [u8; 5] = [0x3B, 0x80, 0x80, 0x01, 0x01];

/// Who answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) enum Selected {
    #[default]
    Nobody,
    Piv,
    Other,
}

#[derive(Clone)]
pub(crate) struct MockCard {
    pub(crate) objects: BTreeMap<u32, Vec<u8>>,
    /// What GET DATA answers for an object instead of what is right.
    pub(crate) raw: BTreeMap<u32, Vec<u8>>,
    pub(crate) log: Vec<Vec<u8>>,
    /// Bytes sent and received, status words included.
    pub(crate) bytes: (usize, usize),
    pub(crate) limits: Limits,
    /// What an extended APDU is answered; `None` for a card that takes it.
    pub(crate) extended_answer: Option<u16>,
    /// The most data of one answer to a short, and to an extended command.
    pub(crate) longest_answer: (usize, usize),
    pub(crate) selected: Selected,
    /// What the other application answers to commands of PIV.
    pub(crate) other_answer: u16,
    pub(crate) verified: bool,
    /// A key of 9C may be used once.
    pub(crate) fresh: bool,
    pub(crate) tries: u8,
    /// PINs that reached the other application, or none.
    pub(crate) strays: usize,
    pub(crate) knows_log_out: bool,
    /// AIDs beside PIV's.
    pub(crate) others: Vec<Vec<u8>>,
    pub(crate) serial: Option<[u8; 4]>,
    pub(crate) version: Option<[u8; 3]>,
    /// A PIN that is not made of digits is refused for its form.
    pub(crate) wants_digits: bool,
    /// What the use of any key is answered.
    pub(crate) refuse_keys: Option<u16>,
    pub(crate) gone: bool,
    pub(crate) rest: Vec<u8>,
    pub(crate) chain: Vec<u8>,
}

impl Default for MockCard {
    fn default() -> Self {
        Self {
            objects: BTreeMap::new(),
            raw: BTreeMap::new(),
            log: Vec::new(),
            bytes: (0, 0),
            limits: Limits::SHORT,
            extended_answer: Some(0x6700),
            longest_answer: (256, 65_536),
            selected: Selected::Nobody,
            other_answer: 0x6D00,
            verified: false,
            fresh: false,
            tries: 3,
            strays: 0,
            knows_log_out: true,
            others: Vec::new(),
            serial: None,
            version: None,
            wants_digits: false,
            refuse_keys: None,
            gone: false,
            rest: Vec::new(),
            chain: Vec::new(),
        }
    }
}

/// The frame of a certificate around a key, with a subject that makes it `length` bytes long.
pub(crate) fn certificate(key: &SlotKey, length: usize) -> Vec<u8> {
    let sequence = Tag::new(0x30);
    let spki = key.to_spki_der();
    let build = |filling: usize| {
        Writer::new()
            .template(sequence, |outer| {
                outer
                    .template(sequence, |body| {
                        body.object(Tag::new(0x02), &[1])
                            .object(sequence, &[])
                            .object(sequence, &[])
                            .object(sequence, &[])
                            .object(sequence, &vec![0x31; filling])
                            .encoded(&spki)
                    })
                    .template(sequence, |id| id.object(Tag::new(0x06), &[0x2B, 0x65, 0x70]))
                    .object(Tag::new(0x03), &[0])
            })
            .finish()
            .to_vec()
    };
    // Every length field grows at its own point.
    let least = build(0).len();
    (0..=length - least).rev().map(build).find(|der| der.len() == length).expect("a length there is")
}

/// What a certificate object holds.
pub(crate) fn certificate_object(der: &[u8]) -> Vec<u8> {
    Writer::new()
        .object(Tag::new(0x70), der)
        .object(Tag::new(0x71), &[0])
        .object(Tag::new(0xFE), &[])
        .finish()
        .to_vec()
}

pub(crate) fn key(number: u8) -> SlotKey {
    SlotKey::Ed25519([number; 32])
}

/// A CHUID of a token; `signature` bytes follow what tells cards apart.
pub(crate) fn chuid(guid: u8, signature: usize) -> Vec<u8> {
    Writer::new()
        .object(Tag::new(0x30), &[0xD4; 25])
        .object(Tag::new(0x34), &[guid; 16])
        .object(Tag::new(0x35), b"20301231")
        .object(Tag::new(0x3E), &vec![1; signature])
        .object(Tag::new(0xFE), &[])
        .finish()
        .to_vec()
}

impl MockCard {
    /// Certificates of 509 bytes in the four main places: objects of 522 bytes with their header.
    pub(crate) fn with_four_certificates() -> Self {
        let mut card = Self::default();
        card.put(ObjectTag::CHUID, &chuid(0x11, 0));
        card.put(ObjectTag::KEY_HISTORY, &[0xC1, 1, 0, 0xC2, 1, 0, 0xFE, 0]);
        for (number, slot) in (1..).zip(Slot::MAIN) {
            card.put(slot.object(), &certificate_object(&certificate(&key(number), 509)));
        }
        card
    }

    pub(crate) fn extended(mut self) -> Self {
        self.limits = Limits::EXTENDED;
        self.extended_answer = None;
        self
    }

    pub(crate) fn put(&mut self, tag: ObjectTag, value: &[u8]) {
        self.objects.insert(tag.get(), value.to_vec());
    }

    /// The instructions seen so far, and forgets them.
    pub(crate) fn commands(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.log).iter().map(|apdu| apdu[1]).collect()
    }

    /// How many commands there were, and forgets them.
    pub(crate) fn count(&mut self) -> usize {
        self.commands().len()
    }

    /// Another program selects another application.
    pub(crate) fn other_application(&mut self) {
        self.reset();
        self.selected = Selected::Other;
    }

    /// The card was reset.
    pub(crate) fn reset(&mut self) {
        self.selected = Selected::Nobody;
        self.verified = false;
        self.fresh = false;
        self.rest.clear();
        self.chain.clear();
    }

    fn answer(&mut self, command: CommandRef<'_>) -> Result<Vec<u8>, u16> {
        let fresh = std::mem::take(&mut self.fresh);
        match (command.ins, command.p1, command.p2) {
            (0xA4, 0x04, 0x00) => self.select(command.data),
            (0x20, ..) if self.selected != Selected::Piv && !command.data.is_empty() => {
                self.strays += 1;
                Err(0x63C1)
            }
            _ if self.selected == Selected::Nobody => Err(0x6986),
            _ if self.selected == Selected::Other => Err(self.other_answer),
            (0xCB, 0x3F, 0xFF) => self.get_data(command.data),
            (0x20, 0x00, 0x80) => self.verify(command.data),
            (0x20, 0xFF, 0x80) if self.knows_log_out => {
                self.verified = false;
                Ok(vec![])
            }
            (0x20, 0xFF, _) => Err(0x6A86),
            (0x24, 0x00, 0x80) if self.refuses(&command.data[8..]) => Err(0x6A80),
            (0x24, 0x00, 0x80) => self.verify(&command.data[..8]),
            (0xF8, 0x00, 0x00) => self.serial.map(|serial| serial.to_vec()).ok_or(0x6D00),
            (0xFD, 0x00, 0x00) => self.version.map(|version| version.to_vec()).ok_or(0x6D00),
            (0x87, algorithm, reference) => {
                let allowed = match reference {
                    0x9E => true,
                    0x9C => fresh,
                    _ => self.verified,
                };
                if let Some(status) = self.refuse_keys {
                    return Err(status);
                }
                if allowed { use_key(algorithm, command.data) } else { Err(0x6982) }
            }
            _ => Err(0x6D00),
        }
    }

    fn select(&mut self, aid: &[u8]) -> Result<Vec<u8>, u16> {
        if aid.starts_with(&cardmod_piv::AID) {
            self.reset();
            self.selected = Selected::Piv;
            return Ok(vec![0x61, 8, 0x4F, 6, 0, 0, 0x10, 0, 1, 0]);
        }
        if self.others.iter().any(|other| other == aid) {
            self.other_application();
            return Ok(vec![]);
        }
        Err(0x6A82)
    }

    fn verify(&mut self, pin: &[u8]) -> Result<Vec<u8>, u16> {
        if pin.is_empty() {
            return if self.verified { Ok(vec![]) } else { Err(0x63C0 | u16::from(self.tries)) };
        }
        if self.refuses(pin) {
            return Err(0x6A80);
        }
        let mut right = [0xFF; 8];
        right[..PIN.len()].copy_from_slice(PIN);
        if self.tries == 0 {
            return Err(0x6983);
        }
        self.verified = pin == right;
        self.fresh = self.verified;
        self.tries = if self.verified { 3 } else { self.tries - 1 };
        if self.verified { Ok(vec![]) } else { Err(0x63C0 | u16::from(self.tries)) }
    }

    fn refuses(&self, pin: &[u8]) -> bool {
        self.wants_digits && !pin.iter().all(|byte| byte.is_ascii_digit() || *byte == 0xFF)
    }

    fn get_data(&self, list: &[u8]) -> Result<Vec<u8>, u16> {
        let tag = list.get(2..).unwrap_or_default().iter().fold(0, |tag, byte| tag << 8 | u32::from(*byte));
        if let Some(raw) = self.raw.get(&tag) {
            return Ok(raw.clone());
        }
        let value = self.objects.get(&tag).ok_or(0x6A82_u16)?;
        let outer = if ObjectTag::new(tag).is_bare() { tag } else { 0x53 };
        Ok(Writer::new().object(Tag::new(outer), value).finish().to_vec())
    }

    fn exchange(&mut self, apdu: &[u8]) -> Vec<u8> {
        let command = match parse_command(apdu) {
            Ok(command) => command,
            Err(status) => return status.to_bytes().to_vec(),
        };
        if let (true, Some(status)) = (command.extended, self.extended_answer) {
            self.fresh = false;
            return status.to_be_bytes().to_vec();
        }
        let longest = if command.extended { self.longest_answer.1 } else { self.longest_answer.0 };
        if command.ins == 0xC0 {
            return self.cut(command.le.unwrap_or(256).min(longest));
        }
        self.chain.extend_from_slice(command.data);
        if command.is_chained() {
            return vec![0x90, 0x00];
        }
        let data = std::mem::take(&mut self.chain);
        match self.answer(CommandRef { data: &data, ..command }) {
            Ok(answer) => {
                self.rest = answer;
                // Over T=0 a command with data has no room for Le: the answer is announced.
                let le = if self.limits.t0 && !data.is_empty() { 0 } else { command.le.unwrap_or(256) };
                self.cut(le.min(longest))
            }
            Err(status) => status.to_be_bytes().to_vec(),
        }
    }

    fn cut(&mut self, le: usize) -> Vec<u8> {
        let mut answer: Vec<u8> = self.rest.drain(..self.rest.len().min(le)).collect();
        let status = if self.rest.is_empty() { StatusWord::OK } else { StatusWord::more(self.rest.len()) };
        answer.extend(status.to_bytes());
        answer
    }
}

/// An answer of the right size.
fn use_key(algorithm: u8, data: &[u8]) -> Result<Vec<u8>, u16> {
    let template = Reader::new(data).next().and_then(Result::ok).ok_or(0x6A80_u16)?;
    let find = |tag| template.children().find(Tag::new(tag)).ok().flatten();
    find(0x82).ok_or(0x6A80_u16)?;
    let result = match (algorithm, find(0x81), find(0x85)) {
        (0x05..=0x07 | 0x16, Some(block), _) => block.to_vec(),
        (0x11 | 0x14, Some(hash), _) => {
            let number = Writer::new().object(Tag::new(0x02), &vec![0x5A; hash.len()]).finish();
            let numbers = [number.to_vec(), number.to_vec()].concat();
            Writer::new().object(Tag::new(0x30), &numbers).finish().to_vec()
        }
        (0x11 | 0x14, _, Some(point)) => point[1..=point.len() / 2].to_vec(),
        (0xE0, Some(_), _) => vec![0x5A; 64],
        (0xE1, _, Some(point)) => point.to_vec(),
        _ => return Err(0x6A86),
    };
    Ok(Writer::new()
        .template(Tag::new(0x7C), |inner| inner.object(Tag::new(0x82), &result))
        .finish()
        .to_vec())
}

impl CardChannel for MockCard {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        if self.gone {
            return Err(TransportError { code: 0x8010_0069 });
        }
        self.log.push(command.to_vec());
        let answer = self.exchange(command);
        self.bytes.0 += command.len();
        self.bytes.1 += answer.len();
        Ok(Zeroizing::new(answer))
    }

    fn limits(&self) -> Limits {
        self.limits
    }
}

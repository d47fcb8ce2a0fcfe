//! A card reduced to what command counts depend on: data objects, one PIN, key use. It answers like
//! GidsApplet where cards differ (re-SELECT loses the PIN, PSO looks at the environment only), and can
//! pretend to be another application.

use std::collections::BTreeMap;

use cardmod_gids::{FileEntry, FileTable, KeyAlgorithm, Keymap, ef, object};
use cardmod_iso7816::{CardChannel, CommandRef, Limits, StatusWord, TransportError, parse_command};
use cardmod_types::{ContainerIndex, FilePath, KeyHalf};
use zeroize::Zeroizing;

pub(crate) const PIN: &[u8] = b"123456";

#[derive(Default)]
pub(crate) struct MockCard {
    pub(crate) objects: BTreeMap<(u16, u32), Vec<u8>>,
    pub(crate) log: Vec<Vec<u8>>,
    pub(crate) extended: bool,
    pub(crate) bulk: bool,
    pub(crate) selected: bool,
    pub(crate) verified: bool,
    pub(crate) environment: Option<[u8; 2]>,
    pub(crate) gone: bool,
    rest: Vec<u8>,
    chain: Vec<u8>,
}

impl MockCard {
    /// Two containers with RSA-2048 keys and certificate files of 706 bytes.
    pub(crate) fn with_two_certificates() -> Self {
        let mut card = Self { bulk: true, ..Self::default() };
        let mut table = FileTable::initial();
        let mut keymap = Keymap::default();
        let shared = ef::EVERYONE_READ_USER_WRITE;
        for number in 0..2_u8 {
            let container = ContainerIndex::new(number);
            let path = FilePath::certificate(KeyHalf::KeyExchange, container);
            let tag = 0xDF24 + u32::from(number);
            table.add_file(FileEntry { path, ef: shared, tag });
            keymap.set(container, KeyAlgorithm::Rsa2048, KeyHalf::KeyExchange, 0xB081 + u16::from(number));
            card.objects.insert((shared, tag), vec![number; 706]);
        }
        card.objects.insert((ef::TABLE, object::FILE_TABLE), table.to_bytes());
        card.objects.insert((ef::TABLE, object::KEYMAP_OR_CARDID), keymap.to_bytes());
        card.objects.insert((shared, object::CARDAPPS), b"mscp\0\0\0\0".to_vec());
        card.objects.insert((shared, object::CARDCF), vec![0; 6]);
        card.objects.insert((shared, object::CMAPFILE), vec![0; 172]);
        card.objects.insert((ef::EVERYONE_READ_ADMIN_WRITE, object::KEYMAP_OR_CARDID), vec![7; 16]);
        card
    }

    /// The commands seen so far, and forgets them.
    pub(crate) fn commands(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.log).iter().map(|apdu| apdu[1]).collect()
    }

    /// Another program selects another application.
    pub(crate) fn other_application(&mut self) {
        self.selected = false;
        self.verified = false;
        self.environment = None;
    }

    fn answer(&mut self, command: CommandRef<'_>) -> Result<Vec<u8>, u16> {
        match (command.ins, command.p1, command.p2) {
            (0xA4, 0x04, 0x00) => {
                if !command.data.starts_with(&cardmod_gids::AID) {
                    return Err(0x6A82);
                }
                self.other_application();
                self.selected = true;
                Ok(vec![0x61, 5, 0x73, 3, 0x40, 1, 0xC0])
            }
            _ if !self.selected => Err(0x6D00),
            (0xCB, ..) => self.get_data(command.p1p2(), command.data),
            (0xDB, ..) => self.put_data(command.p1p2(), command.data),
            (0x20, 0x00, 0x80) => {
                self.verified = command.data == PIN;
                if self.verified { Ok(vec![]) } else { Err(0x63C2) }
            }
            (0x20, 0x00, 0x82) => {
                self.verified = false;
                Ok(vec![])
            }
            (0x22, 0x41, _) if !self.verified => Err(0x6982),
            (0x22, 0x41, _) => {
                self.environment = Some([command.data[2], command.data[5]]);
                Ok(vec![])
            }
            (0x2A, ..) => self.environment.map(|_| vec![0x5A; 256]).ok_or(0x6985),
            _ => Err(0x6D00),
        }
    }

    fn get_data(&self, ef: u16, list: &[u8]) -> Result<Vec<u8>, u16> {
        let tag = match *list {
            [0x5C, 0] if self.bulk => None,
            [0x5C, 2, high, low] => Some(u32::from(u16::from_be_bytes([high, low]))),
            _ => return Err(0x6A80),
        };
        let wanted = |key: &(u16, u32)| key.0 == ef && tag.is_none_or(|tag| tag == key.1);
        let mut writer = cardmod_iso7816::tlv::Writer::new();
        let mut found = false;
        for (key, value) in self.objects.iter().filter(|(key, _)| wanted(key)) {
            found = true;
            writer = writer.object(cardmod_iso7816::tlv::Tag::new(key.1), value);
        }
        if found { Ok(writer.finish().to_vec()) } else { Err(0x6A88) }
    }

    fn put_data(&mut self, ef: u16, data: &[u8]) -> Result<Vec<u8>, u16> {
        if !self.verified {
            return Err(0x6982);
        }
        let tlv = cardmod_iso7816::tlv::single(data).map_err(|_| 0x6A80_u16)?;
        self.objects.insert((ef, tlv.tag.get()), tlv.value.to_vec());
        Ok(vec![])
    }

    fn exchange(&mut self, apdu: &[u8]) -> Vec<u8> {
        let command = match parse_command(apdu) {
            Ok(command) if command.extended && !self.extended => return vec![0x67, 0x00],
            Ok(command) => command,
            Err(status) => return status.to_bytes().to_vec(),
        };
        if command.ins == 0xC0 {
            return self.cut(command.le.unwrap_or(256));
        }
        self.chain.extend_from_slice(command.data);
        if command.is_chained() {
            return vec![0x90, 0x00];
        }
        let data = std::mem::take(&mut self.chain);
        match self.answer(CommandRef { data: &data, ..command }) {
            Ok(answer) => {
                self.rest = answer;
                self.cut(command.le.unwrap_or(256))
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

impl CardChannel for MockCard {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        if self.gone {
            return Err(TransportError { code: 0x8010_0068 });
        }
        self.log.push(command.to_vec());
        Ok(Zeroizing::new(self.exchange(command)))
    }

    fn limits(&self) -> Limits {
        Limits { extended_length: self.extended, ..Limits::SHORT }
    }
}

//! PIV cards for the tests: a new one of each kind, certificates for their keys, and what went to them.

use std::path::Path;
use std::sync::OnceLock;

use cardmod_iso7816::tlv::{Tag, Writer};
use cardmod_types::{ContainerMap, Pin, PublicKey, SecretBytes};
use cardmod_virtual::{PivFlavour, PivProfile};

use super::calls::Outcome;
use super::{Host, PIN, PUK, call, outcome, store, wide};

pub const GUID: [u8; 16] =
    [0xAD, 0x64, 0xBE, 0xAC, 0x16, 0x11, 0x4A, 0x56, 0x93, 0xA2, 0x9D, 0x58, 0x3B, 0x74, 0xCB, 0x44];
/// The value of `cardmod` for the card types that Windows gives its class driver.
pub const PIV_NAME: &str = "Identity Device (NIST SP 800-73 [PIV])";
pub const GIDS_NAME: &str = "Identity Device (Microsoft Generic Profile)";
/// A management key that is not the one of fresh tokens.
pub const MANAGEMENT_KEY: [u8; 24] = *b"a management key of 24 b";

/// As tokens come: the default management key, metadata and the vendor's other commands.
pub fn token() -> PivProfile {
    PivProfile { guid: Some(GUID), ..PivProfile::new(Pin::from(PIN), Pin::from(PUK)) }
}

/// As the standard has it, and nothing else; the management key is the issuer's secret.
pub fn standard() -> PivProfile {
    let management_key = SecretBytes::from(&MANAGEMENT_KEY);
    PivProfile { flavour: PivFlavour::Standard, management_key, ..token() }
}

/// A token whose management key is not the default one.
pub fn kept() -> PivProfile {
    PivProfile { management_key: SecretBytes::from(&MANAGEMENT_KEY), ..token() }
}

/// The value of the property "Cardmod Management Key" for [`MANAGEMENT_KEY`].
pub fn given() -> Vec<u8> {
    [&[3][..], &MANAGEMENT_KEY].concat()
}

impl Host {
    /// A new PIV card, acquired.
    pub fn piv(name: &str, profile: &PivProfile) -> Self {
        store().create_piv(name, profile).expect("a card");
        Self::named(name, "Identity Device").expect("acquired")
    }

    pub fn word(&mut self, property: &str, flags: u32) -> u32 {
        let value = self.property(property, flags).expect(property);
        u32::from_ne_bytes(value.try_into().expect("four bytes"))
    }

    /// The role that owns a container's key.
    pub fn container_pin(&mut self, index: u8) -> Outcome<u32> {
        let (name, mut value, mut length) = (wide("PIN Identifier"), 0u32, 0);
        let target = (&raw mut value).cast();
        outcome(call!(
            self,
            pfnCardGetContainerProperty,
            index,
            name.as_ptr(),
            target,
            4,
            &raw mut length,
            0
        ))?;
        Ok(value)
    }

    pub fn map(&mut self) -> ContainerMap {
        ContainerMap::parse(&self.read(Some("mscp"), "cmapfile").expect("the map")).expect("a map")
    }

    /// Name, sizes for signature and key exchange, and whether it is the default one, by index.
    pub fn listed(&mut self) -> Vec<(u8, String, u16, u16, bool)> {
        let map = self.map();
        let line = |(index, record): (cardmod_types::ContainerIndex, &cardmod_types::ContainerRecord)| {
            let name = record.name.as_str().to_owned();
            (index.get(), name, record.signature_bits, record.key_exchange_bits, record.default)
        };
        map.iter().map(line).collect()
    }
}

/// Commands that went to a card since `seen`, in hexadecimal, as far as the log shows them.
pub fn commands(host: &Host, seen: usize) -> Vec<String> {
    let log = std::fs::read_to_string(log_file()).expect("the log");
    let own = format!(r#""reader":"{}""#, host.reader());
    let lines = log.lines().filter(|line| line.contains(&own));
    let command = |line: &str| Some(line.split("\"command\":\"").nth(1)?.split('"').next()?.to_owned());
    lines.filter_map(command).skip(seen).collect()
}

/// The log of all APDUs of this process.
pub fn log_file() -> &'static Path {
    static LOG: OnceLock<tempfile::NamedTempFile> = OnceLock::new();
    let log = LOG.get_or_init(|| {
        let file = tempfile::NamedTempFile::new().expect("a file");
        cardmod_winscard::set_apdu_log(Some(file.path())).expect("the log");
        file
    });
    log.path()
}

/// A certificate of a key. Nobody signed it: the card does not look.
pub fn certificate(key: &PublicKey, filling: usize) -> Vec<u8> {
    const SEQUENCE: Tag = Tag::new(0x30);
    let algorithm = |writer: Writer| {
        writer.template(SEQUENCE, |it| it.object(Tag::new(0x06), &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 4, 3, 2]))
    };
    let name = |writer: Writer, text: &[u8]| {
        let pair = |it: Writer| it.object(Tag::new(0x06), &[0x55, 4, 3]).object(Tag::new(0x0C), text);
        writer.template(SEQUENCE, |it| it.template(Tag::new(0x31), |it| it.template(SEQUENCE, pair)))
    };
    // Digits that do not compress to nothing.
    let filling: Vec<u8> =
        (0..filling as u32).map(|at| b'a' + (at.wrapping_mul(2_654_435_761) >> 27) as u8 % 26).collect();
    let body = |writer: Writer| {
        let writer = writer.template(Tag::new(0xA0), |it| it.object(Tag::new(2), &[2]));
        let writer = name(algorithm(writer.object(Tag::new(2), &[7])), b"issuer");
        let writer = writer.template(SEQUENCE, |it| {
            it.object(Tag::new(0x17), b"250101000000Z").object(Tag::new(0x17), b"450101000000Z")
        });
        name(writer, &filling).encoded(&key.to_spki_der())
    };
    let whole = |it: Writer| {
        algorithm(it.template(SEQUENCE, body)).object(Tag::new(3), &[0, 0x30, 6, 2, 1, 1, 2, 1, 1])
    };
    Writer::new().template(SEQUENCE, whole).finish().to_vec()
}

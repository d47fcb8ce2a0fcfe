//! Which instructions carry secrets, and in which direction.

/// What of a command and its response may not be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Secrecy {
    /// The command's data.
    pub(super) command: bool,
    /// The response's data; the status word is always shown.
    pub(super) response: bool,
}

impl Secrecy {
    pub(super) const NONE: Self = Self { command: false, response: false };
    pub(super) const COMMAND: Self = Self { command: true, response: false };
    pub(super) const RESPONSE: Self = Self { command: false, response: true };
    pub(super) const ALL: Self = Self { command: true, response: true };

    pub(super) const fn or(self, other: Self) -> Self {
        Self { command: self.command || other.command, response: self.response || other.response }
    }
}

/// The secrecy of a command that begins a chain or stands alone. The class comes without its
/// chaining bit.
pub(super) fn secrecy([class, ins, p1, p2]: [u8; 4], data: &[u8]) -> Secrecy {
    if class == 0xFF {
        // Commands to the reader itself (PC/SC part 3): all but GET DATA may load keys.
        return if ins == 0xCA { Secrecy::NONE } else { Secrecy::ALL };
    }
    match ins {
        // ACTIVATE and DEACTIVATE FILE, MANAGE CHANNEL, SELECT, GET CHALLENGE, READ BINARY and
        // READ RECORD, CREATE and DELETE FILE, TERMINATE: nothing secret either way.
        0x04 | 0x44 | 0x70 | 0x84 | 0xA4 | 0xB0..=0xB3 | 0xE0 | 0xE4 | 0xE6 | 0xE8 => Secrecy::NONE,
        // MANAGE SECURITY ENVIRONMENT and GENERATE ASYMMETRIC KEY PAIR name keys and answer public ones.
        0x22 | 0x46 | 0x47 => Secrecy::NONE,
        // The status queries and attestation of PIV cards by Yubico: version, serial, metadata.
        0xF7..=0xF9 | 0xFD => Secrecy::NONE,
        0xCA | 0xCB => get_data(p1, p2, data),
        0xDA | 0xDB => put_data(p1, p2, data),
        0x2A => security_operation(p1, p2),
        // VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, GENERAL AUTHENTICATE, EXTERNAL and
        // INTERNAL AUTHENTICATE, PUT KEY, and whatever is not listed above.
        _ => Secrecy::ALL,
    }
}

/// GET DATA. What is asked of the current application (`3FFF`) is an object by its tag, or the public
/// half of a key (GIDS 2.0, "GET DATA"); where that cannot be told, as from the first bytes of a chain,
/// the answer is hidden.
fn get_data(p1: u8, p2: u8, data: &[u8]) -> Secrecy {
    match data {
        _ if (p1, p2) != (0x3F, 0xFF) => Secrecy::NONE,
        [0x70 | 0xA3, ..] => Secrecy::NONE,
        _ if asks_for_public(data) => Secrecy::NONE,
        _ => Secrecy::RESPONSE,
    }
}

/// PUT DATA. To the current application (`3FFF`) it is PUT KEY, unless it names an object of PIV.
fn put_data(p1: u8, p2: u8, data: &[u8]) -> Secrecy {
    match data {
        _ if (p1, p2) != (0x3F, 0xFF) => Secrecy::NONE,
        _ if asks_for_public(data) => Secrecy::NONE,
        _ => Secrecy::ALL,
    }
}

/// PERFORM SECURITY OPERATION by its output (P1) and input (P2).
const fn security_operation(p1: u8, p2: u8) -> Secrecy {
    match (p1, p2) {
        // COMPUTE DIGITAL SIGNATURE, HASH.
        (0x9E, 0x9A) | (0x90, 0x80 | 0xA0) => Secrecy::NONE,
        // DECIPHER: a cryptogram or a peer's point in, a plaintext or shared secret out.
        (0x80, 0x82 | 0x84 | 0x86) => Secrecy::RESPONSE,
        // ENCIPHER: the other way round.
        (0x82 | 0x84 | 0x86, 0x80) => Secrecy::COMMAND,
        _ => Secrecy::ALL,
    }
}

/// Whether the data begin with a tag list (`5C`) of one whole tag, and it is not one of the objects of PIV
/// that are read only after PIN or match on card (SP 800-73-5, part 1, Table 2): biometrics, pairing code,
/// and printed information, which is also where a management key under the PIN's protection is stored.
fn asks_for_public(data: &[u8]) -> bool {
    let Some([len, rest @ ..]) = data.strip_prefix(&[0x5C]) else { return false };
    match rest.get(..usize::from(*len)) {
        // Fingerprints, facial image, printed information, iris images, pairing code.
        Some([0x5F, 0xC1, 0x03 | 0x08 | 0x09 | 0x21 | 0x23]) => false,
        Some(tag) => is_one_tag(tag),
        None => false,
    }
}

/// One tag, whole, of up to three bytes (ISO 7816-4, section 5.2.2.1).
const fn is_one_tag(bytes: &[u8]) -> bool {
    match *bytes {
        [first] => first & 0x1F != 0x1F,
        [first, second] => first & 0x1F == 0x1F && second & 0x80 == 0,
        [first, second, third] => first & 0x1F == 0x1F && second & 0x80 != 0 && third & 0x80 == 0,
        _ => false,
    }
}

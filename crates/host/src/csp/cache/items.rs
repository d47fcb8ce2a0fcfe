//! What is remembered, as bytes by name: the form in which memory, store and `cardmod cache show` share
//! it. Names say which of the card's counters an item depends on.

use std::collections::BTreeMap;

use cardmod_types::{
    Capabilities, CardCf, ContainerIndex, ContainerKeys, DirectoryName, FilePath, KeySizes, KeySpec,
    PinCachePolicy, PinId, PinInfo, PinKind, PinPurpose, PinSet, PublicKey,
};

use crate::module::{Names, Places};

/// Where the entries of the card module begin.
pub(super) const MODULE: &str = "module:";

/// Which counters have moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) pins: bool,
    pub(super) containers: bool,
    pub(super) files: bool,
}

impl Moved {
    pub(super) fn between(known: &CardCf, read: &CardCf) -> Self {
        Self {
            pins: known.pins != read.pins,
            containers: known.containers != read.containers,
            files: known.files != read.files,
        }
    }

    pub(super) fn any(self) -> bool {
        self.pins || self.containers || self.files
    }

    /// An item of this name may be another now. Keys and certificates are the certificate services' own
    /// files and follow their counters; what a module keeps follows all of them, for nobody knows what it
    /// is.
    pub(super) fn concerns(self, name: &str) -> bool {
        match name.split_once(':').map_or("", |(kind, _)| kind) {
            "file" if name == file(&FilePath::cmapfile()) => self.containers || self.files,
            "file" => self.files,
            "container" | "card" => self.containers,
            "pin" => self.pins,
            _ => self.any(),
        }
    }
}

/// What is known by a name.
struct Item {
    value: Option<Vec<u8>>,
    /// It was not read in this transaction, and no counter vouches for it.
    hint: bool,
}

/// Bytes by name; `None` for a file that is known to be missing.
#[derive(Default)]
pub(super) struct Items {
    known: BTreeMap<String, Item>,
    /// Hints do not count for now.
    distrust: bool,
    /// Something changed that the store does not have.
    changed: bool,
}

impl Items {
    pub(super) fn get(&self, name: &str) -> Option<Option<&[u8]>> {
        let known = self.known.get(name).filter(|item| !(self.distrust && item.hint));
        known.map(|item| item.value.as_deref())
    }

    pub(super) fn put(&mut self, name: String, value: Option<Vec<u8>>) {
        self.changed |= self.known.get(&name).is_none_or(|known| known.value != value);
        self.known.insert(name, Item { value, hint: false });
    }

    pub(super) fn drop_one(&mut self, name: &str) {
        self.changed |= self.known.remove(name).is_some();
    }

    /// Forgets what the card said of its PINs.
    pub(super) fn drop_pins(&mut self) {
        self.drop_moved(Moved { pins: true, containers: false, files: false });
    }

    pub(super) fn drop_moved(&mut self, moved: Moved) {
        let before = self.known.len();
        self.known.retain(|name, _| !moved.concerns(name));
        self.changed |= self.known.len() != before;
    }

    pub(super) fn clear(&mut self) {
        self.changed |= !self.known.is_empty();
        self.known.clear();
    }

    /// Takes an item of the store, unless something newer is known: the store's hints are newer than others.
    pub(super) fn restore(&mut self, name: String, value: Option<Vec<u8>>, hint: bool) {
        if self.known.get(&name).is_none_or(|known| hint && known.hint) {
            self.known.insert(name, Item { value, hint });
        }
    }

    /// Everything known is a hint from now on.
    pub(super) fn age(&mut self) {
        self.known.values_mut().for_each(|item| item.hint = true);
    }

    /// Says whether hints are passed over from now on; answers what was so before.
    pub(super) fn pass_over_hints(&mut self, distrust: bool) -> bool {
        core::mem::replace(&mut self.distrust, distrust)
    }

    /// Hints are passed over.
    pub(super) fn passes_over_hints(&self) -> bool {
        self.distrust
    }

    /// The item was not read in this transaction.
    pub(super) fn is_hint(&self, name: &str) -> bool {
        self.known.get(name).is_some_and(|item| item.hint)
    }

    /// The card has the same now.
    pub(super) fn confirm(&mut self, name: &str) {
        if let Some(item) = self.known.get_mut(name) {
            item.hint = false;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Says that the store has to be written.
    pub(super) fn touch(&mut self) {
        self.changed = true;
    }

    pub(super) fn take_changed(&mut self) -> bool {
        core::mem::take(&mut self.changed)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Option<&[u8]>)> {
        self.known.iter().map(|(name, item)| (name.as_str(), item.value.as_deref()))
    }
}

/// A file everybody may read by the layout of the card, so that its content may be remembered whoever is
/// authenticated: container map, certificates, root certificates, list of applications.
pub(super) fn is_public(path: &FilePath) -> bool {
    let own = [FilePath::cmapfile(), FilePath::msroots(), FilePath::cardapps()];
    let certificate = path.directory == Some(DirectoryName::MSCP) && path.name.certified_key().is_some();
    certificate || own.contains(path)
}

pub(super) fn file(path: &FilePath) -> String {
    format!("file:{path}")
}

pub(super) fn keys(index: ContainerIndex) -> String {
    format!("container:{:02}/keys", index.get())
}

pub(super) fn owner(index: ContainerIndex) -> String {
    format!("container:{:02}/pin", index.get())
}

/// A role's PIN as it is in a reader with a keypad, or in one without: there it may be typed elsewhere.
pub(super) fn pin(role: PinId, keypad: bool) -> String {
    let at = if keypad { "/keypad" } else { "" };
    format!("pin:{}{at}", role.get())
}

pub(super) fn key_sizes(spec: KeySpec) -> String {
    format!("card:key-sizes/{}", spec.code())
}

pub(super) const CAPABILITIES: &str = "card:capabilities";
pub(super) const PLACES: &str = "card:places";
/// What names places have follows containers and files.
pub(super) const NAMES: &str = "names:containers";

/// A value that can be an item.
pub(super) trait Remembered: Sized {
    fn to_item(&self) -> Vec<u8>;
    /// `None` for bytes that are no such value: they are a miss.
    fn from_item(item: &[u8]) -> Option<Self>;
}

impl Remembered for ContainerKeys {
    /// Signature key, then key-exchange key: a length and `SubjectPublicKeyInfo`; length 0 for none.
    fn to_item(&self) -> Vec<u8> {
        let mut item = Vec::new();
        for key in [&self.signature, &self.key_exchange] {
            let der = key.as_ref().map(PublicKey::to_spki_der).unwrap_or_default();
            item.extend((der.len() as u32).to_be_bytes());
            item.extend(der);
        }
        item
    }

    fn from_item(item: &[u8]) -> Option<Self> {
        let (signature, rest) = key_from(item)?;
        let (key_exchange, rest) = key_from(rest)?;
        rest.is_empty().then_some(Self { signature, key_exchange })
    }
}

/// The next key and what follows it.
fn key_from(item: &[u8]) -> Option<(Option<PublicKey>, &[u8])> {
    let (length, rest) = item.split_first_chunk()?;
    let (der, rest) = rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
    let key = if der.is_empty() { None } else { Some(PublicKey::from_spki_der(der).ok()?) };
    Some((key, rest))
}

impl Remembered for Places {
    fn to_item(&self) -> Vec<u8> {
        self.to_bytes()
    }

    fn from_item(item: &[u8]) -> Option<Self> {
        Self::parse(item)
    }
}

impl Remembered for Names {
    fn to_item(&self) -> Vec<u8> {
        self.to_bytes()
    }

    fn from_item(item: &[u8]) -> Option<Self> {
        Self::parse(item)
    }
}

impl Remembered for PinId {
    fn to_item(&self) -> Vec<u8> {
        numbers([self.get()])
    }

    fn from_item(item: &[u8]) -> Option<Self> {
        let [id] = words(item)?;
        Self::try_from(id).ok()
    }
}

impl Remembered for PinInfo {
    fn to_item(&self) -> Vec<u8> {
        let (policy, seconds) = self.cache.codes();
        numbers([
            self.kind.code(),
            self.purpose.code(),
            self.change.bits(),
            self.unblock.bits(),
            policy,
            seconds,
            self.flags(),
        ])
    }

    fn from_item(item: &[u8]) -> Option<Self> {
        let [kind, purpose, change, unblock, policy, seconds, flags] = words(item)?;
        Some(Self {
            kind: PinKind::try_from(kind).ok()?,
            purpose: PinPurpose::try_from(purpose).ok()?,
            change: PinSet::from_bits(change),
            unblock: PinSet::from_bits(unblock),
            cache: PinCachePolicy::from_codes(policy, seconds).ok()?,
            secure_entry: flags & Self::REQUIRE_SECURE_ENTRY != 0,
        })
    }
}

impl Remembered for Capabilities {
    fn to_item(&self) -> Vec<u8> {
        numbers([u32::from(self.certificate_compression), u32::from(self.key_generation)])
    }

    fn from_item(item: &[u8]) -> Option<Self> {
        let [compression, generation] = words(item)?;
        Some(Self { certificate_compression: compression != 0, key_generation: generation != 0 })
    }
}

/// No sizes are an empty item.
impl Remembered for Option<KeySizes> {
    fn to_item(&self) -> Vec<u8> {
        self.map(|sizes| numbers([sizes.minimum, sizes.default, sizes.maximum, sizes.increment]))
            .unwrap_or_default()
    }

    fn from_item(item: &[u8]) -> Option<Self> {
        if item.is_empty() {
            return Some(None);
        }
        let [minimum, default, maximum, increment] = words(item)?;
        Some(Some(KeySizes { minimum, default, maximum, increment }))
    }
}

fn numbers<const N: usize>(values: [u32; N]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_be_bytes()).collect()
}

fn words<const N: usize>(item: &[u8]) -> Option<[u32; N]> {
    let (words, rest) = item.as_chunks::<4>();
    let words: [[u8; 4]; N] = words.try_into().ok().filter(|_| rest.is_empty())?;
    Some(words.map(u32::from_be_bytes))
}

/// The name of the file of this name in `mscp`, for tests.
#[cfg(test)]
fn in_mscp(name: &str) -> FilePath {
    FilePath::parse(&format!("mscp/{name}")).unwrap_or_else(|_| panic!("{name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use cardmod_types::{KeyHalf, RsaPublicKey};

    fn comes_back<T: Remembered + PartialEq + std::fmt::Debug>(value: &T) {
        let item = value.to_item();
        assert_eq!(T::from_item(&item).as_ref(), Some(value));
        assert_eq!(T::from_item(&[&item[..], &[0]].concat()), None, "and one byte more is none");
    }

    #[test]
    fn values_come_back() {
        let modulus = [&[0xC1][..], &[1; 127]].concat();
        let key = PublicKey::Rsa(RsaPublicKey::new(&modulus, 65_537).expect("key"));
        comes_back(&ContainerKeys { signature: None, key_exchange: Some(key.clone()) });
        comes_back(&ContainerKeys { signature: Some(key.clone()), key_exchange: Some(key) });
        comes_back(&PinId::ADMIN);
        comes_back(&Capabilities { certificate_compression: false, key_generation: true });
        comes_back(&Some(KeySizes { minimum: 1, default: 2, maximum: 3, increment: 4 }));
        assert_eq!(Option::<KeySizes>::from_item(&None::<KeySizes>.to_item()), Some(None));
        comes_back(&PinInfo {
            kind: PinKind::AlphaNumeric,
            purpose: PinPurpose::Authentication,
            change: PinSet::only(PinId::USER),
            unblock: PinSet::only(PinId::ADMIN),
            cache: PinCachePolicy::Timed(90),
            secure_entry: true,
        });
        assert_eq!(PinInfo::from_item(&[0xFF; 28]), None);
        assert_eq!(ContainerKeys::from_item(&[0, 0, 0, 9, 1]), None);
    }

    #[test]
    fn each_item_follows_its_counters() {
        let moved = |pins, containers, files| Moved { pins, containers, files };
        let index = ContainerIndex::new(1);
        let certificate = file(&FilePath::certificate(KeyHalf::KeyExchange, index));
        let cases = [
            (file(&FilePath::cmapfile()), [false, true, true]),
            (certificate, [false, false, true]),
            (keys(index), [false, true, false]),
            (owner(index), [false, true, false]),
            (CAPABILITIES.to_owned(), [false, true, false]),
            (pin(PinId::USER, false), [true, false, false]),
            (pin(PinId::USER, true), [true, false, false]),
            (NAMES.to_owned(), [true, true, true]),
            (format!("{MODULE}anything"), [true, true, true]),
            ("what nobody knows".to_owned(), [true, true, true]),
        ];
        for (name, expected) in cases {
            let each = [moved(true, false, false), moved(false, true, false), moved(false, false, true)];
            assert_eq!(each.map(|moved| moved.concerns(&name)), expected, "{name}");
        }
    }

    #[test]
    fn only_files_that_everybody_may_read_are_kept() {
        for public in ["cmapfile", "msroots", "kxc00", "ksc11"] {
            assert!(is_public(&in_mscp(public)), "{public}");
        }
        assert!(is_public(&FilePath::cardapps()));
        for other in ["notes", "kxcfile", "kxc"] {
            assert!(!is_public(&in_mscp(other)), "{other}");
        }
        for of_the_host in [FilePath::cardcf(), FilePath::cardid()] {
            assert!(!is_public(&of_the_host), "read in each transaction: {of_the_host}");
        }
    }
}

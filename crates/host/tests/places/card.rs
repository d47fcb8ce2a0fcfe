//! A card of memory whose keys have places, as its module presents a PIV card: no counters, a container map
//! made of the keys, a management key to write with, one place whose PIN is for one use, one without a PIN.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use cardmod_sdk::{
    CardContext, CardModule, ContainerCreation, FileWriting, HINTS_PROPERTY, KeyRef, MANAGEMENT_KEY_PROPERTY,
    NewKey, OwnProperties, PLACE_PROPERTY, PLACES_PROPERTY, PinAdministration, SignatureInput, Status,
    UnblockAuthority,
};
use cardmod_types::{
    CacheMode, Capabilities, CardId, ContainerIndex, ContainerKeys, ContainerMap, ContainerName,
    ContainerRecord, DirectoryAccess, DirectoryName, EcCurve, EcPublicKey, FileAccess, FileInfo, FileName,
    FilePath, FreeSpace, KeyHalf, KeySizes, KeySpec, Pin, PinCachePolicy, PinId, PinInfo, PinKind,
    PinPurpose, PinSet, PublicKey,
};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::hazmat::PrehashSigner as _;

type Answer<T> = cardmod_sdk::Result<T>;

pub(crate) const LABELS: [&str; 4] = ["9a", "9c", "9d", "9e"];
pub(crate) const PIN: &str = "right";
pub(crate) const MANAGEMENT_KEY: [u8; 24] = [0x4B; 24];
/// The role of 9c, and the one of the PUK.
const ALWAYS: u32 = 3;
const UNBLOCKING: u32 = 4;

/// The role with this number.
pub(crate) fn role(number: u32) -> PinId {
    PinId::try_from(number).expect("a role")
}

/// A key and what lies beside it.
#[derive(Clone)]
pub(crate) struct Slot {
    /// The private key is this byte 32 times.
    pub(crate) seed: u8,
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) half: KeyHalf,
}

/// The card: what its modules see, and what they did.
pub(crate) struct State {
    pub(crate) slots: [Option<Slot>; 4],
    /// The names that were given, where the card keeps them.
    pub(crate) names: BTreeMap<usize, String>,
    pub(crate) keeps_names: bool,
    /// Keys that the container map does not tell of.
    pub(crate) secret_slots: Vec<usize>,
    pub(crate) hints: bool,
    pub(crate) id: CardId,
    /// What was sent to the card.
    pub(crate) log: Vec<String>,
    authenticated: PinSet,
    /// The last command verified the PIN.
    fresh: bool,
    next_seed: u8,
}

impl State {
    fn new(name: &str) -> Self {
        let mut id = *b"a card of places";
        for (byte, letter) in id.iter_mut().zip(name.bytes()) {
            *byte = letter;
        }
        Self {
            slots: [const { None }; 4],
            names: BTreeMap::new(),
            keeps_names: true,
            secret_slots: Vec::new(),
            hints: true,
            id: CardId(id),
            log: Vec::new(),
            authenticated: PinSet::NONE,
            fresh: false,
            next_seed: 10,
        }
    }

    /// What was sent since the last look.
    pub(crate) fn done(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    /// A command: whatever it is, a PIN before it is used up.
    fn send(&mut self, what: impl Into<String>) {
        self.fresh = false;
        self.log.push(what.into());
    }

    /// Puts a key into a slot, as another program would.
    pub(crate) fn put(&mut self, slot: usize, seed: u8, certificate: Option<Vec<u8>>) {
        let half = if slot == 2 { KeyHalf::KeyExchange } else { KeyHalf::Signature };
        self.slots[slot] = Some(Slot { seed, certificate, half });
    }
}

static CARDS: OnceLock<Mutex<HashMap<String, Arc<Mutex<State>>>>> = OnceLock::new();

/// The card of this name; it is made at the first look.
pub(crate) fn state(name: &str) -> Arc<Mutex<State>> {
    let mut cards = CARDS.get_or_init(Mutex::default).lock().expect("the cards");
    cards.entry(name.to_owned()).or_insert_with(|| Arc::new(Mutex::new(State::new(name)))).clone()
}

pub(crate) fn signing_key(seed: u8) -> SigningKey {
    SigningKey::from_slice(&[seed; 32]).expect("a key")
}

/// The public half of the key of this seed.
pub(crate) fn public(seed: u8) -> PublicKey {
    let point = signing_key(seed).verifying_key().to_sec1_point(false).to_bytes();
    PublicKey::Ec(EcPublicKey::from_uncompressed(EcCurve::P256, &point).expect("a point"))
}

/// The module: its card is named by the host. It remembers what it read until it is told to forget.
pub(crate) struct Module {
    card: Arc<Mutex<State>>,
    memory: HashMap<String, Vec<u8>>,
    given: Option<Vec<u8>>,
    place: Option<usize>,
    /// The management key was used: only a reset takes that away.
    managing: bool,
}

impl Module {
    fn state(&self) -> MutexGuard<'_, State> {
        self.card.lock().expect("the card")
    }

    /// The management key is used, within the entry that writes.
    fn manage(&mut self) -> Answer<()> {
        let Some(given) = self.given.clone() else { return Err(Status::UnsupportedFeature) };
        let mut state = self.state();
        if given[..] != [&[3][..], &MANAGEMENT_KEY].concat()[..] && given[..] != [1] {
            state.send("management key wrong");
            return Err(Status::SecurityViolation);
        }
        state.send("management key right");
        drop(state);
        self.managing = true;
        Ok(())
    }

    fn slot(index: ContainerIndex) -> usize {
        usize::from(index.get())
    }

    /// What the card has under a name, read once and remembered.
    fn content(&mut self, name: &str) -> Answer<Vec<u8>> {
        if let Some(known) = self.memory.get(name) {
            return Ok(known.clone());
        }
        let content = {
            let mut state = self.state();
            state.send(format!("read {name}"));
            match name {
                "mscp/cmapfile" => Some(map(&state)),
                _ => {
                    let (kind, index) = name.trim_start_matches("mscp/").split_at(3);
                    let slot: usize = index.parse().map_err(|_| Status::FileNotFound)?;
                    let half = if kind == "kxc" { KeyHalf::KeyExchange } else { KeyHalf::Signature };
                    let slot = state.slots.get(slot).cloned().flatten().filter(|slot| slot.half == half);
                    slot.and_then(|slot| slot.certificate)
                }
            }
        };
        let content = content.ok_or(Status::FileNotFound)?;
        self.memory.insert(name.to_owned(), content.clone());
        Ok(content)
    }
}

/// The map, made of the keys and the names that are kept.
fn map(state: &State) -> Vec<u8> {
    let mut map = ContainerMap::new();
    for (at, slot) in state.slots.iter().enumerate() {
        let Some(slot) = slot.as_ref().filter(|_| !state.secret_slots.contains(&at)) else { continue };
        let derived = format!("key-{}", LABELS[at]);
        let name = state.names.get(&at).cloned().unwrap_or(derived);
        let mut record = ContainerRecord::new(ContainerName::parse(&name).expect("a name"));
        record.default = map.iter().next().is_none();
        record.set_bits(slot.half, 256);
        map.set(ContainerIndex::new(at as u8), Some(record)).expect("a record");
    }
    map.to_bytes()
}

impl CardModule for Module {
    fn acquire(cx: &mut CardContext<'_>) -> Answer<Self> {
        let card = state(cx.card_name());
        Ok(Self { card, memory: HashMap::new(), given: None, place: None, managing: false })
    }

    fn connection_lost(&mut self) {
        self.managing = false;
        // Without hints it is what a module has to be by itself: careful.
        if !self.state().hints {
            self.memory.clear();
        }
        let mut state = self.state();
        state.authenticated = PinSet::NONE;
        state.fresh = false;
    }

    fn forget_content(&mut self) {
        self.memory.clear();
    }

    fn card_id(&mut self, _cx: &mut CardContext<'_>) -> Answer<CardId> {
        let mut state = self.state();
        state.send("identity");
        Ok(state.id)
    }

    fn capabilities(&mut self, _cx: &mut CardContext<'_>) -> Answer<Capabilities> {
        Ok(Capabilities { certificate_compression: true, key_generation: true })
    }

    fn free_space(&mut self, _cx: &mut CardContext<'_>) -> Answer<FreeSpace> {
        Ok(FreeSpace { bytes: None, containers: None, max_containers: Some(4) })
    }

    fn key_sizes(&mut self, _cx: &mut CardContext<'_>, spec: KeySpec) -> Answer<KeySizes> {
        match spec {
            KeySpec::EcdsaP256 | KeySpec::EcdheP256 => Ok(KeySizes::only(256)),
            _ => Err(Status::UnsupportedFeature),
        }
    }

    fn read_only(&mut self, _cx: &mut CardContext<'_>) -> Answer<bool> {
        Ok(self.given.is_none())
    }

    fn cache_mode(&mut self, _cx: &mut CardContext<'_>) -> Answer<CacheMode> {
        Ok(if self.given.is_none() { CacheMode::Session } else { CacheMode::None })
    }

    fn pin_list(&mut self, _cx: &mut CardContext<'_>) -> Answer<PinSet> {
        Ok([PinId::USER, role(ALWAYS), role(UNBLOCKING)].into_iter().fold(PinSet::NONE, |mut set, id| {
            set.insert(id);
            set
        }))
    }

    fn pin_info(&mut self, _cx: &mut CardContext<'_>, id: PinId) -> Answer<PinInfo> {
        let (purpose, cache) = match id.get() {
            ALWAYS => (PinPurpose::DigitalSignature, PinCachePolicy::AlwaysPrompt),
            UNBLOCKING => (PinPurpose::UnblockOnly, PinCachePolicy::None),
            _ => (PinPurpose::Authentication, PinCachePolicy::Normal),
        };
        let unblock = if id.get() == UNBLOCKING { PinSet::NONE } else { PinSet::only(role(UNBLOCKING)) };
        let change = PinSet::only(id);
        Ok(PinInfo { kind: PinKind::AlphaNumeric, purpose, change, unblock, cache, secure_entry: false })
    }

    fn authenticated(&mut self, _cx: &mut CardContext<'_>) -> Answer<Option<PinSet>> {
        Ok(Some(self.state().authenticated))
    }

    fn container_keys(&mut self, _cx: &mut CardContext<'_>, index: ContainerIndex) -> Answer<ContainerKeys> {
        let name = format!("key {}", LABELS.get(Self::slot(index)).ok_or(Status::NoKeyContainer)?);
        if !self.memory.contains_key(&name) {
            let mut state = self.state();
            state.send(name.clone());
            let slot = state.slots[Self::slot(index)].clone().ok_or(Status::NoKeyContainer)?;
            drop(state);
            let half = u8::from(slot.half == KeyHalf::Signature);
            self.memory.insert(name.clone(), vec![slot.seed, half]);
        }
        let [seed, half] = self.memory[&name][..] else { return Err(Status::Unexpected) };
        let key = Some(public(seed));
        Ok(match half {
            1 => ContainerKeys { signature: key, key_exchange: None },
            _ => ContainerKeys { signature: None, key_exchange: key },
        })
    }

    fn container_pin(&mut self, _cx: &mut CardContext<'_>, index: ContainerIndex) -> Answer<PinId> {
        Ok(match Self::slot(index) {
            1 => role(ALWAYS),
            3 => PinId::EVERYONE,
            _ => PinId::USER,
        })
    }

    fn read_file(&mut self, _cx: &mut CardContext<'_>, path: &FilePath) -> Answer<Vec<u8>> {
        match path.to_string().as_str() {
            "cardcf" => Ok(vec![0; 6]),
            name if name == "mscp/cmapfile" || path.name.certified_key().is_some() => self.content(name),
            _ => Err(Status::FileNotFound),
        }
    }

    fn file_info(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Answer<FileInfo> {
        let size = u32::try_from(self.read_file(cx, path)?.len()).map_err(|_| Status::Unexpected)?;
        Ok(FileInfo { size, access: None })
    }

    fn list_files(&mut self, _: &mut CardContext<'_>, _: Option<&DirectoryName>) -> Answer<Vec<FileName>> {
        Ok(Vec::new())
    }

    fn verify_pin(&mut self, _cx: &mut CardContext<'_>, id: PinId, pin: &Pin) -> Answer<()> {
        let mut state = self.state();
        if pin.as_bytes() != PIN.as_bytes() {
            state.send("PIN wrong");
            return Err(Status::WrongPin { attempts: Some(2) });
        }
        state.send("PIN right");
        state.fresh = true;
        // One PIN for both roles.
        state.authenticated = PinSet::only(PinId::USER).union(PinSet::only(id));
        Ok(())
    }

    fn deauthenticate(&mut self, _cx: &mut CardContext<'_>, _roles: PinSet) -> Answer<()> {
        if self.managing {
            self.state().log.push("reset me".to_owned());
            return Err(Status::UnsupportedFeature);
        }
        let mut state = self.state();
        state.send("log out");
        state.authenticated = PinSet::NONE;
        Ok(())
    }

    fn sign(&mut self, _: &mut CardContext<'_>, key: KeyRef, input: &SignatureInput<'_>) -> Answer<Vec<u8>> {
        let at = Self::slot(key.container);
        let mut state = self.state();
        let allowed = match at {
            1 => state.fresh,
            3 => true,
            _ => state.authenticated.contains(PinId::USER),
        };
        state.send(format!("sign {}", LABELS[at]));
        let slot = state.slots[at].clone().ok_or(Status::NoKeyContainer)?;
        if !allowed {
            return Err(Status::SecurityViolation);
        }
        let SignatureInput::Ecdsa(hash) = input else { return Err(Status::UnsupportedFeature) };
        let signature: p256::ecdsa::Signature =
            signing_key(slot.seed).sign_prehash(hash).map_err(|_| Status::Unexpected)?;
        Ok(signature.to_bytes().to_vec())
    }

    fn container_creation(&mut self) -> Option<&mut dyn ContainerCreation> {
        Some(self)
    }

    fn file_writing(&mut self) -> Option<&mut dyn FileWriting> {
        Some(self)
    }

    fn pin_administration(&mut self) -> Option<&mut dyn PinAdministration> {
        Some(self)
    }

    fn own_properties(&mut self) -> Option<&mut dyn OwnProperties> {
        Some(self)
    }
}

impl ContainerCreation for Module {
    fn create_key(&mut self, _: &mut CardContext<'_>, key: KeyRef, _: NewKey<'_>, _: PinId) -> Answer<()> {
        let at = self.place.take().unwrap_or_else(|| Self::slot(key.container));
        self.manage()?;
        let mut state = self.state();
        if state.slots.get(at).ok_or(Status::NoKeyContainer)?.is_some() {
            return Err(Status::FileExists);
        }
        let seed = state.next_seed;
        state.next_seed += 1;
        state.send(format!("generate {}", LABELS[at]));
        state.slots[at] = Some(Slot { seed, certificate: None, half: key.spec.half() });
        drop(state);
        self.memory.clear();
        Ok(())
    }

    fn delete_container(&mut self, _cx: &mut CardContext<'_>, index: ContainerIndex) -> Answer<()> {
        self.manage()?;
        let at = Self::slot(index);
        let mut state = self.state();
        state.send(format!("delete {}", LABELS[at]));
        state.slots[at] = None;
        state.names.remove(&at);
        drop(state);
        self.memory.clear();
        Ok(())
    }
}

impl FileWriting for Module {
    fn create_file(&mut self, _: &mut CardContext<'_>, _: &FilePath, _: u32, _: FileAccess) -> Answer<()> {
        Ok(())
    }

    fn write_file(&mut self, _cx: &mut CardContext<'_>, path: &FilePath, data: &[u8]) -> Answer<()> {
        if *path == FilePath::cardcf() {
            return Ok(());
        }
        self.manage()?;
        self.memory.clear();
        let mut state = self.state();
        if let Some((_, index)) = path.name.certified_key() {
            state.send(format!("write certificate {}", LABELS[Self::slot(index)]));
            let slot = state.slots[Self::slot(index)].as_mut().ok_or(Status::FileNotFound)?;
            slot.certificate = Some(data.to_vec());
            return Ok(());
        }
        if *path != FilePath::cmapfile() || !state.keeps_names {
            return Err(Status::WriteTooMany);
        }
        state.send("write map");
        let written = ContainerMap::parse(data).map_err(|_| Status::InvalidParameter)?;
        state.names = written
            .iter()
            .map(|(index, record)| (Self::slot(index), record.name.as_str().to_owned()))
            .collect();
        Ok(())
    }

    fn delete_file(&mut self, _cx: &mut CardContext<'_>, path: &FilePath) -> Answer<()> {
        self.manage()?;
        self.memory.clear();
        let (_, index) = path.name.certified_key().ok_or(Status::FileNotFound)?;
        let mut state = self.state();
        state.send(format!("delete certificate {}", LABELS[Self::slot(index)]));
        if let Some(slot) = &mut state.slots[Self::slot(index)] {
            slot.certificate = None;
        }
        Ok(())
    }

    fn create_directory(
        &mut self,
        _: &mut CardContext<'_>,
        _: &DirectoryName,
        _: DirectoryAccess,
    ) -> Answer<()> {
        Err(Status::UnsupportedFeature)
    }

    fn delete_directory(&mut self, _: &mut CardContext<'_>, _: &DirectoryName) -> Answer<()> {
        Err(Status::UnsupportedFeature)
    }
}

impl PinAdministration for Module {
    fn change_pin(
        &mut self,
        _: &mut CardContext<'_>,
        by: PinId,
        _: &Pin,
        target: PinId,
        _: &Pin,
    ) -> Answer<()> {
        self.state().send(format!("{by} changes {target}"));
        Ok(())
    }

    fn unblock_pin(
        &mut self,
        _: &mut CardContext<'_>,
        authority: UnblockAuthority<'_>,
        target: PinId,
        _: &Pin,
        _: Option<u32>,
    ) -> Answer<()> {
        let UnblockAuthority::Secret(by, _) = authority else { return Err(Status::UnsupportedFeature) };
        self.state().send(format!("{by} unblocks {target}"));
        Ok(())
    }
}

impl OwnProperties for Module {
    fn has(&self, name: &str) -> bool {
        [PLACES_PROPERTY, PLACE_PROPERTY, MANAGEMENT_KEY_PROPERTY, HINTS_PROPERTY].contains(&name)
    }

    fn get(&mut self, _cx: &mut CardContext<'_>, name: &str, _flags: u32) -> Answer<Vec<u8>> {
        match name {
            PLACES_PROPERTY => Ok(LABELS.join("\0").into_bytes()),
            HINTS_PROPERTY => Ok(u32::from(self.state().hints).to_ne_bytes().to_vec()),
            _ => Err(Status::UnsupportedFeature),
        }
    }

    fn set(&mut self, _cx: &mut CardContext<'_>, name: &str, value: &[u8], _flags: u32) -> Answer<()> {
        match name {
            MANAGEMENT_KEY_PROPERTY => self.given = Some(value.to_vec()).filter(|key| !key.is_empty()),
            PLACE_PROPERTY => {
                let label = std::str::from_utf8(value).map_err(|_| Status::InvalidParameter)?;
                self.place = LABELS.iter().position(|known| known.eq_ignore_ascii_case(label));
            }
            _ => return Err(Status::UnsupportedFeature),
        }
        Ok(())
    }
}

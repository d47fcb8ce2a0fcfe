//! A card of memory with every role there is, one container for each, and a record of what its module
//! was asked to do.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use cardmod_sdk::{
    AdminAuthentication, CardContext, CardModule, FileWriting, KeyRef, PinAdministration, SecurePinEntry,
    SignatureInput, Status, UnblockAuthority,
};
use cardmod_types::{
    CacheMode, Capabilities, CardId, ContainerIndex, ContainerKeys, ContainerMap, ContainerName,
    ContainerRecord, DirectoryAccess, DirectoryName, EcCurve, EcPublicKey, FileAccess, FileInfo, FileName,
    FilePath, FreeSpace, KeyHalf, KeySizes, KeySpec, Pin, PinCachePolicy, PinId, PinInfo, PinKind,
    PinPurpose, PinSet, PublicKey, SecretBytes,
};

type Answer<T> = cardmod_sdk::Result<T>;

/// The role with this number.
pub(crate) fn role(number: u32) -> PinId {
    PinId::try_from(number).expect("a role")
}

/// Kept for 30 seconds.
pub(crate) const TIMED: u32 = 3;
/// Never kept; a session PIN can be made of it where the card says so.
pub(crate) const UNKEPT: u32 = 4;
/// Collected by the module.
pub(crate) const EXTERNAL: u32 = 5;
/// Answers challenges.
pub(crate) const RESPONSE: u32 = 6;
/// Asked for every time.
pub(crate) const ALWAYS: u32 = 7;

/// The right PIN of every role.
pub(crate) const PIN: &str = "right";

/// The card: what its modules see, and what they did.
pub(crate) struct State {
    pub(crate) log: Vec<String>,
    /// The files that were read.
    pub(crate) read: Vec<String>,
    /// The files that were to be read, whatever came of it.
    pub(crate) tried: Vec<String>,
    /// Files that cannot be read, and why.
    pub(crate) unreadable: BTreeMap<String, Status>,
    pub(crate) pin: String,
    pub(crate) tries: u32,
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    pub(crate) authenticated: PinSet,
    /// The user's PIN opens the timed keys too.
    pub(crate) user_controls_timed: bool,
    /// The module turns PINs into session PINs.
    pub(crate) session_pins: bool,
    /// The number in the session PINs that are good now.
    pub(crate) session_serial: u32,
    pub(crate) id: CardId,
    pub(crate) cache_mode: CacheMode,
}

impl State {
    fn new() -> Self {
        let files = BTreeMap::from([
            ("cardid".to_owned(), vec![9; 16]),
            ("cardcf".to_owned(), vec![0; 6]),
            ("mscp/cmapfile".to_owned(), map()),
        ]);
        Self {
            log: Vec::new(),
            read: Vec::new(),
            tried: Vec::new(),
            unreadable: BTreeMap::new(),
            pin: PIN.to_owned(),
            tries: 3,
            files,
            authenticated: PinSet::NONE,
            user_controls_timed: false,
            session_pins: false,
            session_serial: 1,
            id: CardId([9; 16]),
            cache_mode: CacheMode::Global,
        }
    }

    /// What was done since the last look.
    pub(crate) fn done(&mut self) -> Vec<String> {
        std::mem::take(&mut self.log)
    }

    fn note(&mut self, what: impl Into<String>) {
        self.log.push(what.into());
    }

    /// A file from the card itself.
    fn content(&mut self, name: &str) -> Answer<Vec<u8>> {
        self.tried.push(name.to_owned());
        if let Some(status) = self.unreadable.get(name) {
            return Err(*status);
        }
        let content = self.files.get(name).cloned().ok_or(Status::FileNotFound)?;
        self.read.push(name.to_owned());
        Ok(content)
    }

    fn check(&mut self, id: PinId, pin: &[u8]) -> Answer<()> {
        if self.tries == 0 {
            self.note(format!("{id} blocked"));
            return Err(Status::PinBlocked);
        }
        if pin == self.pin.as_bytes() {
            self.tries = 3;
            self.note(format!("{id} right"));
            return Ok(());
        }
        self.tries -= 1;
        self.authenticated.remove(id);
        self.note(format!("{id} wrong"));
        Err(Status::WrongPin { attempts: Some(self.tries) })
    }

    fn admit(&mut self, id: PinId) {
        self.authenticated.insert(id);
        if id == PinId::USER && self.user_controls_timed {
            self.authenticated.insert(role(TIMED));
        }
    }

    fn session_pin(&self, id: PinId) -> SecretBytes {
        SecretBytes::new(format!("session {id} {}", self.session_serial).into_bytes())
    }
}

static CARDS: OnceLock<Mutex<HashMap<String, Arc<Mutex<State>>>>> = OnceLock::new();

/// The card of this name; it is made at the first look.
pub(crate) fn state(name: &str) -> Arc<Mutex<State>> {
    let mut cards = CARDS.get_or_init(Mutex::default).lock().expect("the cards");
    cards.entry(name.to_owned()).or_insert_with(|| Arc::new(Mutex::new(State::new()))).clone()
}

/// The module: its card is named by the host.
pub(crate) struct Module(Arc<Mutex<State>>);

impl Module {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("the card")
    }
}

/// One signature key for each role, the container being named like the role.
fn map() -> Vec<u8> {
    let mut map = ContainerMap::new();
    for number in 0..8 {
        let name = role(u32::from(number)).to_string();
        let mut record = ContainerRecord::new(ContainerName::parse(&name).expect("a name"));
        record.default = number == 1;
        record.set_bits(KeyHalf::Signature, 256);
        map.set(ContainerIndex::new(number), Some(record)).expect("a record");
    }
    map.to_bytes()
}

fn point() -> EcPublicKey {
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
    let point = key.verifying_key().to_sec1_point(false).to_bytes();
    EcPublicKey::from_uncompressed(EcCurve::P256, &point).expect("a point")
}

/// What the card says about its roles.
fn info(id: PinId) -> PinInfo {
    let (kind, purpose, cache) = match id.get() {
        2 => (PinKind::ChallengeResponse, PinPurpose::Administrator, PinCachePolicy::Normal),
        TIMED => (PinKind::AlphaNumeric, PinPurpose::Encryption, PinCachePolicy::Timed(30)),
        UNKEPT => (PinKind::AlphaNumeric, PinPurpose::Authentication, PinCachePolicy::None),
        EXTERNAL => (PinKind::External, PinPurpose::DigitalSignature, PinCachePolicy::Normal),
        RESPONSE => (PinKind::ChallengeResponse, PinPurpose::Authentication, PinCachePolicy::Normal),
        ALWAYS => (PinKind::AlphaNumeric, PinPurpose::NonRepudiation, PinCachePolicy::AlwaysPrompt),
        _ => (PinKind::AlphaNumeric, PinPurpose::PrimaryCard, PinCachePolicy::Normal),
    };
    // The user changes the PIN of role 4; nobody changes that of role 7; role 3 unblocks the user.
    let change = match id.get() {
        UNKEPT => PinSet::only(PinId::USER),
        ALWAYS => PinSet::NONE,
        _ => PinSet::only(id),
    };
    let unblock = if id == PinId::USER { PinSet::only(role(TIMED)) } else { PinSet::only(id) };
    PinInfo { kind, purpose, change, unblock, cache, secure_entry: id.get() == ALWAYS }
}

impl CardModule for Module {
    fn acquire(cx: &mut CardContext<'_>) -> Answer<Self> {
        Ok(Self(state(cx.card_name())))
    }

    fn connection_lost(&mut self) {}

    fn card_id(&mut self, _cx: &mut CardContext<'_>) -> Answer<CardId> {
        Ok(self.state().id)
    }

    fn capabilities(&mut self, _cx: &mut CardContext<'_>) -> Answer<Capabilities> {
        Ok(Capabilities { certificate_compression: false, key_generation: false })
    }

    fn free_space(&mut self, _cx: &mut CardContext<'_>) -> Answer<FreeSpace> {
        Ok(FreeSpace { bytes: None, containers: None, max_containers: None })
    }

    fn key_sizes(&mut self, _cx: &mut CardContext<'_>, spec: KeySpec) -> Answer<KeySizes> {
        if spec == KeySpec::EcdsaP256 { Ok(KeySizes::only(256)) } else { Err(Status::UnsupportedFeature) }
    }

    fn pin_list(&mut self, _cx: &mut CardContext<'_>) -> Answer<PinSet> {
        let mut roles = PinSet::ALL;
        roles.remove(PinId::EVERYONE);
        Ok(roles)
    }

    fn pin_info(&mut self, _cx: &mut CardContext<'_>, id: PinId) -> Answer<PinInfo> {
        Ok(info(id))
    }

    fn authenticated(&mut self, _cx: &mut CardContext<'_>) -> Answer<Option<PinSet>> {
        Ok(Some(self.state().authenticated))
    }

    fn container_keys(&mut self, _cx: &mut CardContext<'_>, _index: ContainerIndex) -> Answer<ContainerKeys> {
        Ok(ContainerKeys { signature: Some(PublicKey::Ec(point())), key_exchange: None })
    }

    fn container_pin(&mut self, _cx: &mut CardContext<'_>, index: ContainerIndex) -> Answer<PinId> {
        Ok(role(index.get().into()))
    }

    fn cache_mode(&mut self, _cx: &mut CardContext<'_>) -> Answer<CacheMode> {
        Ok(self.state().cache_mode)
    }

    /// Believes the host's cache of all but the two files that say whether it may be believed.
    fn read_file(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Answer<Vec<u8>> {
        let name = path.to_string();
        let cached = *path != FilePath::cardcf() && *path != FilePath::cardid();
        if cached && let Some(kept) = cx.cache().lookup(&name) {
            return Ok(kept.to_vec());
        }
        let content = self.state().content(&name)?;
        if cached {
            cx.cache().add(&name, &content);
        }
        Ok(content)
    }

    fn file_info(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Answer<FileInfo> {
        let size = u32::try_from(self.read_file(cx, path)?.len()).map_err(|_| Status::Unexpected)?;
        Ok(FileInfo { size, access: None })
    }

    fn list_files(
        &mut self,
        _cx: &mut CardContext<'_>,
        _directory: Option<&DirectoryName>,
    ) -> Answer<Vec<FileName>> {
        Ok(Vec::new())
    }

    fn verify_pin(&mut self, _cx: &mut CardContext<'_>, id: PinId, pin: &Pin) -> Answer<()> {
        let mut state = self.state();
        state.check(id, pin.as_bytes())?;
        state.admit(id);
        Ok(())
    }

    fn deauthenticate(&mut self, _cx: &mut CardContext<'_>, roles: PinSet) -> Answer<()> {
        let mut state = self.state();
        let lost: Vec<String> = roles.iter().map(|id| id.to_string()).collect();
        state.note(format!("drop {}", lost.join(", ")));
        state.authenticated = state.authenticated.difference(roles);
        if roles.contains(PinId::USER) {
            state.authenticated.remove(role(TIMED));
        }
        Ok(())
    }

    fn sign(
        &mut self,
        _cx: &mut CardContext<'_>,
        key: KeyRef,
        input: &SignatureInput<'_>,
    ) -> Answer<Vec<u8>> {
        let mut state = self.state();
        let owner = role(key.container.get().into());
        if owner != PinId::EVERYONE && !state.authenticated.contains(owner) {
            return Err(Status::SecurityViolation);
        }
        state.note("sign");
        Ok(crate::common::signature_by_seven(input))
    }

    fn file_writing(&mut self) -> Option<&mut dyn FileWriting> {
        Some(self)
    }

    fn pin_administration(&mut self) -> Option<&mut dyn PinAdministration> {
        Some(self)
    }

    fn admin_authentication(&mut self) -> Option<&mut dyn AdminAuthentication> {
        Some(self)
    }

    fn secure_pin_entry(&mut self) -> Option<&mut dyn SecurePinEntry> {
        Some(self)
    }
}

impl FileWriting for Module {
    fn create_file(
        &mut self,
        _cx: &mut CardContext<'_>,
        _path: &FilePath,
        _size: u32,
        _access: FileAccess,
    ) -> Answer<()> {
        Err(Status::UnsupportedFeature)
    }

    fn write_file(&mut self, _cx: &mut CardContext<'_>, path: &FilePath, data: &[u8]) -> Answer<()> {
        self.state().files.insert(path.to_string(), data.to_vec());
        Ok(())
    }

    fn delete_file(&mut self, _cx: &mut CardContext<'_>, _path: &FilePath) -> Answer<()> {
        Err(Status::UnsupportedFeature)
    }

    fn create_directory(
        &mut self,
        _cx: &mut CardContext<'_>,
        _name: &DirectoryName,
        _access: DirectoryAccess,
    ) -> Answer<()> {
        Err(Status::UnsupportedFeature)
    }

    fn delete_directory(&mut self, _cx: &mut CardContext<'_>, _name: &DirectoryName) -> Answer<()> {
        Err(Status::UnsupportedFeature)
    }
}

impl PinAdministration for Module {
    fn change_pin(
        &mut self,
        _cx: &mut CardContext<'_>,
        by: PinId,
        old: &Pin,
        target: PinId,
        new: &Pin,
    ) -> Answer<()> {
        let mut state = self.state();
        state.check(by, old.as_bytes())?;
        state.pin = String::from_utf8(new.as_bytes().to_vec()).map_err(|_| Status::InvalidParameter)?;
        state.admit(target);
        state.note(format!("{target} changed"));
        Ok(())
    }

    fn unblock_pin(
        &mut self,
        _cx: &mut CardContext<'_>,
        authority: UnblockAuthority<'_>,
        target: PinId,
        new: &Pin,
        _tries: Option<u32>,
    ) -> Answer<()> {
        let mut state = self.state();
        let UnblockAuthority::Secret(_, puk) = authority else { return Err(Status::UnsupportedFeature) };
        if puk.as_bytes() != b"puk" {
            state.note("PUK wrong");
            return Err(Status::WrongPin { attempts: Some(4) });
        }
        state.pin = String::from_utf8(new.as_bytes().to_vec()).map_err(|_| Status::InvalidParameter)?;
        state.tries = 3;
        state.note(format!("{target} unblocked"));
        Ok(())
    }
}

impl AdminAuthentication for Module {
    fn challenge(&mut self, _cx: &mut CardContext<'_>) -> Answer<Vec<u8>> {
        Ok(vec![2; 8])
    }

    fn authenticate(&mut self, _cx: &mut CardContext<'_>, _response: &[u8]) -> Answer<()> {
        Err(Status::WrongPin { attempts: Some(5) })
    }

    fn change_key(&mut self, _cx: &mut CardContext<'_>, _response: &[u8], _key: &SecretBytes) -> Answer<()> {
        Err(Status::UnsupportedFeature)
    }

    fn challenge_of(&mut self, _cx: &mut CardContext<'_>, id: PinId) -> Answer<Vec<u8>> {
        self.state().note(format!("challenge for {id}"));
        Ok(vec![6; 8])
    }

    fn authenticate_as(&mut self, _cx: &mut CardContext<'_>, id: PinId, response: &[u8]) -> Answer<()> {
        let mut state = self.state();
        if response != [!6; 8] {
            state.note("response wrong");
            return Err(Status::WrongPin { attempts: Some(1) });
        }
        state.admit(id);
        state.note("response right");
        Ok(())
    }
}

impl SecurePinEntry for Module {
    fn session_pins(&self) -> bool {
        self.state().session_pins
    }

    fn generate_session_pin(
        &mut self,
        _cx: &mut CardContext<'_>,
        id: PinId,
        pin: &Pin,
    ) -> Answer<SecretBytes> {
        let mut state = self.state();
        state.check(id, pin.as_bytes())?;
        state.note("session PIN made");
        Ok(state.session_pin(id))
    }

    fn verify_session_pin(
        &mut self,
        _cx: &mut CardContext<'_>,
        id: PinId,
        session_pin: &SecretBytes,
    ) -> Answer<()> {
        let mut state = self.state();
        if *session_pin != state.session_pin(id) {
            state.note("session PIN stale");
            return Err(Status::WrongPin { attempts: None });
        }
        state.admit(id);
        state.note("session PIN right");
        Ok(())
    }

    fn verify_external(
        &mut self,
        cx: &mut CardContext<'_>,
        id: PinId,
        silent: bool,
        data: Option<&Pin>,
    ) -> Answer<SecretBytes> {
        let mut state = self.state();
        if silent || data.is_some() {
            return Err(Status::InvalidParameter);
        }
        state.note(format!("collected above {} for {:?}", cx.parent_window(), cx.pin_context()));
        state.admit(id);
        Ok(state.session_pin(id))
    }
}

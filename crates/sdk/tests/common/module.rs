//! Card modules of memory: one with everything, one with as little as possible, and ways to disturb them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use cardmod_sdk::types::*;
use cardmod_sdk::*;

/// How a test disturbs the module of its thread, and what the module saw.
#[derive(Default)]
pub struct Script {
    /// Panics in this method.
    pub panic_in: Option<&'static str>,
    /// Answers this from the next file read.
    pub fail_read: Option<Status>,
    pub read_only: bool,
    pub lost: usize,
    pub forgotten: usize,
    pub dropped: usize,
    pub calls: Vec<&'static str>,
    /// What `sign` was given last.
    pub signed: Vec<u8>,
    /// What `decrypt_raw` answers.
    pub decrypted: Vec<u8>,
    pub session_pin: Option<Vec<u8>>,
    /// The property of the module's own, by its selector.
    pub own: [Vec<u8>; 2],
}

thread_local! {
    static SCRIPT: RefCell<Script> = RefCell::default();
}

pub fn script<R>(look: impl FnOnce(&mut Script) -> R) -> R {
    SCRIPT.with_borrow_mut(look)
}

pub fn reset_script() {
    script(|script| *script = Script::default());
}

fn step(name: &'static str) {
    let panics = script(|script| {
        script.calls.push(name);
        script.panic_in == Some(name)
    });
    assert!(!panics, "asked to panic");
}

pub const PIN: &[u8] = b"1234";
pub const PUK: &[u8] = b"12345678";
pub const CHALLENGE: [u8; 8] = *b"CHALLENG";
pub const RESPONSE: [u8; 8] = *b"RESPONSE";
/// A role with a PUK, and one with an external PIN.
pub const PUK_ROLE: u32 = 3;
pub const EXTERNAL_ROLE: u32 = 4;

/// 1024 bits, top bit set, odd.
pub fn rsa_key() -> PublicKey {
    let mut modulus = vec![0xC5; 128];
    modulus[127] = 0x01;
    PublicKey::Rsa(RsaPublicKey::new(&modulus, 65537).unwrap())
}

/// The generator of P-256.
pub fn ec_point() -> EcPublicKey {
    let hex = |text: &str| -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    };
    let x = hex("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296");
    let y = hex("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5");
    EcPublicKey::new(EcCurve::P256, &x, &y).unwrap()
}

/// A module that has every capability. Container 0: RSA in both halves; 1: ECDSA and ECDH P-256.
pub struct Full {
    files: BTreeMap<String, Vec<u8>>,
    directories: Vec<String>,
    authenticated: PinSet,
    tries: u32,
    containers: BTreeMap<u8, ContainerKeys>,
    pin: Vec<u8>,
}

impl Drop for Full {
    fn drop(&mut self) {
        script(|script| script.dropped += 1);
    }
}

impl Full {
    fn user(&self) -> Result<()> {
        let any = self.authenticated.contains(PinId::USER) || self.authenticated.contains(PinId::ADMIN);
        if any { Ok(()) } else { Err(Status::SecurityViolation) }
    }

    fn check_directory(&self, directory: Option<&DirectoryName>) -> Result<()> {
        match directory {
            Some(name) if !self.directories.iter().any(|known| known == name.as_str()) => {
                Err(Status::DirectoryNotFound)
            }
            _ => Ok(()),
        }
    }

    fn file(&mut self, path: &FilePath) -> Result<&mut Vec<u8>> {
        self.check_directory(path.directory.as_ref())?;
        self.files.get_mut(&path.to_string()).ok_or(Status::FileNotFound)
    }
}

impl CardModule for Full {
    fn acquire(cx: &mut CardContext<'_>) -> Result<Self> {
        step("acquire");
        if !cx.atr().ends_with(b"HELLO") {
            return Err(Status::UnknownCard);
        }
        assert!(cx.cache().lookup("anything").is_none(), "the cache is closed while acquiring");
        let files = [
            ("cardid", b"0123456789abcdef".to_vec()),
            ("cardcf", vec![0; 6]),
            ("cardapps", b"mscp\0\0\0\0".to_vec()),
            ("mscp/cmapfile", Vec::new()),
        ];
        let ec = || Some(PublicKey::Ec(ec_point()));
        let containers = [
            (0, ContainerKeys { signature: Some(rsa_key()), key_exchange: Some(rsa_key()) }),
            (1, ContainerKeys { signature: ec(), key_exchange: ec() }),
            (2, ContainerKeys { signature: Some(rsa_key()), key_exchange: None }),
        ];
        Ok(Self {
            files: files.map(|(path, content)| (path.to_owned(), content)).into(),
            directories: vec!["mscp".to_owned(), "empty".to_owned()],
            authenticated: PinSet::NONE,
            tries: 3,
            containers: containers.into(),
            pin: PIN.to_vec(),
        })
    }

    fn connection_lost(&mut self) {
        script(|script| script.lost += 1);
    }

    fn forget_content(&mut self) {
        script(|script| script.forgotten += 1);
    }

    fn card_id(&mut self, cx: &mut CardContext<'_>) -> Result<CardId> {
        assert!(cx.cache().lookup("tag").is_none(), "closed for the identity");
        Ok(CardId(*b"0123456789abcdef"))
    }

    fn serial_number(&mut self, _cx: &mut CardContext<'_>) -> Result<Option<Vec<u8>>> {
        Ok(Some(vec![1, 2, 3]))
    }

    fn capabilities(&mut self, _cx: &mut CardContext<'_>) -> Result<Capabilities> {
        Ok(Capabilities { certificate_compression: false, key_generation: true })
    }

    fn free_space(&mut self, _cx: &mut CardContext<'_>) -> Result<FreeSpace> {
        Ok(FreeSpace { bytes: Some(1000), containers: None, max_containers: Some(9) })
    }

    fn key_sizes(&mut self, _cx: &mut CardContext<'_>, spec: KeySpec) -> Result<KeySizes> {
        match spec {
            KeySpec::KeyExchange | KeySpec::Signature => {
                Ok(KeySizes { minimum: 1024, default: 2048, maximum: 2048, increment: 1024 })
            }
            KeySpec::EcdsaP256 | KeySpec::EcdheP256 => Ok(KeySizes::only(256)),
            _ => Err(Status::UnsupportedFeature),
        }
    }

    fn read_only(&mut self, _cx: &mut CardContext<'_>) -> Result<bool> {
        Ok(script(|script| script.read_only))
    }

    fn pin_list(&mut self, _cx: &mut CardContext<'_>) -> Result<PinSet> {
        Ok(PinSet::from_bits(0b1_1110))
    }

    fn pin_info(&mut self, _cx: &mut CardContext<'_>, id: PinId) -> Result<PinInfo> {
        let kind = match id {
            PinId::ADMIN => PinKind::ChallengeResponse,
            _ if id.get() == EXTERNAL_ROLE => PinKind::External,
            _ => PinKind::AlphaNumeric,
        };
        let unblock = if id == PinId::USER { 1 << 2 | 1 << PUK_ROLE } else { 0 };
        Ok(PinInfo {
            kind,
            purpose: if id.get() == PUK_ROLE { PinPurpose::UnblockOnly } else { PinPurpose::PrimaryCard },
            change: PinSet::only(id),
            unblock: PinSet::from_bits(unblock),
            cache: PinCachePolicy::Timed(60),
            secure_entry: false,
        })
    }

    fn authenticated(&mut self, _cx: &mut CardContext<'_>) -> Result<Option<PinSet>> {
        Ok(Some(self.authenticated))
    }

    fn container_keys(&mut self, _cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<ContainerKeys> {
        step("container_keys");
        self.containers.get(&index.get()).cloned().ok_or(Status::NoKeyContainer)
    }

    fn container_pin(&mut self, _cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<PinId> {
        self.containers.get(&index.get()).map(|_| PinId::USER).ok_or(Status::NoKeyContainer)
    }

    fn associated_ecdh(
        &mut self,
        _cx: &mut CardContext<'_>,
        index: ContainerIndex,
    ) -> Result<Option<ContainerIndex>> {
        Ok((index.get() == 1).then_some(index))
    }

    fn read_file(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<Vec<u8>> {
        step("read_file");
        if let Some(status) = script(|script| script.fail_read.take()) {
            return Err(status);
        }
        if path.name.as_str() == "cached" {
            cx.cache().add_protected("secret", b"s");
            cx.cache().add("public", b"p");
            let found = cx.cache().lookup("public").ok_or(Status::Unexpected)?;
            return Ok(found.to_vec());
        }
        self.file(path).cloned()
    }

    fn file_info(&mut self, _cx: &mut CardContext<'_>, path: &FilePath) -> Result<FileInfo> {
        let size = self.file(path)?.len() as u32;
        Ok(FileInfo { size, access: None })
    }

    fn list_files(
        &mut self,
        _cx: &mut CardContext<'_>,
        directory: Option<&DirectoryName>,
    ) -> Result<Vec<FileName>> {
        self.check_directory(directory)?;
        let paths = self.files.keys().map(|path| FilePath::parse(path).unwrap());
        Ok(paths.filter(|path| path.directory.as_ref() == directory).map(|path| path.name).collect())
    }

    fn verify_pin(&mut self, _cx: &mut CardContext<'_>, id: PinId, pin: &Pin) -> Result<()> {
        step("verify_pin");
        self.authenticated.remove(id);
        if self.tries == 0 {
            return Err(Status::PinBlocked);
        }
        if pin.as_bytes() != self.pin {
            self.tries -= 1;
            return Err(Status::WrongPin { attempts: Some(self.tries) });
        }
        self.tries = 3;
        self.authenticated.insert(id);
        Ok(())
    }

    fn deauthenticate(&mut self, _cx: &mut CardContext<'_>, roles: PinSet) -> Result<()> {
        self.authenticated = self.authenticated.difference(roles);
        Ok(())
    }

    fn sign(
        &mut self,
        _cx: &mut CardContext<'_>,
        key: KeyRef,
        input: &SignatureInput<'_>,
    ) -> Result<Vec<u8>> {
        step("sign");
        self.user()?;
        let (SignatureInput::Pkcs1(data) | SignatureInput::RawRsa(data) | SignatureInput::Ecdsa(data)) =
            input;
        script(|script| script.signed = data.to_vec());
        let length = if key.spec.is_rsa() { 128 } else { 64 };
        Ok((0..length).collect())
    }

    fn rsa_decryption(&mut self) -> Option<&mut dyn RsaDecryption> {
        Some(self)
    }
    fn key_agreement(&mut self) -> Option<&mut dyn KeyAgreement> {
        Some(self)
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
    fn admin_authentication(&mut self) -> Option<&mut dyn AdminAuthentication> {
        Some(self)
    }
    fn secure_pin_entry(&mut self) -> Option<&mut dyn SecurePinEntry> {
        Some(self)
    }
    fn property_writing(&mut self) -> Option<&mut dyn PropertyWriting> {
        Some(self)
    }
    fn own_properties(&mut self) -> Option<&mut dyn OwnProperties> {
        Some(self)
    }
    fn key_injection(&mut self) -> Option<&mut dyn KeyInjection> {
        Some(self)
    }
}

impl RsaDecryption for Full {
    fn decrypt_raw(
        &mut self,
        _cx: &mut CardContext<'_>,
        _key: KeyRef,
        ciphertext: &[u8],
    ) -> Result<SecretBytes> {
        script(|script| {
            script.signed = ciphertext.to_vec();
            Ok(SecretBytes::from(script.decrypted.clone()))
        })
    }
}

impl KeyAgreement for Full {
    fn agree(&mut self, _cx: &mut CardContext<'_>, _key: KeyRef, _peer: &EcPublicKey) -> Result<SecretBytes> {
        Ok(SecretBytes::new((0..32).collect()))
    }
}

impl ContainerCreation for Full {
    fn create_key(
        &mut self,
        _cx: &mut CardContext<'_>,
        key: KeyRef,
        new: NewKey<'_>,
        _owner: PinId,
    ) -> Result<()> {
        self.user()?;
        if key.container.get() > 9 {
            return Err(Status::NoKeyContainer);
        }
        let public = match new {
            NewKey::Generate { bits: 256 } => PublicKey::Ec(ec_point()),
            NewKey::Generate { .. } => rsa_key(),
            NewKey::Import(key) => key.public(),
        };
        let keys = self.containers.entry(key.container.get()).or_default();
        match key.spec.half() {
            KeyHalf::Signature => keys.signature = Some(public),
            KeyHalf::KeyExchange => keys.key_exchange = Some(public),
        }
        Ok(())
    }

    fn delete_container(&mut self, _cx: &mut CardContext<'_>, index: ContainerIndex) -> Result<()> {
        self.containers.remove(&index.get()).map(drop).ok_or(Status::NoKeyContainer)
    }
}

impl FileWriting for Full {
    fn create_file(
        &mut self,
        _cx: &mut CardContext<'_>,
        path: &FilePath,
        _size: u32,
        _access: FileAccess,
    ) -> Result<()> {
        self.check_directory(path.directory.as_ref())?;
        if self.files.contains_key(&path.to_string()) {
            return Err(Status::FileExists);
        }
        self.files.insert(path.to_string(), Vec::new());
        Ok(())
    }
    fn write_file(&mut self, _cx: &mut CardContext<'_>, path: &FilePath, data: &[u8]) -> Result<()> {
        *self.file(path)? = data.to_vec();
        Ok(())
    }
    fn delete_file(&mut self, _cx: &mut CardContext<'_>, path: &FilePath) -> Result<()> {
        self.file(path)?;
        self.files.remove(&path.to_string());
        Ok(())
    }
    fn create_directory(
        &mut self,
        _cx: &mut CardContext<'_>,
        name: &DirectoryName,
        _access: DirectoryAccess,
    ) -> Result<()> {
        if self.directories.iter().any(|known| known == name.as_str()) {
            return Err(Status::FileExists);
        }
        self.directories.push(name.as_str().to_owned());
        Ok(())
    }
    fn delete_directory(&mut self, _cx: &mut CardContext<'_>, name: &DirectoryName) -> Result<()> {
        self.check_directory(Some(name))?;
        let prefix = format!("{}/", name.as_str());
        if self.files.keys().any(|path| path.starts_with(&prefix)) {
            return Err(Status::DirectoryNotEmpty);
        }
        self.directories.retain(|known| known != name.as_str());
        Ok(())
    }
}

impl PinAdministration for Full {
    fn change_pin(
        &mut self,
        cx: &mut CardContext<'_>,
        by: PinId,
        old: &Pin,
        target: PinId,
        new: &Pin,
    ) -> Result<()> {
        if new.len() < 4 {
            return Err(Status::InvalidParameter);
        }
        assert_eq!(by, target);
        self.verify_pin(cx, by, old)?;
        self.pin = new.as_bytes().to_vec();
        Ok(())
    }
    fn unblock_pin(
        &mut self,
        _cx: &mut CardContext<'_>,
        authority: UnblockAuthority<'_>,
        target: PinId,
        new: &Pin,
        tries: Option<u32>,
    ) -> Result<()> {
        let right = match authority {
            UnblockAuthority::Secret(id, secret) => id.get() == PUK_ROLE && secret.as_bytes() == PUK,
            UnblockAuthority::Response(response) => response == RESPONSE,
        };
        if !right {
            return Err(Status::WrongPin { attempts: None });
        }
        self.pin = new.as_bytes().to_vec();
        self.tries = tries.unwrap_or(3);
        self.authenticated.remove(target);
        Ok(())
    }
}

impl AdminAuthentication for Full {
    fn challenge(&mut self, _cx: &mut CardContext<'_>) -> Result<Vec<u8>> {
        Ok(CHALLENGE.to_vec())
    }
    fn authenticate(&mut self, _cx: &mut CardContext<'_>, response: &[u8]) -> Result<()> {
        if response != RESPONSE {
            return Err(Status::WrongPin { attempts: Some(5) });
        }
        self.authenticated.insert(PinId::ADMIN);
        Ok(())
    }
    fn change_key(&mut self, cx: &mut CardContext<'_>, response: &[u8], key: &SecretBytes) -> Result<()> {
        assert_eq!(key.len(), 24);
        self.authenticate(cx, response)
    }
}

impl SecurePinEntry for Full {
    fn session_pins(&self) -> bool {
        true
    }
    fn generate_session_pin(
        &mut self,
        cx: &mut CardContext<'_>,
        id: PinId,
        pin: &Pin,
    ) -> Result<SecretBytes> {
        self.verify_pin(cx, id, pin)?;
        self.authenticated.remove(id);
        Ok(SecretBytes::from(b"session"))
    }
    fn verify_session_pin(&mut self, _cx: &mut CardContext<'_>, id: PinId, pin: &SecretBytes) -> Result<()> {
        if pin.as_bytes() != b"session" {
            return Err(Status::WrongPin { attempts: None });
        }
        self.authenticated.insert(id);
        Ok(())
    }
    fn verify_external(
        &mut self,
        cx: &mut CardContext<'_>,
        id: PinId,
        silent: bool,
        data: Option<&Pin>,
    ) -> Result<SecretBytes> {
        assert!(!silent || data.is_some());
        script(|script| script.session_pin = cx.pin_context().map(|text| text.as_bytes().to_vec()));
        self.authenticated.insert(id);
        Ok(SecretBytes::from(b"external"))
    }
}

impl PropertyWriting for Full {
    fn set_card_id(&mut self, _cx: &mut CardContext<'_>, _id: &CardId) -> Result<()> {
        Ok(())
    }
    fn set_pin_info(&mut self, _cx: &mut CardContext<'_>, _id: PinId, info: &PinInfo) -> Result<()> {
        assert_eq!(info.cache, PinCachePolicy::Timed(60));
        Ok(())
    }
    fn set_container_pin(
        &mut self,
        _cx: &mut CardContext<'_>,
        _index: ContainerIndex,
        _id: PinId,
    ) -> Result<()> {
        self.user()
    }
}

impl KeyInjection for Full {}

/// "Own Text" is read and written, with a selector below 2; the other names are the SDK's, and never asked for.
impl OwnProperties for Full {
    fn has(&self, name: &str) -> bool {
        ["Own Text", "Free Space", "Algorithms", "Cardmod Transaction"].contains(&name)
    }
    fn get(&mut self, _cx: &mut CardContext<'_>, name: &str, flags: u32) -> Result<Vec<u8>> {
        step("own property");
        assert_eq!(name, "Own Text");
        if flags > 1 {
            return Err(Status::InvalidParameter);
        }
        Ok(script(|script| script.own[flags as usize].clone()))
    }
    fn set(&mut self, _cx: &mut CardContext<'_>, name: &str, value: &[u8], flags: u32) -> Result<()> {
        step("set own property");
        assert_eq!(name, "Own Text");
        if flags > 1 {
            return Err(Status::InvalidParameter);
        }
        script(|script| script.own[flags as usize] = value.to_vec());
        Ok(())
    }
}

/// A module with nothing beyond the core, speaking versions 5 and 6, without RSA or ECC beyond signing.
pub struct Bare;

impl CardModule for Bare {
    const MINIMUM_VERSION: u32 = 5;
    const CURRENT_VERSION: u32 = 6;
    const RSA: bool = false;
    const ECC: bool = false;

    fn acquire(_cx: &mut CardContext<'_>) -> Result<Self> {
        Ok(Self)
    }
    fn connection_lost(&mut self) {}
    fn card_id(&mut self, _cx: &mut CardContext<'_>) -> Result<CardId> {
        Ok(CardId([1; 16]))
    }
    fn capabilities(&mut self, _cx: &mut CardContext<'_>) -> Result<Capabilities> {
        // A claim the SDK does not believe: there is no container creation.
        Ok(Capabilities { certificate_compression: false, key_generation: true })
    }
    fn free_space(&mut self, _cx: &mut CardContext<'_>) -> Result<FreeSpace> {
        Ok(FreeSpace::default())
    }
    fn key_sizes(&mut self, _cx: &mut CardContext<'_>, _spec: KeySpec) -> Result<KeySizes> {
        Err(Status::UnsupportedFeature)
    }
    fn pin_list(&mut self, _cx: &mut CardContext<'_>) -> Result<PinSet> {
        Ok(PinSet::NONE)
    }
    fn pin_info(&mut self, _cx: &mut CardContext<'_>, _id: PinId) -> Result<PinInfo> {
        Err(Status::InvalidParameter)
    }
    fn container_keys(&mut self, _cx: &mut CardContext<'_>, _index: ContainerIndex) -> Result<ContainerKeys> {
        Ok(ContainerKeys::default())
    }
    fn container_pin(&mut self, _cx: &mut CardContext<'_>, _index: ContainerIndex) -> Result<PinId> {
        Err(Status::NoKeyContainer)
    }
    fn read_file(&mut self, _cx: &mut CardContext<'_>, _path: &FilePath) -> Result<Vec<u8>> {
        Err(Status::FileNotFound)
    }
    fn file_info(&mut self, _cx: &mut CardContext<'_>, _path: &FilePath) -> Result<FileInfo> {
        Err(Status::FileNotFound)
    }
    fn list_files(
        &mut self,
        _cx: &mut CardContext<'_>,
        _dir: Option<&DirectoryName>,
    ) -> Result<Vec<FileName>> {
        Ok(Vec::new())
    }
    fn verify_pin(&mut self, _cx: &mut CardContext<'_>, _id: PinId, _pin: &Pin) -> Result<()> {
        Err(Status::InvalidParameter)
    }
    fn deauthenticate(&mut self, _cx: &mut CardContext<'_>, _roles: PinSet) -> Result<()> {
        Err(Status::UnsupportedFeature)
    }
    fn sign(&mut self, _cx: &mut CardContext<'_>, _key: KeyRef, _in: &SignatureInput<'_>) -> Result<Vec<u8>> {
        Err(Status::NoKeyContainer)
    }
}

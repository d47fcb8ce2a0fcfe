//! What the host does for cards of other kinds than GIDS, with a card module made for each: PINs that
//! are asked for every time, collected by the module, or not wanted at all; rights that cannot be taken
//! away; read-only cards; cards that must not be cached; rights that vanish.

mod common;

use std::collections::BTreeMap;

use cardmod_host::{
    CardSession, Error, FileAuthority, FixedPin, KeyAlgorithm, KeySource, ModuleSource, NewContainer, NoPin,
    OpenOptions, PinRequest, PinSource, PinSourceError, SignRequest,
};
use cardmod_pcsc::{Context, Disposition, Protocols, Provider, ShareMode};
use cardmod_sdk::{CardContext, CardModule, KeyRef, SecurePinEntry, SignatureInput, Status};
use cardmod_types::{
    CacheMode, Capabilities, CardId, ContainerIndex, ContainerKeys, ContainerMap, ContainerName,
    ContainerRecord, DirectoryName, EcCurve, EcPublicKey, FileInfo, FileName, FilePath, FreeSpace, KeyHalf,
    KeySizes, KeySpec, Pin, PinCachePolicy, PinId, PinInfo, PinKind, PinPurpose, PinSet, PublicKey,
    SecretBytes,
};

const ALWAYS_PROMPT: u8 = 0;
const EXTERNAL: u8 = 1;
const EMPTY: u8 = 2;
const STICKY: u8 = 3;
const READ_ONLY: u8 = 4;
const UNCACHED: u8 = 5;
const FORGETFUL: u8 = 6;

/// A card of memory, of one kind, with one P-256 key.
struct Fake<const KIND: u8> {
    files: BTreeMap<String, Vec<u8>>,
    authenticated: bool,
    reads: u32,
    signatures: u32,
}

type Answer<T> = cardmod_sdk::Result<T>;

impl<const KIND: u8> CardModule for Fake<KIND> {
    fn acquire(_cx: &mut CardContext<'_>) -> Answer<Self> {
        let files = BTreeMap::from([
            ("cardid".to_owned(), vec![KIND; 16]),
            ("cardcf".to_owned(), vec![0; 6]),
            ("mscp/cmapfile".to_owned(), map("key")),
        ]);
        Ok(Self { files, authenticated: false, reads: 0, signatures: 0 })
    }

    fn connection_lost(&mut self) {
        self.authenticated = false;
    }

    fn card_id(&mut self, _cx: &mut CardContext<'_>) -> Answer<CardId> {
        Ok(CardId([KIND; 16]))
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

    fn read_only(&mut self, _cx: &mut CardContext<'_>) -> Answer<bool> {
        Ok(KIND == READ_ONLY)
    }

    fn cache_mode(&mut self, _cx: &mut CardContext<'_>) -> Answer<CacheMode> {
        Ok(if KIND == UNCACHED { CacheMode::None } else { CacheMode::Global })
    }

    fn pin_list(&mut self, _cx: &mut CardContext<'_>) -> Answer<PinSet> {
        Ok(PinSet::only(PinId::USER))
    }

    fn pin_info(&mut self, _cx: &mut CardContext<'_>, _id: PinId) -> Answer<PinInfo> {
        let kind = match KIND {
            EXTERNAL => PinKind::External,
            EMPTY => PinKind::Empty,
            _ => PinKind::AlphaNumeric,
        };
        let cache = if KIND == ALWAYS_PROMPT { PinCachePolicy::AlwaysPrompt } else { PinCachePolicy::Normal };
        let (change, unblock) = (PinSet::only(PinId::USER), PinSet::NONE);
        Ok(PinInfo {
            kind,
            purpose: PinPurpose::DigitalSignature,
            change,
            unblock,
            cache,
            secure_entry: false,
        })
    }

    fn container_keys(&mut self, _cx: &mut CardContext<'_>, index: ContainerIndex) -> Answer<ContainerKeys> {
        if index.get() != 0 {
            return Err(Status::NoKeyContainer);
        }
        Ok(ContainerKeys { signature: Some(PublicKey::Ec(point())), key_exchange: None })
    }

    fn container_pin(&mut self, _cx: &mut CardContext<'_>, _index: ContainerIndex) -> Answer<PinId> {
        Ok(PinId::USER)
    }

    fn read_file(&mut self, _cx: &mut CardContext<'_>, path: &FilePath) -> Answer<Vec<u8>> {
        if KIND == UNCACHED && *path == FilePath::cmapfile() {
            self.reads += 1;
            return Ok(map(&format!("read{}", self.reads)));
        }
        self.files.get(&path.to_string()).cloned().ok_or(Status::FileNotFound)
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

    fn verify_pin(&mut self, _cx: &mut CardContext<'_>, _id: PinId, pin: &Pin) -> Answer<()> {
        self.authenticated = *pin == Pin::from(common::PIN);
        if self.authenticated { Ok(()) } else { Err(Status::WrongPin { attempts: Some(2) }) }
    }

    fn deauthenticate(&mut self, _cx: &mut CardContext<'_>, _roles: PinSet) -> Answer<()> {
        if KIND == STICKY {
            return Err(Status::UnsupportedFeature);
        }
        self.authenticated = false;
        Ok(())
    }

    fn sign(
        &mut self,
        _cx: &mut CardContext<'_>,
        _key: KeyRef,
        input: &SignatureInput<'_>,
    ) -> Answer<Vec<u8>> {
        self.signatures += 1;
        if KIND == FORGETFUL && self.signatures == 2 {
            self.authenticated = false;
        }
        if self.authenticated || KIND == EMPTY {
            Ok(crate::common::signature_by_seven(input))
        } else {
            Err(Status::SecurityViolation)
        }
    }

    fn secure_pin_entry(&mut self) -> Option<&mut dyn SecurePinEntry> {
        if KIND == EXTERNAL { Some(self) } else { None }
    }
}

impl<const KIND: u8> SecurePinEntry for Fake<KIND> {
    fn verify_external(
        &mut self,
        _cx: &mut CardContext<'_>,
        _id: PinId,
        silent: bool,
        data: Option<&Pin>,
    ) -> Answer<SecretBytes> {
        if silent || data.is_some() {
            return Err(Status::InvalidParameter);
        }
        self.authenticated = true;
        Ok(SecretBytes::from(&b"session"[..]))
    }
}

/// The container map of one signature key.
fn map(name: &str) -> Vec<u8> {
    let mut map = ContainerMap::new();
    let mut record = ContainerRecord::new(ContainerName::parse(name).expect("a name"));
    record.default = true;
    record.set_bits(KeyHalf::Signature, 256);
    map.set(ContainerIndex::new(0), Some(record)).expect("a record");
    map.to_bytes()
}

/// A point of P-256.
fn point() -> EcPublicKey {
    let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
    let point = key.verifying_key().to_sec1_point(false).to_bytes();
    EcPublicKey::from_uncompressed(EcCurve::P256, &point).expect("a point")
}

fn open<const KIND: u8>(name: &str) -> CardSession {
    let reader = common::card_of(name, &common::profile(name));
    let source = ModuleSource::BuiltIn { entry: cardmod_sdk::acquire::<Fake<KIND>>, name: "fake" };
    common::host().open(&reader, &source, OpenOptions::default()).expect("a session")
}

fn sign(session: &mut CardSession, pins: &mut dyn PinSource) -> Result<Vec<u8>, Error> {
    session.sign(None, &SignRequest::ecdsa(&[1; 32]), pins)
}

/// Counts how often it is asked.
#[derive(Default)]
struct Counting(u32);

impl PinSource for Counting {
    fn pin(&mut self, request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        self.0 += 1;
        assert_eq!(request.purpose, PinPurpose::DigitalSignature);
        Ok(Pin::from(common::PIN))
    }
}

#[test]
fn some_pins_are_asked_for_every_time() {
    let mut session = open::<ALWAYS_PROMPT>("always");
    let mut source = Counting::default();
    let mut held = session.hold().expect("a transaction");
    for _ in 0..3 {
        sign(&mut held, &mut source).expect("a signature");
    }
    assert_eq!(source.0, 3, "a held transaction changes nothing");
    let error = sign(&mut held, &mut NoPin).expect_err("silent");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    drop(held);
    common::close(session);
}

#[test]
fn a_pin_is_asked_for_once_in_a_held_transaction() {
    let mut session = open::<UNCACHED>("once");
    let mut source = Counting::default();
    let mut held = session.hold().expect("a transaction");
    for _ in 0..3 {
        sign(&mut held, &mut source).expect("a signature");
    }
    assert_eq!(source.0, 1);
    drop(held);
    common::close(session);
}

#[test]
fn the_module_may_collect_the_pin() {
    let mut session = open::<EXTERNAL>("external");
    let mut source = Counting::default();
    sign(&mut session, &mut source).expect("a signature");
    assert_eq!(source.0, 0, "the host asks for nothing");
    let error = sign(&mut session, &mut NoPin).expect_err("the module may show nothing either");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    common::close(session);
}

#[test]
fn a_key_may_want_no_pin() {
    let mut session = open::<EMPTY>("empty");
    sign(&mut session, &mut NoPin).expect("a signature without a PIN");
    common::close(session);
}

#[test]
fn rights_that_cannot_be_taken_away_are_reset_away() {
    let mut session = open::<STICKY>("sticky");
    let context = Context::establish(&Provider::from_table(cardmod_winscard::table())).expect("a context");
    let stranger =
        context.connect(session.reader(), ShareMode::Shared, Protocols::ANY).expect("a connection");
    sign(&mut session, &mut Counting::default()).expect("a signature");
    let begun = stranger.begin_transaction();
    let code = begun.map_err(|error| error.code);
    assert_eq!(code, Err(cardmod_sys::SCARD_W_RESET_CARD), "the others are told of the reset");
    stranger.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Leave).expect("connected anew");
    let error = sign(&mut session, &mut NoPin).expect_err("no right is left");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    common::close(session);
}

#[test]
fn a_read_only_card_is_not_written() {
    let mut session = open::<READ_ONLY>("readonly");
    let new = NewContainer {
        name: "new".to_owned(),
        key: KeySource::Generate(KeyAlgorithm::Ec(EcCurve::P256)),
        half: KeyHalf::Signature,
        default: false,
    };
    // No PIN is asked for: each of these is refused earlier.
    let refused = [
        session.create_container(&new, &mut NoPin).map(drop),
        session.delete_container("key", &mut NoPin),
        session.set_default("key", &mut NoPin),
        session.delete_certificate(None, None, &mut NoPin),
        session.write_file(&FilePath::cardcf(), &[0; 6], FileAuthority::User, &mut NoPin),
        session.rebuild_map(&mut NoPin).map(drop),
        session.write_roots(&[], &mut NoPin),
        session.takes(KeyAlgorithm::Ec(EcCurve::P256), KeyHalf::Signature, false),
    ];
    for answer in refused {
        let why = "its property \"Read Only Mode\" says so";
        assert!(matches!(&answer, Err(Error::ReadOnlyCard { why: told, .. }) if told == why), "{answer:?}");
    }
    sign(&mut session, &mut Counting::default()).expect("its key is of use all the same");
    assert!(session.describe().expect("a description").read_only);
    common::close(session);
}

#[test]
fn what_a_card_cannot_is_said_before_a_pin_is_asked_for() {
    let mut session = open::<EMPTY>("cannot");
    let mut create = |algorithm, half| {
        let new = NewContainer {
            name: "new".to_owned(),
            key: KeySource::Generate(algorithm),
            half,
            default: false,
        };
        session.create_container(&new, &mut NoPin).map(drop)
    };
    let generate = create(KeyAlgorithm::Ec(EcCurve::P256), KeyHalf::Signature);
    assert!(matches!(generate, Err(Error::NotSupported { .. })), "{generate:?}");
    let rsa = create(KeyAlgorithm::Rsa(2048), KeyHalf::KeyExchange);
    assert!(matches!(rsa, Err(Error::UnsupportedAlgorithm { .. })), "{rsa:?}");
    common::close(session);
}

#[test]
fn a_card_that_must_not_be_cached_is_read_each_time() {
    let mut session = open::<UNCACHED>("uncached");
    let name = |session: &mut CardSession| session.container(None).expect("the container").name;
    assert_eq!(name(&mut session), "read1");
    assert_eq!(name(&mut session), "read2");
    let mut held = session.hold().expect("a transaction");
    assert_eq!(name(&mut held), "read3");
    assert_eq!(name(&mut held), "read3", "within one transaction nobody else can have changed it");
    drop(held);
    common::close(session);
}

#[test]
fn rights_that_vanish_are_taken_again_once() {
    let mut session = open::<FORGETFUL>("forgetful");
    let mut source = Counting::default();
    let mut held = session.hold().expect("a transaction");
    sign(&mut held, &mut source).expect("the first");
    sign(&mut held, &mut source).expect("the second, after the card forgot the PIN");
    assert_eq!(source.0, 2);
    drop(held);
    common::close(session);
}

#[test]
fn a_wrong_pin_is_no_reason_to_ask_again() {
    let mut session = open::<FORGETFUL>("wrong");
    let error = sign(&mut session, &mut FixedPin::new(Pin::from("no"))).expect_err("a wrong PIN");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(2), .. }), "{error}");
    common::close(session);
}

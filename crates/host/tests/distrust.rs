//! The host believes neither a failed call nor a reset it is told of: rights a card may still grant are
//! taken away, and a PIN nobody answered is not sent again.

mod common;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst};

use cardmod_host::{CardSession, Error, FixedPin, ModuleSource, NoPin, OpenOptions, SignRequest};
use cardmod_sdk::{CardContext, CardModule, KeyRef, SignatureInput, Status};
use cardmod_types::{
    CacheMode, Capabilities, CardId, ContainerIndex, ContainerKeys, ContainerMap, ContainerName,
    ContainerRecord, DirectoryName, EcCurve, EcPublicKey, FileInfo, FileName, FilePath, FreeSpace, KeyHalf,
    KeySizes, KeySpec, Pin, PinCachePolicy, PinId, PinInfo, PinKind, PinPurpose, PinSet, PublicKey,
};

/// Refuses a short PIN without asking the card, which keeps the right it gave.
const CHECKS_FIRST: usize = 0;
/// Says that the card was reset, once, although it was not.
const CRIES_WOLF: usize = 1;
/// Loses the answer to every PIN.
const LOSES_ANSWERS: usize = 2;
/// Asks for the PIN each time; the first signature is lost to a reset.
const TWICE: usize = 3;
/// Verifies the PIN and answers that it failed.
const DENIES: usize = 4;
const KINDS: usize = 5;

/// The right the card of a kind grants, as the card sees it.
static GRANTED: [AtomicBool; KINDS] = [const { AtomicBool::new(false) }; KINDS];
static VERIFIED: [AtomicU32; KINDS] = [const { AtomicU32::new(0) }; KINDS];
static SIGNED: [AtomicU32; KINDS] = [const { AtomicU32::new(0) }; KINDS];

struct Fake<const KIND: usize>;

type Answer<T> = cardmod_sdk::Result<T>;

impl<const KIND: usize> CardModule for Fake<KIND> {
    fn acquire(_cx: &mut CardContext<'_>) -> Answer<Self> {
        Ok(Self)
    }

    fn connection_lost(&mut self) {}

    fn card_id(&mut self, _cx: &mut CardContext<'_>) -> Answer<CardId> {
        Ok(CardId([7; 16]))
    }

    fn capabilities(&mut self, _cx: &mut CardContext<'_>) -> Answer<Capabilities> {
        Ok(Capabilities { certificate_compression: false, key_generation: false })
    }

    fn free_space(&mut self, _cx: &mut CardContext<'_>) -> Answer<FreeSpace> {
        Ok(FreeSpace { bytes: None, containers: None, max_containers: None })
    }

    fn key_sizes(&mut self, _cx: &mut CardContext<'_>, _spec: KeySpec) -> Answer<KeySizes> {
        Ok(KeySizes::only(256))
    }

    fn cache_mode(&mut self, _cx: &mut CardContext<'_>) -> Answer<CacheMode> {
        Ok(CacheMode::Global)
    }

    fn pin_list(&mut self, _cx: &mut CardContext<'_>) -> Answer<PinSet> {
        Ok(PinSet::only(PinId::USER))
    }

    fn pin_info(&mut self, _cx: &mut CardContext<'_>, _id: PinId) -> Answer<PinInfo> {
        let cache = if KIND == TWICE { PinCachePolicy::AlwaysPrompt } else { PinCachePolicy::Normal };
        Ok(PinInfo {
            kind: PinKind::AlphaNumeric,
            purpose: PinPurpose::DigitalSignature,
            change: PinSet::only(PinId::USER),
            unblock: PinSet::NONE,
            cache,
            secure_entry: false,
        })
    }

    fn container_keys(&mut self, _cx: &mut CardContext<'_>, _index: ContainerIndex) -> Answer<ContainerKeys> {
        let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).expect("a key");
        let point = key.verifying_key().to_sec1_point(false).to_bytes();
        let point = EcPublicKey::from_uncompressed(EcCurve::P256, &point).expect("a point");
        Ok(ContainerKeys { signature: Some(PublicKey::Ec(point)), key_exchange: None })
    }

    fn container_pin(&mut self, _cx: &mut CardContext<'_>, _index: ContainerIndex) -> Answer<PinId> {
        Ok(PinId::USER)
    }

    fn read_file(&mut self, _cx: &mut CardContext<'_>, path: &FilePath) -> Answer<Vec<u8>> {
        if *path != FilePath::cmapfile() {
            return Err(Status::FileNotFound);
        }
        let mut map = ContainerMap::new();
        let mut record = ContainerRecord::new(ContainerName::parse("key").expect("a name"));
        record.default = true;
        record.set_bits(KeyHalf::Signature, 256);
        map.set(ContainerIndex::new(0), Some(record)).expect("a record");
        Ok(map.to_bytes())
    }

    fn file_info(&mut self, _cx: &mut CardContext<'_>, _path: &FilePath) -> Answer<FileInfo> {
        Err(Status::FileNotFound)
    }

    fn list_files(
        &mut self,
        _cx: &mut CardContext<'_>,
        _directory: Option<&DirectoryName>,
    ) -> Answer<Vec<FileName>> {
        Ok(Vec::new())
    }

    fn verify_pin(&mut self, _cx: &mut CardContext<'_>, _id: PinId, pin: &Pin) -> Answer<()> {
        VERIFIED[KIND].fetch_add(1, SeqCst);
        match KIND {
            CHECKS_FIRST if pin.len() < 4 => return Err(Status::InvalidParameter),
            LOSES_ANSWERS => return Err(Status::Reset),
            _ => {}
        }
        GRANTED[KIND].store(true, SeqCst);
        if KIND == DENIES { Err(Status::Unexpected) } else { Ok(()) }
    }

    fn deauthenticate(&mut self, _cx: &mut CardContext<'_>, _roles: PinSet) -> Answer<()> {
        if KIND == TWICE && SIGNED[KIND].load(SeqCst) == 1 {
            return Err(Status::Reset);
        }
        GRANTED[KIND].store(false, SeqCst);
        Ok(())
    }

    fn sign(
        &mut self,
        _cx: &mut CardContext<'_>,
        _key: KeyRef,
        input: &SignatureInput<'_>,
    ) -> Answer<Vec<u8>> {
        let first = SIGNED[KIND].fetch_add(1, SeqCst) == 0;
        if first && matches!(KIND, CRIES_WOLF | TWICE) {
            Err(Status::Reset)
        } else {
            Ok(crate::common::signature_by_seven(input))
        }
    }
}

fn open<const KIND: usize>(name: &str) -> CardSession {
    let reader = common::card_of(name, &common::profile(name));
    let source = ModuleSource::BuiltIn { entry: cardmod_sdk::acquire::<Fake<KIND>>, name: "fake" };
    common::host().open(&reader, &source, OpenOptions::default()).expect("a session")
}

fn sign(session: &mut CardSession) -> Result<Vec<u8>, Error> {
    session.sign(None, &SignRequest::ecdsa(&[1; 32]), &mut FixedPin::new(Pin::from(common::PIN)))
}

#[test]
fn a_refused_pin_does_not_hide_the_right_of_an_earlier_one() {
    let mut session = open::<CHECKS_FIRST>("checksfirst");
    let mut held = session.hold().expect("a transaction");
    held.verify_pin(PinId::USER, &Pin::from(common::PIN)).expect("the right one");
    held.verify_pin(PinId::USER, &Pin::from("1")).expect_err("one that is none");
    assert!(GRANTED[CHECKS_FIRST].load(SeqCst), "the card was not asked");
    drop(held);
    assert!(!GRANTED[CHECKS_FIRST].load(SeqCst), "no right outlives the transaction");
    session.close().expect("a clean end");
}

#[test]
fn a_failure_may_have_authenticated() {
    let mut session = open::<DENIES>("denies");
    session.verify_pin(PinId::USER, &Pin::from(common::PIN)).expect_err("says the module");
    assert!(!GRANTED[DENIES].load(SeqCst), "no right outlives the operation");
    session.close().expect("a clean end");
}

#[test]
fn a_reset_that_was_none_leaves_no_right() {
    let mut session = open::<CRIES_WOLF>("wolf");
    let mut held = session.hold().expect("a transaction");
    held.verify_pin(PinId::USER, &Pin::from(common::PIN)).expect("verified");
    let error = held
        .sign(None, &SignRequest::ecdsa(&[1; 32]), &mut NoPin)
        .expect_err("the right is gone after the reset it tells of");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    assert!(!GRANTED[CRIES_WOLF].load(SeqCst), "the right was taken away before the card was left");
    drop(held);
    common::close(session);
}

#[test]
fn a_pin_without_answer_is_not_sent_again() {
    let mut session = open::<LOSES_ANSWERS>("lost");
    let error = sign(&mut session).expect_err("a reset");
    assert!(matches!(error, Error::Reset { .. }), "{error}");
    assert_eq!(VERIFIED[LOSES_ANSWERS].load(SeqCst), 1, "one try at most");
    common::close(session);
}

#[test]
fn a_signature_lost_to_a_reset_is_made_again() {
    let mut session = open::<TWICE>("twice");
    sign(&mut session).expect("the second time, although the first could not be cleaned up after");
    assert_eq!(SIGNED[TWICE].load(SeqCst), 2);
    assert!(!GRANTED[TWICE].load(SeqCst));
    common::close(session);
}

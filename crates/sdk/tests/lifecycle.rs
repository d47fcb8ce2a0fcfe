//! Panics, re-entrance, races with delete, changing handles, broken connections (4.4 to 4.6).

#![cfg_attr(windows, allow(clippy::missing_const_for_thread_local, reason = "it is const there too"))]

mod common;

use std::cell::Cell;
use std::ffi::c_void;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use cardmod_sdk::sys::{CARD_DATA, PFN_CARD_DELETE_DIRECTORY};
use cardmod_sdk::types::{ContainerIndex, PinId};
use cardmod_sdk::{FORGET_PROPERTY, Status, TRANSACTION_PROPERTY};

use common::module::{Full, reset_script, script};
use common::{Host, Out, call, name, refused, wide};

fn read(host: &mut Host, file: &str) -> Status {
    let (mut file, mut out) = (name(file), Out::garbage());
    let null = std::ptr::null_mut();
    let code =
        call!(host, pfnCardReadFile, null, file.as_mut_ptr(), 0, &raw mut out.pointer, &raw mut out.length);
    if code == 0 {
        out.take();
    } else {
        out.assert_cleared();
    }
    Status::from_code(code)
}

const OK: Status = Status::Transport(0);

#[test]
fn a_panic_closes_the_context_until_it_is_deleted() {
    reset_script();
    let mut host = Host::new::<Full>();
    script(|script| script.panic_in = Some("read_file"));
    assert_eq!(read(&mut host, "cardid"), Status::Unexpected);
    script(|script| script.panic_in = None);
    assert_eq!(read(&mut host, "cardid"), Status::Unexpected, "closed");
    refused!(call!(host, pfnCardDeleteContainer, 0, 0), Status::Unexpected);
    assert_eq!(host.delete(), 0);
    assert_eq!(script(|script| script.dropped), 1);
    let mut again = Host::new::<Full>();
    assert_eq!(read(&mut again, "cardid"), OK);
    script(|script| script.panic_in = Some("acquire"));
    refused!(Host::prepared(7).acquire::<Full>(0), Status::Unexpected);
    script(|script| script.panic_in = None);
}

fn vouch(host: &mut Host, serial: u32) -> Status {
    let (name, mut value) = (wide(TRANSACTION_PROPERTY), serial.to_ne_bytes());
    Status::from_code(call!(host, pfnCardSetProperty, name.as_ptr(), value.as_mut_ptr(), 4, 0))
}

#[test]
fn the_host_vouches_for_its_transaction() {
    reset_script();
    let mut host = Host::new::<Full>();
    let lost = || script(|script| script.lost);
    assert_eq!(vouch(&mut host, 5), OK);
    assert_eq!(lost(), 1, "another serial");
    assert_eq!(vouch(&mut host, 5), OK);
    assert_eq!(lost(), 1, "the same one");
    assert_eq!(vouch(&mut host, 6), OK);
    assert_eq!(lost(), 2);
    assert_eq!(vouch(&mut host, 0), OK);
    assert_eq!(vouch(&mut host, 0), OK);
    assert_eq!(lost(), 4, "0 is never a promise");
    let (name, mut value) = (wide(TRANSACTION_PROPERTY), [0u8; 8]);
    let value = value.as_mut_ptr();
    refused!(call!(host, pfnCardSetProperty, name.as_ptr(), value, 3, 0), Status::InvalidParameter);
    refused!(call!(host, pfnCardSetProperty, name.as_ptr(), value, 4, 1), Status::InvalidParameter);
    let mut length = 9;
    refused!(
        call!(host, pfnCardGetProperty, name.as_ptr(), value, 4, &raw mut length, 0),
        Status::UnsupportedFeature
    );
}

#[test]
fn the_host_makes_the_module_forget() {
    reset_script();
    let mut host = Host::new::<Full>();
    let (name, mut value) = (wide(FORGET_PROPERTY), 1_u32.to_ne_bytes());
    assert_eq!(call!(host, pfnCardSetProperty, name.as_ptr(), value.as_mut_ptr(), 4, 0), OK.code());
    assert_eq!(script(|script| (script.forgotten, script.lost)), (1, 0), "the transaction goes on");
    let mut value = 0_u32.to_ne_bytes();
    let value = value.as_mut_ptr();
    refused!(call!(host, pfnCardSetProperty, name.as_ptr(), value, 4, 0), Status::InvalidParameter);
    refused!(call!(host, pfnCardSetProperty, name.as_ptr(), value, 4, 1), Status::InvalidParameter);
    let mut length = 9;
    refused!(
        call!(host, pfnCardGetProperty, name.as_ptr(), value, 4, &raw mut length, 0),
        Status::UnsupportedFeature
    );
    assert_eq!(script(|script| script.forgotten), 1);
}

#[test]
fn with_an_unbroken_transaction_keys_are_asked_for_once() {
    reset_script();
    let mut host = Host::new::<Full>();
    let sizes = |host: &mut Host| {
        script(|script| script.calls.clear());
        let digest = [7u8; 32];
        let mut info = cardmod_sdk::sys::CARD_SIGNING_INFO {
            dwVersion: 2,
            dwKeySpec: 2,
            aiHashAlg: 0x800C,
            pbData: digest.as_ptr().cast_mut(),
            cbData: 32,
            ..cardmod_sdk::sys::Zeroed::ZEROED
        };
        refused!(call!(host, pfnCardSignData, &raw mut info), Status::SecurityViolation);
        script(|script| script.calls.clone())
    };
    assert_eq!(sizes(&mut host), ["container_keys", "sign"]);
    assert_eq!(sizes(&mut host), ["container_keys", "sign"], "a foreign host may have let others in");
    assert_eq!(vouch(&mut host, 1), OK);
    assert_eq!(sizes(&mut host), ["container_keys", "sign"]);
    assert_eq!(sizes(&mut host), ["sign"]);
    assert_eq!(vouch(&mut host, 2), OK);
    assert_eq!(sizes(&mut host), ["container_keys", "sign"]);
}

#[test]
#[cfg_attr(miri, ignore = "looks for the system's PC/SC library")]
fn new_handles_end_the_hosts_promise() {
    reset_script();
    let mut host = Host::new::<Full>();
    assert_eq!(vouch(&mut host, 5), OK);
    host.data().hScard = 2;
    assert_eq!(read(&mut host, "cardid"), OK);
    assert_eq!(script(|script| script.lost), 2);
    assert_eq!(vouch(&mut host, 5), OK);
    assert_eq!(script(|script| script.lost), 3, "the old serial is a new promise");
    assert_eq!(vouch(&mut host, 5), OK);
    assert_eq!(script(|script| script.lost), 3);
}

#[test]
fn contexts_of_many_threads_do_not_meet() {
    let threads: Vec<_> = (1..=5usize)
        .map(|number| {
            std::thread::spawn(move || {
                reset_script();
                let mut host = Host::new::<Full>();
                let mut file = name("cardcf");
                let null = std::ptr::null_mut();
                let mut mine = [number as u8; 6];
                for _ in 0..100 {
                    let data = mine.as_mut_ptr();
                    assert_eq!(call!(host, pfnCardWriteFile, null, file.as_mut_ptr(), 0, data, 6), 0);
                    let mut out = Out::garbage();
                    let (pointer, length) = (&raw mut out.pointer, &raw mut out.length);
                    assert_eq!(call!(host, pfnCardReadFile, null, file.as_mut_ptr(), 0, pointer, length), 0);
                    assert_eq!(out.take(), mine);
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
}

#[test]
#[cfg_attr(miri, ignore = "looks for the system's PC/SC library")]
fn lost_connections_are_told_to_the_module() {
    reset_script();
    let mut host = Host::new::<Full>();
    let lost = || script(|script| script.lost);
    assert_eq!(read(&mut host, "cardid"), OK);
    assert_eq!(lost(), 0);
    host.data().hScard = 2;
    assert_eq!(read(&mut host, "cardid"), OK);
    assert_eq!(lost(), 1);
    assert_eq!(read(&mut host, "cardid"), OK);
    assert_eq!(lost(), 1);
    host.data().hSCardCtx = 9;
    assert_eq!(read(&mut host, "cardid"), OK);
    assert_eq!(lost(), 2);
    for (number, status) in
        [Status::Reset, Status::Removed, Status::Transport(0x8010_0066)].into_iter().enumerate()
    {
        script(|script| script.fail_read = Some(status));
        assert_eq!(read(&mut host, "cardid"), status);
        assert_eq!(lost(), 3 + number);
    }
    script(|script| script.fail_read = Some(Status::SecurityViolation));
    assert_eq!(read(&mut host, "cardid"), Status::SecurityViolation);
    assert_eq!(lost(), 5, "a refusal is no loss");
    host.data().hScard = 0;
    assert_eq!(read(&mut host, "cardid"), OK, "a handle is only needed for the card");
}

thread_local! {
    static INNER: Cell<(usize, u32)> = const { Cell::new((0, 0)) };
}

/// An allocator and a cache that call into the context they serve.
unsafe extern "system" fn cache_that_calls_back(
    context: *mut c_void,
    _tag: *mut u16,
    _flags: u32,
    _data: *mut u8,
    _length: u32,
) -> u32 {
    let data: *mut CARD_DATA = context.cast();
    let mut name = name("mscp");
    let offset = std::mem::offset_of!(CARD_DATA, pfnCardDeleteDirectory);
    let member = data.wrapping_byte_add(offset).cast::<PFN_CARD_DELETE_DIRECTORY>();
    // SAFETY:
    // - the test gave its own structure as context.
    let entry = unsafe { member.read() }.expect("published");
    // SAFETY:
    // - the entry of this context.
    let code = unsafe { entry(data, name.as_mut_ptr()) };
    let (calls, _) = INNER.get();
    INNER.set((calls + 1, code));
    0
}

#[test]
fn a_callback_that_calls_back_is_refused_without_waiting() {
    reset_script();
    let mut host = Host::new::<Full>();
    host.data().pfnCspCacheAddFile = Some(cache_that_calls_back);
    host.data().pvCacheContext = host.pointer().cast();
    assert_eq!(read(&mut host, "cached"), Status::Unexpected, "this cache keeps nothing");
    let (calls, code) = INNER.get();
    assert_eq!(calls, 2);
    refused!(code, Status::Unexpected);
    refused!(call!(host, pfnCardDeleteDirectory, name("mscp").as_mut_ptr()), Status::DirectoryNotEmpty);
}

/// A module that waits inside a call until it is told to go on.
struct Slow {
    _alive: Alive,
}

static ENTERED: AtomicBool = AtomicBool::new(false);
static GO_ON: AtomicBool = AtomicBool::new(false);
static ALIVE: AtomicUsize = AtomicUsize::new(0);

struct Alive;

impl Alive {
    fn new() -> Self {
        ALIVE.fetch_add(1, Ordering::SeqCst);
        Self
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

mod slow {
    use super::{Alive, ENTERED, GO_ON, Slow};
    use cardmod_sdk::types::*;
    use cardmod_sdk::*;
    use std::sync::atomic::Ordering;

    impl CardModule for Slow {
        fn acquire(_cx: &mut CardContext<'_>) -> Result<Self> {
            Ok(Self { _alive: Alive::new() })
        }
        fn connection_lost(&mut self) {}
        fn card_id(&mut self, _cx: &mut CardContext<'_>) -> Result<CardId> {
            Ok(CardId([0; 16]))
        }
        fn capabilities(&mut self, _cx: &mut CardContext<'_>) -> Result<Capabilities> {
            Ok(Capabilities::default())
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
        fn container_keys(&mut self, _cx: &mut CardContext<'_>, _i: ContainerIndex) -> Result<ContainerKeys> {
            Err(Status::NoKeyContainer)
        }
        fn container_pin(&mut self, _cx: &mut CardContext<'_>, _index: ContainerIndex) -> Result<PinId> {
            Err(Status::NoKeyContainer)
        }
        fn read_file(&mut self, _cx: &mut CardContext<'_>, _path: &FilePath) -> Result<Vec<u8>> {
            ENTERED.store(true, Ordering::SeqCst);
            while !GO_ON.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
            Err(Status::FileNotFound)
        }
        fn file_info(&mut self, _cx: &mut CardContext<'_>, _path: &FilePath) -> Result<FileInfo> {
            Err(Status::FileNotFound)
        }
        fn list_files(
            &mut self,
            _cx: &mut CardContext<'_>,
            _directory: Option<&DirectoryName>,
        ) -> Result<Vec<FileName>> {
            Ok(Vec::new())
        }
        fn verify_pin(&mut self, _cx: &mut CardContext<'_>, _id: PinId, _pin: &Pin) -> Result<()> {
            Err(Status::InvalidParameter)
        }
        fn deauthenticate(&mut self, _cx: &mut CardContext<'_>, _roles: PinSet) -> Result<()> {
            Ok(())
        }
        fn sign(
            &mut self,
            _cx: &mut CardContext<'_>,
            _k: KeyRef,
            _i: &SignatureInput<'_>,
        ) -> Result<Vec<u8>> {
            Err(Status::NoKeyContainer)
        }
    }
}

#[test]
fn deleting_under_a_running_call_frees_it_afterwards() {
    let mut host = Host::new::<Slow>();
    assert_eq!(ALIVE.load(Ordering::SeqCst), 1);
    let data = host.pointer().expose_provenance();
    let entry = host.data().pfnCardReadFile.unwrap();
    let running = std::thread::spawn(move || {
        let (mut file, mut out) = (name("file"), Out::garbage());
        // SAFETY:
        // - the structure outlives this thread, which the test joins.
        unsafe {
            entry(
                std::ptr::with_exposed_provenance_mut(data),
                std::ptr::null_mut(),
                file.as_mut_ptr(),
                0,
                &raw mut out.pointer,
                &raw mut out.length,
            )
        }
    });
    while !ENTERED.load(Ordering::SeqCst) {
        std::thread::yield_now();
    }
    assert_eq!(host.delete(), 0, "delete does not wait");
    assert_eq!(ALIVE.load(Ordering::SeqCst), 1, "the call still runs");
    GO_ON.store(true, Ordering::SeqCst);
    refused!(running.join().unwrap(), Status::FileNotFound);
    assert_eq!(ALIVE.load(Ordering::SeqCst), 0, "the last one out freed it");
}

#[test]
fn a_hosts_own_panic_hook_still_answers_outside() {
    static SEEN: AtomicUsize = AtomicUsize::new(0);
    reset_script();
    std::panic::set_hook(Box::new(|_| {
        SEEN.fetch_add(1, Ordering::SeqCst);
    }));
    let caught = std::panic::catch_unwind(|| panic!("the host's own"));
    assert!(caught.is_err());
    assert!(SEEN.load(Ordering::SeqCst) >= 1);
    drop(std::panic::take_hook());
}

#[test]
fn the_test_driver_drives_a_module() {
    use cardmod_sdk::testing::{Driver, NoCard, Surroundings};
    reset_script();
    let around = Surroundings { atr: common::ATR.to_vec(), ..Surroundings::default() };
    let mut driver = Driver::<Full>::acquire(NoCard, around).unwrap();
    let pin = cardmod_sdk::types::Pin::from("1234");
    driver.call(|module, cx| cardmod_sdk::CardModule::verify_pin(module, cx, PinId::USER, &pin)).unwrap();
    let keys = driver.call(|module, cx| {
        assert!(!cx.continuity());
        cardmod_sdk::CardModule::container_keys(module, cx, ContainerIndex::new(1))
    });
    assert!(keys.unwrap().signature.is_some());
    let refused: cardmod_sdk::Result<()> = driver.call(|_, cx| {
        cx.card().transmit(&[0, 0xA4, 4, 0])?;
        Ok(())
    });
    assert_eq!(refused, Err(Status::Removed));
    assert_eq!(script(|script| script.lost), 1);
    driver.vouch(3);
    assert_eq!(driver.call(|_, cx| Ok(cx.continuity())), Ok(true));
    assert!(Driver::<Full>::acquire(NoCard, Surroundings::default()).is_err());
}

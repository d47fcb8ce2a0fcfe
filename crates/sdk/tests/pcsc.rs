//! The card as a module reaches it: through the process's PC/SC functions, with the host's handles of the
//! running call (4.5, 4.6).

#![cfg(not(windows))]

mod common;

use std::cell::RefCell;
use std::ffi::c_void;
use std::ptr::null_mut;
use std::sync::OnceLock;

use cardmod_pcsc::{
    CHAR, DWORD, FunctionTable, LONG, Provider, SCARD_IO_REQUEST, SCARD_READERSTATE, SCARDCONTEXT,
    SCARDHANDLE,
};
use cardmod_sdk::types::*;
use cardmod_sdk::*;

use common::{ATR, Host, Out, call, name, refused};

/// What the reader of this thread holds and saw.
#[derive(Default)]
struct Reader {
    atr: Vec<u8>,
    answer: Vec<u8>,
    code: u32,
    /// Handle and command of every exchange.
    log: Vec<(SCARDHANDLE, Vec<u8>)>,
}

thread_local! {
    static READER: RefCell<Reader> = RefCell::default();
}

fn reader<R>(look: impl FnOnce(&mut Reader) -> R) -> R {
    READER.with_borrow_mut(look)
}

/// Functions a module must never reach: each of them fails the test.
macro_rules! forbidden {
    ($($name:ident($($argument:ty),*);)*) => {
        $(unsafe extern "system" fn $name($(_: $argument),*) -> LONG {
            eprintln!("{} is the host's, not a module's", stringify!($name));
            std::process::abort()
        })*
    };
}

forbidden! {
    establish(DWORD, *const c_void, *const c_void, *mut SCARDCONTEXT);
    with_context(SCARDCONTEXT);
    groups(SCARDCONTEXT, *mut CHAR, *mut DWORD);
    readers(SCARDCONTEXT, *const CHAR, *mut CHAR, *mut DWORD);
    free_memory(SCARDCONTEXT, *const c_void);
    status_change(SCARDCONTEXT, DWORD, *mut SCARD_READERSTATE, DWORD);
    connect(SCARDCONTEXT, *const CHAR, DWORD, DWORD, *mut SCARDHANDLE, *mut DWORD);
    reconnect(SCARDHANDLE, DWORD, DWORD, DWORD, *mut DWORD);
    with_disposition(SCARDHANDLE, DWORD);
    with_handle(SCARDHANDLE);
    control(SCARDHANDLE, DWORD, *const c_void, DWORD, *mut c_void, DWORD, *mut DWORD);
    get_attribute(SCARDHANDLE, DWORD, *mut u8, *mut DWORD);
    set_attribute(SCARDHANDLE, DWORD, *const u8, DWORD);
}

unsafe extern "system" fn status(
    _card: SCARDHANDLE,
    _name: *mut CHAR,
    name_len: *mut DWORD,
    state: *mut DWORD,
    protocol: *mut DWORD,
    atr: *mut u8,
    atr_len: *mut DWORD,
) -> LONG {
    let bytes = reader(|reader| reader.atr.clone());
    // SAFETY:
    // - the caller's buffer has room for any ATR.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), atr, bytes.len()) };
    for (target, value) in [(name_len, 0), (state, 0x34), (protocol, 2), (atr_len, bytes.len() as DWORD)] {
        // SAFETY:
        // - the caller's outputs.
        unsafe { target.write(value) };
    }
    0
}

unsafe extern "system" fn transmit(
    card: SCARDHANDLE,
    _send: *const SCARD_IO_REQUEST,
    command: *const u8,
    command_len: DWORD,
    _receive: *mut SCARD_IO_REQUEST,
    response: *mut u8,
    response_len: *mut DWORD,
) -> LONG {
    // SAFETY:
    // - the caller's command.
    let command = unsafe { std::slice::from_raw_parts(command, command_len as usize) }.to_vec();
    let (code, answer) = reader(|reader| {
        reader.log.push((card, command));
        (reader.code, reader.answer.clone())
    });
    if code != 0 {
        return LONG::from(code.cast_signed());
    }
    // SAFETY:
    // - the caller's buffer has room for any short answer.
    unsafe { std::ptr::copy_nonoverlapping(answer.as_ptr(), response, answer.len()) };
    // SAFETY:
    // - the caller's output.
    unsafe { response_len.write(answer.len() as DWORD) };
    0
}

fn install() {
    static TABLE: OnceLock<FunctionTable> = OnceLock::new();
    let table = TABLE.get_or_init(|| FunctionTable {
        EstablishContext: establish,
        ReleaseContext: with_context,
        IsValidContext: with_context,
        ListReaderGroups: groups,
        ListReaders: readers,
        FreeMemory: free_memory,
        GetStatusChange: status_change,
        Cancel: with_context,
        Connect: connect,
        Reconnect: reconnect,
        Disconnect: with_disposition,
        BeginTransaction: with_handle,
        EndTransaction: with_disposition,
        Status: status,
        Transmit: transmit,
        Control: control,
        GetAttrib: get_attribute,
        SetAttrib: set_attribute,
        ReadCache: None,
        WriteCache: None,
    });
    Provider::install(Provider::from_table(table)).expect("the one provider of this process");
    reader(|reader| {
        *reader = Reader { atr: ATR.to_vec(), answer: vec![0xAA, 0x90, 0x00], ..Reader::default() };
    });
}

/// A module whose files are the card's answers.
struct Echo;

impl CardModule for Echo {
    fn acquire(cx: &mut CardContext<'_>) -> Result<Self> {
        cx.card().transmit(&[0, 0xA4, 4, 0])?;
        Ok(Self)
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
    fn container_keys(&mut self, _cx: &mut CardContext<'_>, _index: ContainerIndex) -> Result<ContainerKeys> {
        Err(Status::NoKeyContainer)
    }
    fn container_pin(&mut self, _cx: &mut CardContext<'_>, _index: ContainerIndex) -> Result<PinId> {
        Err(Status::NoKeyContainer)
    }
    fn read_file(&mut self, cx: &mut CardContext<'_>, path: &FilePath) -> Result<Vec<u8>> {
        if path.name.as_str() == "padded" {
            let key = KeyRef { container: ContainerIndex::new(3), spec: KeySpec::Signature };
            let padding = SignaturePadding::Pkcs1 { hash: Some(HashAlgorithm::Sha256) };
            let request = PadRequest { key, padding: &padding, digest: &[7; 32], modulus_len: 128 };
            return cx.pad(&request).map(|block| block.to_vec());
        }
        if path.name.as_str() == "unpadded" {
            let key = KeyRef { container: ContainerIndex::new(3), spec: KeySpec::KeyExchange };
            let padding = DecryptPadding::Oaep { hash: HashAlgorithm::Sha1, label: b"label".to_vec() };
            return cx.unpad(key, &padding, &[1, 2, 3]).map(|plain| plain.as_bytes().to_vec());
        }
        Ok(cx.card().transmit(&[0, 0xB0, 0, 0])?.to_vec())
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
        Ok(())
    }
    fn sign(&mut self, _cx: &mut CardContext<'_>, _key: KeyRef, _in: &SignatureInput<'_>) -> Result<Vec<u8>> {
        Err(Status::NoKeyContainer)
    }
}

use cardmod_sdk::types::padding::{DecryptPadding, SignaturePadding};

fn read(host: &mut Host, file: &str) -> core::result::Result<Vec<u8>, Status> {
    let (mut file, mut out) = (name(file), Out::garbage());
    let (pointer, length) = (&raw mut out.pointer, &raw mut out.length);
    let code = call!(host, pfnCardReadFile, null_mut(), file.as_mut_ptr(), 0, pointer, length);
    if code == 0 { Ok(out.take()) } else { Err(Status::from_code(code)) }
}

#[test]
fn commands_go_to_the_handle_of_the_call() {
    install();
    let mut host = Host::new::<Echo>();
    assert_eq!(read(&mut host, "x"), Ok(vec![0xAA, 0x90, 0x00]));
    host.data().hScard = 77;
    assert!(read(&mut host, "x").is_ok());
    let handles: Vec<SCARDHANDLE> = reader(|reader| reader.log.iter().map(|(handle, _)| *handle).collect());
    assert_eq!(handles, [1, 1, 77]);
    host.data().hScard = 0;
    assert_eq!(read(&mut host, "x"), Err(Status::InvalidHandle));
}

#[test]
fn codes_of_the_reader_go_up_untouched() {
    install();
    let mut host = Host::new::<Echo>();
    for code in [0x8010_0068, 0x8010_0069, 0x8010_0012, 0x8010_000C] {
        reader(|reader| reader.code = code);
        assert_eq!(read(&mut host, "x").map_err(Status::code), Err(code));
    }
    let mut other = Host::prepared(7);
    refused!(other.acquire::<Echo>(0), Status::Transport(0x8010_000C));
}

#[test]
fn another_card_behind_new_handles_is_a_removed_one() {
    install();
    let mut host = Host::new::<Echo>();
    reader(|reader| reader.atr = vec![0x3B, 0x00]);
    assert!(read(&mut host, "x").is_ok(), "the handles are the same");
    host.data().hScard = 5;
    assert_eq!(read(&mut host, "x"), Err(Status::Removed));
    assert_eq!(read(&mut host, "x"), Err(Status::Removed));
    reader(|reader| reader.atr = ATR.to_vec());
    host.data().hScard = 6;
    assert!(read(&mut host, "x").is_ok(), "the card is back");
}

/// A host that pads: a block that names its input, little-endian.
unsafe extern "system" fn pad(
    info: *mut sys::CARD_SIGNING_INFO,
    width: DWORD32,
    length: *mut DWORD32,
    block: *mut *mut u8,
) -> DWORD32 {
    // SAFETY:
    // - the SDK's structure.
    let info = unsafe { info.read() };
    assert_eq!((info.dwVersion, info.bContainerIndex, info.dwKeySpec, info.dwPaddingType), (2, 3, 2, 2));
    // SAFETY:
    // - the SDK's padding structure, of the kind it names.
    let padding = unsafe { info.pPaddingInfo.cast::<sys::BCRYPT_PKCS1_PADDING_INFO>().read() };
    // SAFETY:
    // - a terminated string of seven units.
    let hash = unsafe { std::slice::from_raw_parts(padding.pszAlgId, 7) };
    assert_eq!(hash, common::wide("SHA256"));
    assert_eq!(info.cbData, 32);
    let bytes: Vec<u8> = (0..width as u8).collect();
    common::hand_out(&bytes, block, length);
    0
}

type DWORD32 = u32;

unsafe extern "system" fn unpad(
    info: *mut sys::CARD_RSA_DECRYPT_INFO,
    length: *mut DWORD32,
    block: *mut *mut u8,
) -> DWORD32 {
    // SAFETY:
    // - the SDK's structure.
    let info = unsafe { info.read() };
    assert_eq!((info.dwVersion, info.dwPaddingType, info.cbData), (2, 8, 3));
    // SAFETY:
    // - three bytes of the SDK's.
    assert_eq!(unsafe { std::slice::from_raw_parts(info.pbData, 3) }, [3, 2, 1]);
    // SAFETY:
    // - the SDK's padding structure, of the kind it names.
    let padding = unsafe { info.pPaddingInfo.cast::<sys::BCRYPT_OAEP_PADDING_INFO>().read() };
    assert_eq!(padding.cbLabel, 5);
    common::hand_out(b"dlrow", block, length);
    0
}

#[test]
fn a_host_may_pad() {
    install();
    let mut host = Host::new::<Echo>();
    assert_eq!(read(&mut host, "padded"), Err(Status::UnsupportedFeature));
    assert_eq!(read(&mut host, "unpadded"), Err(Status::UnsupportedFeature));
    host.data().pfnCspPadData = Some(pad);
    host.data().pfnCspUnpadData = Some(unpad);
    assert_eq!(read(&mut host, "padded"), Ok((0..128).rev().collect()));
    assert_eq!(read(&mut host, "unpadded"), Ok(b"world".to_vec()));
    assert_eq!(common::live_blocks(), 0, "what the host gave was given back");
}

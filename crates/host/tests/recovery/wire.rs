//! PC/SC functions that stand between the host and the virtual readers, and let something happen to the
//! card at a chosen command.
//!
//! Everything is kept by the name of the reader, so that tests run side by side.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use cardmod_pcsc::{
    CHAR, DWORD, Disposition, FunctionTable, LONG, SCARD_E_INVALID_HANDLE, SCARD_E_SERVICE_STOPPED,
    SCARD_E_SYSTEM_CANCELLED, SCARD_F_COMM_ERROR, SCARD_IO_REQUEST, SCARD_W_REMOVED_CARD, SCARD_W_RESET_CARD,
    SCARDCONTEXT, SCARDHANDLE, code_to_native, from_native, to_native,
};

use crate::common;

/// SELECT (ISO 7816-4).
const SELECT: u8 = 0xA4;
/// DELETE FILE (ISO 7816-9), which works on what is selected.
const DELETE_FILE: u8 = 0xE4;

/// What happens to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Another program, or the resource manager, resets it.
    Reset,
    /// It is taken out and put back.
    Reinsertion,
    /// It is taken out.
    Removal,
    /// It is taken out, and another is put in.
    Swap,
    /// The resource manager drops the context and all its handles; the call that is running, and no later
    /// one, answers this code.
    Service(u32),
    /// The command, or its answer, is lost.
    Noise,
}

impl Event {
    pub(crate) const ALL: [Self; 8] = [
        Self::Reset,
        Self::Reinsertion,
        Self::Removal,
        Self::Swap,
        Self::Service(SCARD_E_INVALID_HANDLE),
        Self::Service(SCARD_E_SERVICE_STOPPED),
        Self::Service(SCARD_E_SYSTEM_CANCELLED),
        Self::Noise,
    ];

    /// The same card is still, or again, in the reader.
    pub(crate) fn leaves_the_card(self) -> bool {
        !matches!(self, Self::Removal | Self::Swap)
    }
}

/// When it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// Before the card gets the command.
    Before,
    /// After the card carried it out; the answer does not arrive.
    After,
}

/// A command a card got, and the status word it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) instruction: u8,
    pub(crate) parameters: u16,
    pub(crate) with_data: bool,
    /// What it works on: the file that was selected last for a deletion, its whole content for others.
    pub(crate) target: Vec<u8>,
    pub(crate) status: u16,
    /// It was not the card that belongs into this reader.
    pub(crate) by_another: bool,
}

impl Sent {
    /// PUT DATA of a key (GIDS, PUT KEY).
    pub(crate) fn puts_a_key(&self) -> bool {
        (self.instruction, self.parameters) == (0xDB, 0x3FFF)
    }

    /// It made, changed or removed what a second time would make, change or remove another time.
    pub(crate) fn took_effect(&self) -> bool {
        // Also IMPORT ASYMMETRIC KEY, MOVE KEY and DELETE KEY of PIV tokens.
        let changes =
            matches!(self.instruction, 0x47 | 0x24 | 0x2C | 0xE0 | 0xE4 | 0xFE | 0xF6) || self.puts_a_key();
        changes && self.status == 0x9000
    }
}

#[derive(Default)]
struct Wire {
    /// What is to happen, at which command from now on (the first is 1), and when.
    plan: Option<(u32, Event, When)>,
    counted: u32,
    /// The instruction at which it happened.
    struck: Option<u8>,
    /// What the next beginning of a transaction answers, with every handle dropped.
    begin: Option<u32>,
    /// The next end of a transaction fails, and nothing is ended.
    end: bool,
    /// The reader that answers in this one's place.
    replaced_by: Option<String>,
    /// The last selection that succeeded.
    selected: Vec<u8>,
    sent: Vec<Sent>,
}

static WIRES: LazyLock<Mutex<HashMap<String, Wire>>> = LazyLock::new(Mutex::default);
/// The reader each handle was connected to, by the name it was asked for, and its context.
static HANDLES: LazyLock<Mutex<HashMap<SCARDHANDLE, (String, SCARDCONTEXT)>>> = LazyLock::new(Mutex::default);

/// The handles that were dropped, and their readers.
static DROPPED: LazyLock<Mutex<HashMap<SCARDHANDLE, String>>> = LazyLock::new(Mutex::default);

fn lock<T>(mutex: &'static Mutex<T>) -> MutexGuard<'static, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with_wire<T>(reader: &str, act: impl FnOnce(&mut Wire) -> T) -> T {
    act(lock(&WIRES).entry(reader.to_owned()).or_default())
}

/// Plans an event at the `at`-th command to this reader from now on, and forgets what was sent.
pub(crate) fn plan(reader: &str, at: u32, event: Event, when: When) {
    with_wire(reader, |wire| {
        *wire =
            Wire { plan: Some((at, event, when)), replaced_by: wire.replaced_by.take(), ..Wire::default() };
    });
}

/// Lets it happen now, to whoever is connected to this reader.
pub(crate) fn strike(reader: &str, event: Event) {
    match event {
        // The next call finds out.
        Event::Service(code) => with_wire(reader, |wire| wire.begin = Some(code)),
        Event::Noise => plan(reader, 1, Event::Noise, When::Before),
        event => {
            let handles: Vec<_> = {
                let handles = lock(&HANDLES);
                handles.iter().filter(|(_, (name, _))| name == reader).map(|(handle, _)| *handle).collect()
            };
            for handle in handles {
                happen(handle, reader, event);
            }
        }
    }
    // In a transaction that goes on nothing is begun.
    if let Event::Service(_) = event {
        drop_contexts(reader);
    }
}

/// The next end of a transaction fails, and nothing is ended.
pub(crate) fn fail_end(reader: &str) {
    with_wire(reader, |wire| wire.end = true);
}

/// Ends the plan. Answers the instruction at which it happened, and what cards in this reader were sent.
pub(crate) fn outcome(reader: &str) -> (Option<u8>, Vec<Sent>) {
    with_wire(reader, |wire| {
        wire.plan = None;
        (wire.struck, core::mem::take(&mut wire.sent))
    })
}

/// What is sent to this reader goes to another one.
pub(crate) fn replace(reader: &str, by: Option<&str>) {
    with_wire(reader, |wire| wire.replaced_by = by.map(str::to_owned));
}

/// The card in another reader, which a swap puts in the place of this reader's.
pub(crate) fn other(reader: &str) -> String {
    cardmod_winscard::reader_name(&format!("{}other", name_of(reader)))
}

/// Puts the card of this reader back, if it is out.
pub(crate) fn put_back(reader: &str) {
    replace(reader, None);
    let mut card = common::store().open_card(&name_of(reader)).expect("the card");
    if !card.is_present().expect("its state") {
        card.insert().expect("it goes in");
    }
}

fn take_out(reader: &str) {
    let mut card = common::store().open_card(&name_of(reader)).expect("the card");
    card.eject().expect("it comes out");
}

fn name_of(reader: &str) -> String {
    cardmod_winscard::card_name(reader).expect("a virtual reader").to_owned()
}

/// Drops the context of whoever is connected to this reader, as a restart of the service does, and nothing
/// else: what a card granted it still grants.
pub(crate) fn drop_contexts(reader: &str) {
    // In one step: other tests look for their own handles all the time.
    let of_reader: HashMap<SCARDHANDLE, (String, SCARDCONTEXT)> =
        lock(&HANDLES).extract_if(|_, (name, _)| name == reader).collect();
    lock(&DROPPED).extend(of_reader.iter().map(|(handle, (name, _))| (*handle, name.clone())));
    for (_, context) in of_reader.into_values() {
        // SAFETY:
        // - any number may be released: one that is no context is refused
        unsafe { (real().ReleaseContext)(context) };
    }
}

fn real() -> &'static FunctionTable {
    cardmod_winscard::table()
}

/// The functions, with those that matter replaced.
pub(crate) fn table() -> &'static FunctionTable {
    static TABLE: LazyLock<FunctionTable> = LazyLock::new(|| FunctionTable {
        Connect: connect,
        Disconnect: disconnect,
        BeginTransaction: begin_transaction,
        EndTransaction: end_transaction,
        Transmit: transmit,
        ..*real()
    });
    &TABLE
}

unsafe extern "system" fn connect(
    context: SCARDCONTEXT,
    reader: *const CHAR,
    share: DWORD,
    protocols: DWORD,
    card: *mut SCARDHANDLE,
    protocol: *mut DWORD,
) -> LONG {
    let length = (0..)
        .find(|at| {
            // SAFETY:
            // - a reader's name ends in NUL, and nothing behind it is looked at
            let unit = unsafe { *reader.wrapping_add(*at) };
            unit == 0
        })
        .unwrap_or(0);
    // SAFETY:
    // - so many characters were just read
    let name = from_native(unsafe { std::slice::from_raw_parts(reader, length) });
    let target =
        to_native(&with_wire(&name, |wire| wire.replaced_by.clone()).unwrap_or_else(|| name.clone()));
    // SAFETY:
    // - the arguments are the caller's, but for the name, which lives as long as the call
    let code = unsafe { (real().Connect)(context, target.as_ptr(), share, protocols, card, protocol) };
    if code == 0 {
        // SAFETY:
        // - the caller has room for a handle, which was written
        let handle = unsafe { *card };
        lock(&HANDLES).insert(handle, (name, context));
    }
    code
}

unsafe extern "system" fn disconnect(card: SCARDHANDLE, disposition: DWORD) -> LONG {
    lock(&HANDLES).remove(&card);
    // SAFETY:
    // - the arguments are the caller's
    unsafe { (real().Disconnect)(card, disposition) }
}

unsafe extern "system" fn begin_transaction(card: SCARDHANDLE) -> LONG {
    let reader = lock(&DROPPED).remove(&card);
    let planned = reader.and_then(|reader| with_wire(&reader, |wire| wire.begin.take()));
    if let Some(code) = planned {
        return code_to_native(code);
    }
    // SAFETY:
    // - the argument is the caller's
    unsafe { (real().BeginTransaction)(card) }
}

unsafe extern "system" fn end_transaction(card: SCARDHANDLE, disposition: DWORD) -> LONG {
    let reader = lock(&HANDLES).get(&card).map(|(reader, _)| reader.clone());
    if reader.is_some_and(|reader| with_wire(&reader, |wire| core::mem::take(&mut wire.end))) {
        return code_to_native(SCARD_F_COMM_ERROR);
    }
    // SAFETY:
    // - the arguments are the caller's
    unsafe { (real().EndTransaction)(card, disposition) }
}

unsafe extern "system" fn transmit(
    card: SCARDHANDLE,
    send_pci: *const SCARD_IO_REQUEST,
    command: *const u8,
    length: DWORD,
    receive_pci: *mut SCARD_IO_REQUEST,
    response: *mut u8,
    response_length: *mut DWORD,
) -> LONG {
    let reader = lock(&HANDLES).get(&card).map(|(reader, _)| reader.clone()).unwrap_or_default();
    // SAFETY:
    // - the caller lends that many bytes
    let bytes = unsafe { std::slice::from_raw_parts(command, length as usize) };
    let due = with_wire(&reader, |wire| {
        wire.counted += 1;
        let due = wire.plan.filter(|(at, ..)| *at == wire.counted)?;
        wire.struck = bytes.get(1).copied();
        Some((due.1, due.2))
    });
    if let Some((event, When::Before)) = due
        && let Some(code) = happen(card, &reader, event)
    {
        return code_to_native(code);
    }
    // SAFETY:
    // - the arguments are the caller's
    let code =
        unsafe { (real().Transmit)(card, send_pci, command, length, receive_pci, response, response_length) };
    if code == 0 {
        // SAFETY:
        // - the call succeeded, so the length was written
        let written = unsafe { *response_length };
        // SAFETY:
        // - so many bytes were written
        let answer = unsafe { std::slice::from_raw_parts(response, written as usize) };
        note(&reader, bytes, answer);
    }
    if let Some((event, When::After)) = due {
        let code = happen(card, &reader, event);
        return code_to_native(code.unwrap_or(match event {
            Event::Reset => SCARD_W_RESET_CARD,
            _ => SCARD_W_REMOVED_CARD,
        }));
    }
    code
}

fn note(reader: &str, command: &[u8], answer: &[u8]) {
    let status = answer.last_chunk::<2>().map_or(0, |status| u16::from_be_bytes(*status));
    if let [_, instruction, p1, p2, rest @ ..] = command {
        let parameters = u16::from_be_bytes([*p1, *p2]);
        with_wire(reader, |wire| {
            if *instruction == SELECT && status == 0x9000 {
                wire.selected = rest.to_vec();
            }
            let target = if *instruction == DELETE_FILE { wire.selected.clone() } else { rest.to_vec() };
            wire.sent.push(Sent {
                instruction: *instruction,
                parameters,
                with_data: rest.len() > 1,
                target,
                status,
                by_another: wire.replaced_by.is_some(),
            });
        });
    }
}

/// Lets it happen. Answers the code of the running call, where the reader itself would not know it.
fn happen(card: SCARDHANDLE, reader: &str, event: Event) -> Option<u32> {
    match event {
        Event::Reset => {
            // SAFETY:
            // - any handle may be passed: one that is none is refused
            unsafe { (real().EndTransaction)(card, Disposition::Reset.code() as DWORD) };
            // pcsc-lite tells a connection of its own reset too; Windows does not, and it is to be another's.
            cfg!(windows).then_some(SCARD_W_RESET_CARD)
        }
        Event::Reinsertion => {
            take_out(reader);
            put_back(reader);
            None
        }
        Event::Removal => {
            take_out(reader);
            None
        }
        Event::Swap => {
            take_out(reader);
            replace(reader, Some(&other(reader)));
            None
        }
        Event::Service(code) => {
            drop_contexts(reader);
            Some(code)
        }
        Event::Noise => Some(SCARD_F_COMM_ERROR),
    }
}

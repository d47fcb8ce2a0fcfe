//! Virtual readers through the function table, in one process: contexts, states, sharing, transactions, events.

mod common;

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use cardmod_pcsc::{
    CM_IOCTL_GET_FEATURE_REQUEST, Disposition, PNP_NOTIFICATION, Protocols, ReaderState,
    SCARD_ATTR_ATR_STRING, SCARD_ATTR_DEVICE_FRIENDLY_NAME_A, SCARD_ATTR_VENDOR_NAME, SCARD_E_CANCELLED,
    SCARD_E_INVALID_HANDLE, SCARD_E_NO_SMARTCARD, SCARD_E_NOT_TRANSACTED, SCARD_E_PROTO_MISMATCH,
    SCARD_E_SHARING_VIOLATION, SCARD_E_TIMEOUT, SCARD_E_UNKNOWN_READER, SCARD_E_UNSUPPORTED_FEATURE,
    SCARD_PROTOCOL_T1, SCARD_STATE_CHANGED, SCARD_STATE_EMPTY, SCARD_STATE_EXCLUSIVE, SCARD_STATE_INUSE,
    SCARD_STATE_PRESENT, SCARD_STATE_UNKNOWN, SCARD_W_CACHE_ITEM_NOT_FOUND, SCARD_W_CACHE_ITEM_STALE,
    SCARD_W_REMOVED_CARD, SCARD_W_RESET_CARD, ShareMode,
};
use common::{IS_VERIFIED, SELECT, VERIFY, connect, context, status_word, world};

/// Longer than anything here should take on a busy machine.
const LONG: Duration = Duration::from_secs(20);
/// Long enough to see that somebody waits.
const A_WHILE: Duration = Duration::from_millis(80);

#[test]
fn a_card_is_a_reader() {
    let reader = world().card("plain");
    let context = context();
    assert!(context.list_readers().expect("readers").contains(&reader));
    assert_eq!(context.list_groups().expect("groups"), ["SCard$DefaultReaders"]);
    assert!(context.is_valid());

    let card = connect(&context, &reader);
    assert_eq!(card.protocol(), SCARD_PROTOCOL_T1);
    let status = card.status().expect("a status");
    assert_eq!(
        (&status.reader, status.state, status.protocol),
        (&reader, common::CONNECTED, SCARD_PROTOCOL_T1)
    );
    assert_eq!(status.atr[0], 0x3B);
    assert_eq!(card.attribute(SCARD_ATTR_ATR_STRING).expect("the ATR"), status.atr);
    assert_eq!(card.attribute(SCARD_ATTR_VENDOR_NAME).expect("a vendor"), b"Cardmod\0");
    assert_eq!(
        card.attribute(SCARD_ATTR_DEVICE_FRIENDLY_NAME_A).expect("a name"),
        [reader.as_bytes(), &[0]].concat()
    );
    assert_eq!(card.attribute(0x7777).expect_err("none").code, SCARD_E_UNSUPPORTED_FEATURE);
    assert_eq!(card.control(CM_IOCTL_GET_FEATURE_REQUEST, &[]).expect("features").len(), 6);
    assert_eq!(card.control(1, &[]).expect_err("none").code, SCARD_E_UNSUPPORTED_FEATURE);
    assert_eq!(status_word(&card.transmit(SELECT).expect("an answer")), 0x9000);
    card.disconnect(Disposition::Leave).expect("disconnected");
}

#[test]
fn extended_commands_and_answers_pass() {
    let reader = world().card("extended");
    let context = context();
    let card = connect(&context, &reader);
    let extended = [&SELECT[..4], &[0, 0, 9], &SELECT[5..14], &[0, 0]].concat();
    let (short, long) =
        (card.transmit(SELECT).expect("an answer"), card.transmit(&extended).expect("an answer"));
    assert_eq!(*short, *long);
    assert_eq!(status_word(&long), 0x9000);
}

#[test]
fn bad_requests_get_pcsc_lites_codes() {
    let reader = world().card("bad");
    let context = context();
    let refused =
        |reader: &str, share, protocols| context.connect(reader, share, protocols).expect_err("refused").code;
    assert_eq!(refused("No Such Reader 00 00", ShareMode::Shared, Protocols::ANY), SCARD_E_UNKNOWN_READER);
    let absent = cardmod_winscard::reader_name("nobody");
    assert_eq!(refused(&absent, ShareMode::Shared, Protocols::ANY), SCARD_E_UNKNOWN_READER);
    assert_eq!(refused(&reader, ShareMode::Shared, Protocols::NONE), SCARD_E_PROTO_MISMATCH);
    assert_eq!(refused(&reader, ShareMode::Shared, Protocols::T0), SCARD_E_PROTO_MISMATCH);
    let card = connect(&context, &reader);
    assert_eq!(card.transmit_as(1, SELECT).expect_err("T=0").code, SCARD_E_PROTO_MISMATCH);
    assert_eq!(card.end_transaction(Disposition::Leave).expect_err("none").code, SCARD_E_NOT_TRANSACTED);
}

#[test]
fn exclusive_is_exclusive() {
    let reader = world().card("exclusive");
    let (first, second) = (context(), context());
    let alone = first.connect(&reader, ShareMode::Exclusive, Protocols::ANY).expect("alone");
    for share in [ShareMode::Shared, ShareMode::Exclusive, ShareMode::Direct] {
        let error = second.connect(&reader, share, Protocols::ANY).expect_err("not alone");
        assert_eq!(error.code, SCARD_E_SHARING_VIOLATION, "{share:?}");
    }
    alone.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Leave).expect("shared now");
    let other = connect(&second, &reader);
    let error = alone.reconnect(ShareMode::Exclusive, Protocols::ANY, Disposition::Leave).expect_err("two");
    assert_eq!(error.code, SCARD_E_SHARING_VIOLATION);
    other.disconnect(Disposition::Leave).expect("gone");
    alone.reconnect(ShareMode::Exclusive, Protocols::ANY, Disposition::Leave).expect("alone again");
}

#[test]
fn a_transaction_keeps_others_waiting() {
    let reader = world().card("transaction");
    let (first, second) = (context(), context());
    let (holder, waiter) = (connect(&first, &reader), connect(&second, &reader));
    holder.begin_transaction().expect("begun");
    holder.begin_transaction().expect("nested");
    let (tell, told) = mpsc::channel();
    thread::scope(|scope| {
        scope.spawn(|| {
            tell.send("waits").expect("heard");
            let answer = waiter.transmit(SELECT).expect("an answer");
            tell.send("done").expect("heard");
            assert_eq!(status_word(&answer), 0x9000);
        });
        assert_eq!(told.recv_timeout(LONG), Ok("waits"));
        holder.end_transaction(Disposition::Leave).expect("the inner one");
        told.recv_timeout(A_WHILE).expect_err("one transaction is still open");
        assert_eq!(status_word(&holder.transmit(SELECT).expect("an answer")), 0x9000);
        holder.end_transaction(Disposition::Leave).expect("the outer one");
        assert_eq!(told.recv_timeout(LONG), Ok("done"));
    });
    assert_eq!(holder.end_transaction(Disposition::Leave).expect_err("none").code, SCARD_E_NOT_TRANSACTED);
}

#[test]
fn many_threads_take_turns() {
    let reader = world().card("turns");
    let in_turn = std::sync::atomic::AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let context = context();
                let card = connect(&context, &reader);
                for _ in 0..10 {
                    card.begin_transaction().expect("begun");
                    assert_eq!(in_turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                    assert_eq!(status_word(&card.transmit(SELECT).expect("an answer")), 0x9000);
                    in_turn.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                    card.end_transaction(Disposition::Leave).expect("ended");
                }
            });
        }
    });
}

#[test]
fn a_reset_is_told_to_the_others() {
    let reader = world().card("reset");
    let (first, second) = (context(), context());
    let (mine, other) = (connect(&first, &reader), connect(&second, &reader));
    assert_eq!(status_word(&other.transmit(SELECT).expect("an answer")), 0x9000);
    assert_eq!(status_word(&other.transmit(VERIFY).expect("an answer")), 0x9000);
    assert_eq!(status_word(&other.transmit(IS_VERIFIED).expect("an answer")), 0x9000);
    mine.disconnect(Disposition::Reset).expect("reset");
    for _ in 0..2 {
        assert_eq!(other.transmit(SELECT).expect_err("told").code, SCARD_W_RESET_CARD);
    }
    assert_eq!(other.begin_transaction().expect_err("told").code, SCARD_W_RESET_CARD);
    assert_eq!(other.status().expect_err("told").code, SCARD_W_RESET_CARD);
    other.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Leave).expect("reconnected");
    assert_eq!(status_word(&other.transmit(SELECT).expect("an answer")), 0x9000);
    assert_ne!(status_word(&other.transmit(IS_VERIFIED).expect("an answer")), 0x9000, "the PIN is forgotten");
}

#[test]
fn resetting_at_the_end_of_a_transaction_is_told_to_oneself_too() {
    let reader = world().card("own-reset");
    let context = context();
    let card = connect(&context, &reader);
    card.begin_transaction().expect("begun");
    card.end_transaction(Disposition::Reset).expect("ended and reset");
    let told = card.transmit(SELECT).map(|answer| status_word(&answer)).map_err(|error| error.code);
    // pcsc-lite tells; with Windows one's own reset is no news.
    assert_eq!(told, if cfg!(windows) { Ok(0x9000) } else { Err(SCARD_W_RESET_CARD) });
    card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Reset)
        .expect("one's own reset is no news");
    assert_eq!(status_word(&card.transmit(SELECT).expect("an answer")), 0x9000);
}

#[test]
fn a_removal_is_told() {
    let reader = world().card("removal");
    let (first, second) = (context(), context());
    let (mine, other) = (connect(&first, &reader), connect(&second, &reader));
    mine.disconnect(Disposition::Eject).expect("ejected");
    assert_eq!(other.transmit(SELECT).expect_err("told").code, SCARD_W_REMOVED_CARD);
    let again = || second.connect(&reader, ShareMode::Shared, Protocols::ANY);
    assert_eq!(again().expect_err("none there").code, SCARD_E_NO_SMARTCARD);
    let direct = second.connect(&reader, ShareMode::Direct, Protocols::NONE).expect("the reader is there");
    assert_eq!(direct.status().expect("a status").state, cardmod_pcsc::SCARD_ABSENT);
    world().store().open_card("removal").expect("a card").insert().expect("inserted");
    assert_eq!(other.transmit(SELECT).expect_err("told").code, SCARD_W_REMOVED_CARD);
    other.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Leave).expect("reconnected");
    assert_eq!(status_word(&other.transmit(SELECT).expect("an answer")), 0x9000);
}

#[test]
fn states_are_reported_when_they_change() {
    let reader = world().card("states");
    let context = context();
    let mut states = [ReaderState::unaware(&reader)];
    context.status_change(None, &mut states).expect("at once");
    assert!(states[0].has_card());
    assert_ne!(states[0].event & SCARD_STATE_CHANGED, 0);
    assert_eq!(states[0].atr[0], 0x3B);

    states[0].acknowledge();
    let started = Instant::now();
    let error = context.status_change(Some(60), &mut states).expect_err("nothing new");
    assert_eq!(error.code, SCARD_E_TIMEOUT);
    assert!(started.elapsed() >= Duration::from_millis(60));
    assert_eq!(context.status_change(Some(0), &mut states).expect_err("nothing new").code, SCARD_E_TIMEOUT);

    let before = states[0].event >> 16;
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(A_WHILE);
            world().store().open_card("states").expect("a card").eject().expect("ejected");
        });
        context.status_change(Some(20_000), &mut states).expect("ejected");
    });
    assert_ne!(states[0].event & SCARD_STATE_EMPTY, 0);
    assert_ne!(states[0].event >> 16, before, "the event counter counts");
    assert!(states[0].atr.is_empty());
    let mut nobody = [ReaderState::unaware("nobody")];
    let answer = context.status_change(Some(0), &mut nobody).map_err(|error| error.code);
    if cfg!(windows) {
        assert_eq!((answer, nobody[0].event & SCARD_STATE_UNKNOWN), (Ok(()), SCARD_STATE_UNKNOWN));
    } else {
        assert_eq!(answer, Err(SCARD_E_UNKNOWN_READER));
    }
}

#[test]
fn use_is_visible() {
    let reader = world().card("use");
    let (first, second) = (context(), context());
    let look = || {
        let mut states = [ReaderState::unaware(&reader)];
        second.status_change(Some(0), &mut states).expect("a state");
        states[0].event & (SCARD_STATE_PRESENT | SCARD_STATE_INUSE | SCARD_STATE_EXCLUSIVE)
    };
    assert_eq!(look(), SCARD_STATE_PRESENT);
    let card = connect(&first, &reader);
    assert_eq!(look(), SCARD_STATE_PRESENT | SCARD_STATE_INUSE);
    card.reconnect(ShareMode::Exclusive, Protocols::ANY, Disposition::Leave).expect("alone");
    assert_eq!(look(), SCARD_STATE_PRESENT | SCARD_STATE_EXCLUSIVE);
    drop(card);
    assert_eq!(look(), SCARD_STATE_PRESENT);
}

#[test]
fn waiting_can_be_cancelled() {
    let reader = world().card("cancel");
    let context = context();
    let mut states = [ReaderState::unaware(&reader)];
    context.status_change(None, &mut states).expect("at once");
    states[0].acknowledge();
    let handle = context.cancel_handle();
    handle.cancel().expect("nothing to cancel is no error");
    let ended = std::sync::atomic::AtomicBool::new(false);
    let error = thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(std::sync::atomic::Ordering::SeqCst) {
                handle.cancel().expect("cancelled");
                thread::sleep(Duration::from_millis(5));
            }
        });
        let result = context.status_change(Some(20_000), &mut states);
        ended.store(true, std::sync::atomic::Ordering::SeqCst);
        result.expect_err("cancelled")
    });
    assert_eq!(error.code, SCARD_E_CANCELLED);
}

#[test]
fn new_readers_are_announced() {
    let context = context();
    let mut states = [ReaderState::unaware(PNP_NOTIFICATION)];
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(A_WHILE);
            world().card("announced");
        });
        context.status_change(Some(20_000), &mut states).expect("a new reader");
    });
    assert_ne!(states[0].event & SCARD_STATE_CHANGED, 0);
}

#[test]
fn a_released_context_takes_its_connections_along() {
    let reader = world().card("released");
    let (first, second) = (context(), context());
    let card = first.connect(&reader, ShareMode::Exclusive, Protocols::ANY).expect("alone");
    // The table's own function: the safe context is released only after its cards.
    // SAFETY: the handle is a number, and this crate's function takes any.
    let code =
        unsafe { (cardmod_winscard::table().ReleaseContext)(first.raw() as cardmod_pcsc::SCARDCONTEXT) };
    assert_eq!(code, 0);
    assert!(!first.is_valid());
    assert_eq!(card.transmit(SELECT).expect_err("gone").code, SCARD_E_INVALID_HANDLE);
    assert_eq!(status_word(&connect(&second, &reader).transmit(SELECT).expect("free again")), 0x9000);
}

#[test]
fn the_cache_knows_freshness() {
    let context = context();
    let card = [3; 16];
    assert_eq!(context.read_cache(&card, 1, "item").expect_err("none").code, SCARD_W_CACHE_ITEM_NOT_FOUND);
    context.write_cache(&card, 1, "item", b"data").expect("written");
    assert_eq!(context.read_cache(&card, 1, "item").expect("read"), b"data");
    assert_eq!(context.read_cache(&card, 2, "item").expect_err("old").code, SCARD_W_CACHE_ITEM_STALE);
    context.write_cache(&card, 1, "empty", b"").expect("written");
    assert_eq!(context.read_cache(&card, 1, "empty").expect("read"), b"");
}

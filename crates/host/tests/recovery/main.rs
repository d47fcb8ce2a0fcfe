//! Something happens to the card at every command of every operation: what can be repeated safely is
//! repeated, what cannot is said, nothing is done twice, no secret goes to another card, every right is gone,
//! and the next operation works.

mod changes;
#[path = "../common/mod.rs"]
mod common;
mod idle;
mod operations;
mod piv;
mod wire;

use cardmod_host::{CardSession, Error, Fault, KeyAlgorithm};
use cardmod_types::{EcCurve, KeyHalf};

use common::{REFUSED, Stranger};
use operations::Operation;
use wire::{Event, Sent, When};

/// More commands than any operation takes.
const MANY: u32 = 200;

/// A card with a key, in a reader, and another card like it that can take its place.
fn cards(name: &str) -> String {
    common::interpose(wire::table());
    for name in [name.to_owned(), format!("{name}other")] {
        let reader = common::card_of(&name, &common::profile(&format!("{}{name}", name.len())));
        let mut session = common::open(&reader);
        operations::ensure(&mut session, "key", KeyAlgorithm::Ec(EcCurve::P256), KeyHalf::Signature);
        common::close(session);
    }
    cardmod_winscard::reader_name(name)
}

/// A PIV card with keys, in a reader, and another card like it that can take its place.
fn piv_cards(name: &str) -> String {
    common::interpose(wire::table());
    for name in [name.to_owned(), format!("{name}other")] {
        let profile = common::piv_profile(&format!("{}{name}", name.len()));
        let mut session = common::open(&common::piv_card_of(&name, &profile));
        piv::enrol(&mut session);
        common::close(session);
    }
    cardmod_winscard::reader_name(name)
}

impl Operation {
    fn cards(self) -> String {
        if self.piv { piv_cards(self.name) } else { cards(self.name) }
    }

    /// Signs with the key that every card has.
    fn signs(self, session: &mut CardSession) -> Result<(), Error> {
        if self.piv { piv::sign(session) } else { operations::sign(session) }
    }

    /// What another program would find to be allowed.
    fn rights_left(self, reader: &str) -> Result<(), u16> {
        let stranger = Stranger::new(reader);
        if self.piv { stranger.use_piv() } else { stranger.sign() }
    }
}

/// Lets everything happen at every command of an operation.
fn survives(operation: Operation) {
    let reader = operation.cards();
    for event in Event::ALL {
        for when in [When::Before, When::After] {
            let struck = (1..MANY).take_while(|at| one_fault(&reader, operation, *at, event, when)).count();
            assert!(struck >= 1, "{} takes no command at all", operation.name);
        }
    }
}

/// One event at one command; `false` where the operation is over before it.
fn one_fault(reader: &str, operation: Operation, at: u32, event: Event, when: When) -> bool {
    let case = format!("{}, {event:?} {when:?} command {at}", operation.name);
    let mut session = common::open(reader);
    (operation.prepare)(&mut session);
    if operation.cold {
        drop(session);
        session = common::open(reader);
    } else {
        session.containers().expect("a list");
    }
    wire::plan(reader, at, event, when);
    let result = (operation.run)(&mut session);
    let (struck, sent) = wire::outcome(reader);
    let Some(struck) = struck else {
        result.unwrap_or_else(|error| panic!("{case}: {error}"));
        common::close(session);
        it_is_done(reader, operation, &case);
        return false;
    };
    let case = format!("{case} ({struck:02X}): {result:?}, {sent:02X?}");
    nothing_is_done_twice(operation, &sent, &case);
    the_result_tells(&result, operation, event, struck, &sent, &case);
    if !event.leaves_the_card() {
        let error = session.containers().expect_err(&case);
        assert!(matches!(error, Error::Removed { .. }), "{case}; then {error}");
    }
    wire::put_back(reader);
    assert_eq!(operation.rights_left(reader), REFUSED, "{case}; a right is left");
    if result.is_ok() {
        it_is_done(reader, operation, &case);
    }
    life_goes_on(session, reader, operation, &case);
    true
}

/// No key is made or imported, no PIN or key changed, no file made or deleted a second time; no PIN is refused, none is shown to another card.
fn nothing_is_done_twice(operation: Operation, sent: &[Sent], case: &str) {
    for instruction in [0x47, 0x24, 0x2C] {
        let done = sent.iter().filter(|sent| sent.instruction == instruction && sent.status == 0x9000);
        assert!(done.count() <= 1, "{case}; {instruction:02X} twice");
    }
    let effects: Vec<_> = sent.iter().filter(|sent| changes(operation, sent)).collect();
    for (at, effect) in effects.iter().enumerate() {
        let same = |other: &&Sent| (other.instruction, &other.target) == (effect.instruction, &effect.target);
        assert!(!effects[..at].iter().copied().any(|other| same(&other)), "{case}; {effect:02X?} twice");
    }
    for sent in sent {
        let secret = matches!((sent.instruction, sent.with_data), (0x20 | 0x24 | 0x2C | 0x87, true));
        let secret = secret || sent.puts_a_key();
        assert!(!(secret && sent.by_another), "{case}; a secret went to another card");
        // A PIV card answers its counter to a VERIFY that is a question.
        let question = operation.piv && sent.instruction == 0x20 && !sent.with_data;
        assert!(question || sent.status & 0xFFF0 != 0x63C0, "{case}; a try was lost");
    }
}

/// A second time would make, change or remove another thing. PUT DATA of PIV writes a whole object, the same
/// again.
fn changes(operation: Operation, sent: &Sent) -> bool {
    sent.took_effect() && !(operation.piv && sent.puts_a_key())
}

/// What is repeated succeeds, and what is not says why.
fn the_result_tells(
    result: &Result<(), Error>,
    operation: Operation,
    event: Event,
    struck: u8,
    sent: &[Sent],
    case: &str,
) {
    let Err(error) = result else { return };
    let fault = match event {
        Event::Reset => Fault::Reset,
        Event::Reinsertion | Event::Removal | Event::Swap => Fault::Removal,
        Event::Service(_) => Fault::Service,
        Event::Noise => Fault::Communication,
    };
    let unknown_card = operation.cold && matches!(error, Error::Removed { .. });
    assert!(error.fault() == Some(fault) || unknown_card, "{case}");
    // Verification, change, unblocking, authentication of the administrator.
    // On a PIV card the same call looks, before it shows the PIN, whose card it is (SELECT, GET DATA); the
    // host cannot tell whether the PIN was sent already.
    let looks = operation.piv && operation.name != piv::LIST.name && matches!(struck, 0xA4 | 0xCB);
    let secret = matches!(struck, 0x20 | 0x24 | 0x2C) || struck == 0x87 && !operation.piv || looks;
    if event.leaves_the_card() && operation.repeatable && !unknown_card {
        assert!(secret, "{case}; it was not begun again");
    }
    if !matches!(error, Error::Interrupted { .. }) {
        let made = sent.iter().find(|sent| changes(operation, sent));
        assert_eq!(made, None, "{case}; the change is not mentioned");
    }
}

/// What was said to be done is what another session finds on the card.
fn it_is_done(reader: &str, operation: Operation, case: &str) {
    let Some(done) = operation.done else { return };
    let mut session = common::open(reader);
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| done(&mut session)));
    assert!(found.is_ok(), "{case}; it is not done");
}

/// The same session does the next thing, and what the operation left behind can be cleaned up.
fn life_goes_on(mut session: CardSession, reader: &str, operation: Operation, case: &str) {
    if operation.cold
        && let Err(error) = session.containers()
    {
        assert!(matches!(error, Error::Removed { .. }), "{case}; then {error}");
        session = common::open(reader);
    }
    (operation.prepare)(&mut session);
    operation.signs(&mut session).unwrap_or_else(|error| panic!("{case}; then {error}"));
    assert_eq!(operation.rights_left(reader), REFUSED, "{case}; a right is left later");
    common::close(session);
}

macro_rules! survive {
    ($module:ident: $($name:ident = $operation:ident;)+) => {
        $(#[test]
        fn $name() {
            survives($module::$operation);
        })+
    };
}

survive! {
    operations:
    a_list = LIST;
    a_description = DESCRIBE;
    a_file_that_is_read = READ_FILE;
    a_signature = SIGN;
    the_first_signature = COLD_SIGN;
    a_decryption = DECRYPT;
    a_derivation = DERIVE;
    a_generated_key = GENERATE;
    an_imported_key = IMPORT;
    a_deleted_container = DELETE;
    a_default_container = SET_DEFAULT;
    a_written_certificate = WRITE_CERTIFICATE;
    a_deleted_certificate = DELETE_CERTIFICATE;
    a_verified_pin = VERIFY_PIN;
    a_changed_pin = CHANGE_PIN;
    a_pin_unblocked_by_puk = UNBLOCK_BY_PUK;
    a_pin_unblocked_by_the_administrator = UNBLOCK_BY_ADMIN;
    an_authenticated_administrator = ADMIN;
    a_created_file = CREATE_FILE;
    a_written_file = WRITE_FILE;
    a_deleted_file = DELETE_FILE;
}

survive! {
    changes:
    a_file_that_is_made_and_written = PUT_NEW_FILE;
    a_file_that_is_put_in_place_of_another = PUT_FILE;
    a_list_of_files = LIST_FILES;
    a_created_directory = CREATE_DIRECTORY;
    a_deleted_directory = DELETE_DIRECTORY;
    a_new_root_store = WRITE_ROOTS;
    an_added_root = ADD_ROOT;
    a_removed_root = REMOVE_ROOT;
    a_rebuilt_map = REBUILD;
    a_changed_administrator_key = CHANGE_ADMIN_KEY;
}

survive! {
    piv:
    the_first_list_of_a_piv_card = LIST;
    a_signature_of_a_piv_card = SIGN;
    the_first_signature_of_a_piv_card = COLD_SIGN;
    a_signature_that_wants_the_pin_each_time = SIGN_ALWAYS;
    a_decryption_of_a_piv_card = DECRYPT;
    a_key_generated_on_a_piv_card = GENERATE;
    a_key_imported_into_a_piv_card = IMPORT;
    a_container_deleted_from_a_piv_card = DELETE;
    a_certificate_written_to_a_piv_card = WRITE_CERTIFICATE;
    a_certificate_deleted_from_a_piv_card = DELETE_CERTIFICATE;
    a_verified_pin_of_a_piv_card = VERIFY_PIN;
    a_changed_pin_of_a_piv_card = CHANGE_PIN;
    a_pin_of_a_piv_card_unblocked_by_puk = UNBLOCK;
}

//! PINs, the administrator, and transactions, on a virtual GIDS card.

mod common;

use cardmod_host::{
    AdminAuthority, CardSession, Error, FileAuthority, FixedPin, KeyAlgorithm, KeySource, NewContainer,
    NoPin, OpenOptions, PinRequest, PinSource, PinSourceError, SignRequest, UnblockWith,
};
use cardmod_pcsc::{Card, Context, Disposition, Protocols, Provider, ShareMode};
use cardmod_types::{
    CardCf, DirectoryAccess, DirectoryName, EcCurve, FileAccess, FilePath, KeyHalf, Pin, PinId, SecretBytes,
};

const DIGEST: [u8; 32] = [0x11; 32];

fn with_key(name: &str) -> CardSession {
    let mut session = common::session(name);
    let new = NewContainer {
        name: "key".to_owned(),
        key: KeySource::Generate(KeyAlgorithm::Ec(EcCurve::P256)),
        half: KeyHalf::Signature,
        default: false,
    };
    session.create_container(&new, &mut common::pin()).expect("a container");
    session
}

fn sign(session: &mut CardSession, pins: &mut dyn PinSource) -> Result<Vec<u8>, Error> {
    session.sign(Some("key"), &SignRequest::ecdsa(&DIGEST), pins)
}

fn pins_counter(session: &mut CardSession) -> u8 {
    CardCf::parse(&session.read_file(&FilePath::cardcf()).expect("cardcf")).expect("counters").pins
}

/// Another program's connection to the card.
fn stranger(reader: &str) -> (Context, Card) {
    let context = Context::establish(&Provider::from_table(cardmod_winscard::table())).expect("a context");
    let card = context.connect(reader, ShareMode::Shared, Protocols::ANY).expect("a connection");
    (context, card)
}

#[test]
fn a_wrong_pin_tells_the_tries_left_until_it_is_blocked() {
    let mut session = with_key("wrong");
    let wrong = || FixedPin::new(Pin::from("000000"));
    for left in [2, 1] {
        let error = sign(&mut session, &mut wrong()).expect_err("a wrong PIN");
        assert!(matches!(error, Error::WrongPin { tries_left: Some(l), .. } if l == left), "{error}");
    }
    sign(&mut session, &mut common::pin()).expect("the right PIN gives the tries back");
    for _ in 0..3 {
        sign(&mut session, &mut wrong()).expect_err("a wrong PIN");
    }
    let error = sign(&mut session, &mut common::pin()).expect_err("blocked");
    assert!(matches!(error, Error::PinBlocked { .. }), "{error}");
    let new = Pin::from("654321");
    let mut bad = UnblockWith::AdminKey(SecretBytes::from(&[9; 24][..]));
    let error = session.unblock_pin(PinId::USER, &mut bad, &new).expect_err("a wrong key");
    assert!(matches!(error, Error::WrongPin { role: PinId::ADMIN, .. }), "{error}");
    let before = pins_counter(&mut session);
    let mut with = UnblockWith::AdminKey(SecretBytes::from(&common::ADMIN_KEY[..]));
    session.unblock_pin(PinId::USER, &mut with, &new).expect("unblocked");
    assert_eq!(pins_counter(&mut session), before + 1, "the change is counted");
    sign(&mut session, &mut FixedPin::new(new)).expect("the new PIN");
    common::close(session);
}

#[test]
fn a_puk_unblocks() {
    let mut session = with_key("puk");
    for _ in 0..3 {
        session.verify_pin(PinId::USER, &Pin::from("000000")).expect_err("a wrong PIN");
    }
    let new = Pin::from("111111");
    let mut wrong = UnblockWith::Puk { role: None, puk: Pin::from("00000000") };
    let error = session.unblock_pin(PinId::USER, &mut wrong, &new).expect_err("a wrong PUK");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(2), .. }), "{error}");
    let mut with = UnblockWith::Puk { role: None, puk: Pin::from(common::PUK) };
    session.unblock_pin(PinId::USER, &mut with, &new).expect("unblocked");
    session.verify_pin(PinId::USER, &new).expect("the new PIN");
    common::close(session);
}

#[test]
fn a_pin_is_changed_and_counted() {
    let mut session = common::session("change");
    let before = pins_counter(&mut session);
    let (old, new) = (Pin::from(common::PIN), Pin::from("newpin"));
    let error = session.change_pin(PinId::USER, &Pin::from("000000"), &new).expect_err("a wrong PIN");
    assert!(matches!(error, Error::WrongPin { tries_left: Some(2), .. }), "{error}");
    let error = session.change_pin(PinId::USER, &old, &Pin::from("1")).expect_err("a short PIN");
    assert!(matches!(error, Error::PinPolicy { .. }), "{error}");
    session.change_pin(PinId::USER, &old, &new).expect("changed");
    assert_eq!(pins_counter(&mut session), before + 1);
    session.verify_pin(PinId::USER, &new).expect("the new PIN");
    session.verify_pin(PinId::USER, &old).expect_err("the old PIN");
    common::close(session);
}

#[test]
fn the_administrator_answers_challenges() {
    let mut session = common::session("admin");
    let key = || SecretBytes::from(&common::ADMIN_KEY[..]);
    let path = FilePath::parse("secrets").expect("a name");
    let mut held = session.hold().expect("a transaction");
    let create = |session: &mut CardSession| {
        session.create_file(&path, 0, FileAccess::EveryoneReadAdminWrite, FileAuthority::AsIs, &mut NoPin)
    };
    let error = create(&mut held).expect_err("nobody is authenticated");
    assert!(matches!(error, Error::NotAuthenticated { .. }), "{error}");
    held.admin_authenticate(&mut AdminAuthority::Key(SecretBytes::from(&[1; 24][..])))
        .expect_err("a wrong key");
    let mut asked = 0;
    let mut respond = |challenge: &[u8]| {
        asked += 1;
        cardmod_types::admin::challenge_response(&key(), challenge)
            .map_err(|error| PinSourceError::Unavailable(error.to_string()))
    };
    held.admin_authenticate(&mut AdminAuthority::Response(&mut respond)).expect("authenticated");
    assert_eq!(asked, 1);
    create(&mut held).expect("the administrator may");
    drop(held);
    let error = create(&mut session).expect_err("the right is gone with the transaction");
    assert!(matches!(error, Error::NotAuthenticated { .. } | Error::FileExists { .. }), "{error}");
    let new_key = SecretBytes::from(&[0x42; 24][..]);
    session.change_admin_key(&mut AdminAuthority::Key(key()), &new_key).expect("a new key");
    session.admin_authenticate(&mut AdminAuthority::Key(key())).expect_err("the old key");
    session.admin_authenticate(&mut AdminAuthority::Key(new_key)).expect("the new key");
    common::close(session);
}

#[test]
fn files_are_written_by_their_rights() {
    let mut session = common::session("files");
    let directory = DirectoryName::parse(b"Notes").expect("a name");
    let user = FileAuthority::User;
    let access = DirectoryAccess::UserCreateDelete;
    session.create_directory(&directory, access, user, &mut common::pin()).expect("a directory");
    let again = session.create_directory(&directory, access, user, &mut common::pin());
    assert!(matches!(again, Err(Error::FileExists { .. })), "{again:?}");
    assert!(session.list_files(Some(&directory)).expect("an empty list").is_empty());
    let path = FilePath::parse("notes/todo").expect("a path");
    session.create_file(&path, 5, FileAccess::UserReadWrite, user, &mut common::pin()).expect("a file");
    session.write_file(&path, b"first", user, &mut common::pin()).expect("written");
    let unread = session.read_file(&path);
    assert!(matches!(unread, Err(Error::NotAuthenticated { .. })), "{unread:?}");
    let mut held = session.hold().expect("a transaction");
    held.verify_pin(PinId::USER, &Pin::from(common::PIN)).expect("the right PIN");
    assert_eq!(held.read_file(&path).expect("the content"), b"first");
    drop(held);
    let full = session.delete_directory(&directory, user, &mut common::pin());
    assert!(matches!(full, Err(Error::DirectoryNotEmpty { .. })), "{full:?}");
    session.delete_file(&path, user, &mut common::pin()).expect("deleted");
    session.delete_directory(&directory, user, &mut common::pin()).expect("deleted");
    let missing = session.read_file(&path);
    assert!(matches!(missing, Err(Error::DirectoryNotFound { .. })), "{missing:?}");
    common::close(session);
}

#[test]
fn rights_end_with_the_operation() {
    let mut session = with_key("rights");
    sign(&mut session, &mut common::pin()).expect("a signature");
    let error = sign(&mut session, &mut NoPin).expect_err("the right is gone");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    let (_context, card) = stranger(session.reader());
    // GIDS: VERIFY without data tells whether the PIN is verified; 63Cx says that it is not.
    card.begin_transaction().expect("a transaction");
    let select = card.transmit(&[0x00, 0xA4, 0x04, 0x00, 0x09, 0xA0, 0, 0, 3, 0x97, 0x42, 0x54, 0x46, 0x59]);
    assert!(select.is_ok());
    let answer = card.transmit(&[0x00, 0x20, 0x00, 0x80]).expect("an answer");
    assert_eq!(answer[answer.len() - 2..], [0x63, 0xC3]);
    card.end_transaction(Disposition::Leave).expect("ended");
    common::close(session);
}

#[test]
fn a_held_transaction_keeps_the_right_and_costs_one_command() {
    let mut session = with_key("held");
    let reader = session.reader().to_owned();
    let mut held = session.hold().expect("a transaction");
    sign(&mut held, &mut common::pin()).expect("the first signature");
    let before = common::apdus(&reader);
    for _ in 0..5 {
        sign(&mut held, &mut NoPin).expect("a further signature");
    }
    assert_eq!(common::apdus(&reader) - before, 5, "one command for each signature");
    held.deauthenticate().expect("the right is given up");
    let error = sign(&mut held, &mut NoPin).expect_err("no right any more");
    assert!(matches!(error, Error::PinRequired { .. }), "{error}");
    drop(held);
    common::close(session);
}

/// A user who takes his time: meanwhile another program works with the card.
struct Slow<'a> {
    reader: &'a str,
    container: Option<String>,
    asked: u32,
}

impl PinSource for Slow<'_> {
    fn pin(&mut self, request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        self.asked += 1;
        self.container = request.container.map(str::to_owned);
        assert_eq!((request.reader, request.role), (self.reader, PinId::USER));
        let (_context, card) = stranger(self.reader);
        card.begin_transaction().expect("the card is free while a user is asked");
        card.end_transaction(Disposition::Reset).expect("and may even be reset");
        Ok(Pin::from(common::PIN))
    }
}

#[test]
fn nothing_is_held_while_a_user_is_asked() {
    let mut session = with_key("asked");
    let reader = session.reader().to_owned();
    let mut source = Slow { reader: &reader, container: None, asked: 0 };
    sign(&mut session, &mut source).expect("a signature");
    assert_eq!((source.asked, source.container.as_deref()), (1, Some("key")));
    let mut held = session.hold().expect("a transaction");
    let mut source = Slow { reader: &reader, container: None, asked: 0 };
    sign(&mut held, &mut source).expect("a signature in a held transaction too");
    assert_eq!(source.asked, 1);
    drop(held);
    common::close(session);
}

/// A user who gives up.
struct Cancels;

impl PinSource for Cancels {
    fn pin(&mut self, _request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        Err(PinSourceError::Cancelled)
    }
}

#[test]
fn a_user_may_give_up() {
    let mut session = with_key("cancel");
    assert_eq!(sign(&mut session, &mut Cancels), Err(Error::PinSource(PinSourceError::Cancelled)));
    sign(&mut session, &mut common::pin()).expect("nothing is broken by it");
    common::close(session);
}

#[test]
fn a_reset_by_others_is_survived() {
    let mut session = with_key("reset");
    let (_context, card) = stranger(session.reader());
    card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Reset).expect("a reset");
    sign(&mut session, &mut common::pin()).expect("the session connects anew");
    card.reconnect(ShareMode::Shared, Protocols::ANY, Disposition::Unpower).expect("a cold reset");
    assert_eq!(session.containers().expect("the list").len(), 1);
    common::close(session);
}

#[test]
fn a_removed_card_is_said_to_be_gone_until_it_is_back() {
    let mut session = with_key("removed");
    let mut virtual_card = common::store().open_card("removed").expect("the card");
    virtual_card.eject().expect("out");
    let error = session.containers().expect_err("the card is gone");
    assert!(matches!(error, Error::Removed { .. } | Error::NoCard { .. }), "{error}");
    let error = common::host()
        .open(session.reader(), &common::class_module(), cardmod_host::OpenOptions::default())
        .map(drop)
        .expect_err("no card");
    assert!(matches!(error, Error::NoCard { .. } | Error::Removed { .. }), "{error}");
    virtual_card.insert().expect("in again");
    assert_eq!(session.containers().expect("the same card").len(), 1);
    common::close(session);
}

#[test]
fn a_silent_session_makes_and_deletes_keys_with_a_kept_pin_alone() {
    let reader = common::card_of("silent", &common::profile("silent"));
    let options = OpenOptions { silent: true, ..OpenOptions::default() };
    let host = common::caching_host();
    let mut session = host.open(&reader, &common::class_module(), options).expect("a session");
    let new = || NewContainer {
        name: "key".to_owned(),
        key: KeySource::Generate(KeyAlgorithm::Ec(EcCurve::P256)),
        half: KeyHalf::Signature,
        default: false,
    };
    let refused = session.create_container(&new(), &mut common::pin()).map(drop);
    assert!(matches!(refused, Err(Error::PinRequired { .. })), "{refused:?}");
    session.verify_pin(PinId::USER, &Pin::from(common::PIN)).expect("given, not asked for");
    session.create_container(&new(), &mut NoPin).expect("a container");
    sign(&mut session, &mut NoPin).expect("a signature");
    session.delete_container("key", &mut NoPin).expect("deleted");
    host.forget_pins();
    let refused = session.create_container(&new(), &mut common::pin()).map(drop);
    assert!(matches!(refused, Err(Error::PinRequired { .. })), "{refused:?}");
    common::close(session);
}

/// A source that takes its time: the card is given away before it is asked.
struct Typed(FixedPin);

impl PinSource for Typed {
    fn pin(&mut self, request: &PinRequest<'_>) -> Result<Pin, PinSourceError> {
        self.0.pin(request)
    }
}

#[test]
fn a_kept_pin_costs_what_one_at_hand_costs_and_less_than_a_typed_one() {
    let reader = common::card_of("economy", &common::profile("economy"));
    let host = common::caching_host();
    let mut session = host.open(&reader, &common::class_module(), OpenOptions::default()).expect("a session");
    let new = NewContainer {
        name: "key".to_owned(),
        key: KeySource::Generate(KeyAlgorithm::Ec(EcCurve::P256)),
        half: KeyHalf::Signature,
        default: false,
    };
    session.create_container(&new, &mut common::pin()).expect("a container");
    let mut cost = |pins: &mut dyn PinSource| {
        let before = common::apdus(&reader);
        sign(&mut session, pins).expect("a signature");
        common::apdus(&reader) - before
    };
    let kept = cost(&mut NoPin);
    host.forget_pins();
    let at_hand = cost(&mut common::pin());
    host.forget_pins();
    let typed = cost(&mut Typed(common::pin()));
    assert_eq!(at_hand, kept);
    // Asking gives the card away for a while, so the counters are read a second time.
    assert_eq!(typed - kept, 1, "kept {kept}, typed {typed}");
    common::close(session);
}

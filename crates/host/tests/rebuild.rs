//! Container maps that are damaged, foreign or lost: shown, never overwritten blindly, and made anew
//! from what is on the card.

mod common;

use cardmod_host::types::{ContainerMap, FilePath, HashAlgorithm, KeyHalf};
use cardmod_host::x509::{self, Subject};
use cardmod_host::{
    CardSession, Error, FileAuthority, KeyAlgorithm, KeySource, NewContainer, RebuildAction, SignRequest,
};
use cardmod_types::EcCurve;

const RECORD: usize = ContainerMap::RECORD_LEN;

fn create(session: &mut CardSession, name: &str) -> Result<cardmod_host::Container, Error> {
    let key = KeySource::Generate(KeyAlgorithm::Ec(EcCurve::P256));
    let new = NewContainer { name: name.to_owned(), key, half: KeyHalf::Signature, default: false };
    session.create_container(&new, &mut common::pin())
}

/// A card with the containers `one` (default, with a certificate of "Somebody"), `two` and `three`.
fn card(name: &str) -> CardSession {
    let mut session = common::session(name);
    for container in ["one", "two", "three"] {
        create(&mut session, container).expect("a container");
    }
    let public = session.container(Some("one")).expect("one").key(None).expect("a key").public.clone();
    let subject = Subject { name: "CN=Somebody,O=Example", alternative_names: &[] };
    let der = x509::self_signed(&subject, 30, &public, HashAlgorithm::Sha256, |digest| {
        session.sign(Some("one"), &SignRequest::ecdsa(digest), &mut common::pin())
    });
    session
        .import_certificate(Some("one"), None, &der.expect("a certificate"), &mut common::pin())
        .expect("it is stored");
    session
}

fn map(session: &mut CardSession) -> Vec<u8> {
    session.read_file(&FilePath::cmapfile()).expect("the map")
}

fn write(session: &mut CardSession, map: &[u8]) {
    session
        .write_file(&FilePath::cmapfile(), map, FileAuthority::User, &mut common::pin())
        .expect("the map is written");
}

/// The names by index, the default one with a star, the nameless ones empty.
fn listed(session: &mut CardSession) -> Vec<String> {
    let containers = session.containers().expect("the list");
    containers.iter().map(|c| format!("{}{}", c.name, if c.default { "*" } else { "" })).collect()
}

/// Rebuilds; nothing is left to do afterwards, and each container signs with its own key.
fn rebuild(session: &mut CardSession) -> Vec<RebuildAction> {
    let keys = |session: &mut CardSession| -> Vec<_> {
        let plan = session.plan_rebuild().expect("a plan");
        plan.entries.iter().map(|entry| entry.keys.clone()).collect()
    };
    let before = keys(session);
    let counters = session.describe().expect("a description").cardcf.expect("counters");
    let plan = session.rebuild_map(&mut common::pin()).expect("it is rebuilt");
    let after = session.describe().expect("a description").cardcf.expect("counters");
    assert_eq!(after.containers != counters.containers, plan.changes());
    assert_eq!(map(session), plan.after);
    let again = session.plan_rebuild().expect("a plan");
    assert!(!again.changes(), "{again:?}");
    assert_eq!(keys(session), before, "keys are left alone");
    for container in session.containers().expect("the list") {
        assert_eq!(container.problem, None);
        let digest = [7; 32];
        let signature = session.sign(Some(&container.name), &SignRequest::ecdsa(&digest), &mut common::pin());
        let signature = signature.unwrap_or_else(|error| panic!("{}: {error}", container.name));
        let public = &container.key(None).expect("a key").public;
        let padding = cardmod_types::SignaturePadding::None;
        cardmod_host::verify::verify_signature(public, &padding, &digest, &signature).expect("its own key");
    }
    plan.entries.iter().map(|entry| entry.action).collect()
}

#[test]
fn a_whole_map_is_left_as_it_is() {
    let mut session = card("whole");
    let before = map(&mut session);
    let counters = session.describe().expect("a description").cardcf;
    let plan = session.rebuild_map(&mut cardmod_host::NoPin).expect("no PIN is needed for nothing");
    assert!(!plan.changes() && plan.problem.is_none());
    assert!(plan.entries.iter().all(|entry| entry.action == RebuildAction::Keep));
    assert_eq!(map(&mut session), before);
    assert_eq!(session.describe().expect("a description").cardcf, counters);
    common::close(session);
}

#[test]
fn an_emptied_map_is_made_from_the_keys() {
    for (name, lost) in [("empty", 0), ("zeroed", 3 * RECORD), ("zeroed-more", 300)] {
        let mut session = card(name);
        write(&mut session, &vec![0; lost]);
        assert_eq!(listed(&mut session), [""; 0]);
        let plan = session.plan_rebuild().expect("a plan");
        assert_eq!(map(&mut session), vec![0; lost], "a plan writes nothing");
        assert_eq!(plan.entries[0].name.as_deref(), Some("Somebody"), "of the certificate");
        assert_eq!(rebuild(&mut session), [RebuildAction::Add; 3]);
        let names = listed(&mut session);
        assert_eq!(names[0], "Somebody*");
        // The card's identity with the index in the last byte.
        let id: String = common::profile(name).card_id.0.iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(names[1].replace('-', "")[..30], id[..30]);
        assert_ne!(names[1], names[2]);
        common::close(session);
    }
}

#[test]
fn a_new_key_spares_those_the_map_lost() {
    let mut session = card("spared");
    write(&mut session, &[]);
    let made = create(&mut session, "four").expect("a container");
    assert_eq!(made.index.get(), 3, "the three keys stay");
    rebuild(&mut session);
    assert_eq!(session.containers().expect("the list").len(), 4);
    assert_eq!(listed(&mut session)[3], "four*");
    common::close(session);
}

#[test]
fn a_cut_map_gets_its_records_back() {
    let mut session = card("cut");
    let whole = map(&mut session);
    write(&mut session, &whole[..RECORD + 40]);
    assert_eq!(listed(&mut session), ["one*"]);
    assert_eq!(rebuild(&mut session), [RebuildAction::Keep, RebuildAction::Add, RebuildAction::Add]);
    assert_eq!(listed(&mut session)[0], "one*");
    // Shorter than a record: not readable at all, and nothing is written over it.
    write(&mut session, &whole[..40]);
    assert!(matches!(session.containers(), Err(Error::BadCardData { .. })));
    assert!(matches!(create(&mut session, "more"), Err(Error::BadCardData { .. })));
    assert!(matches!(session.delete_container("one", &mut common::pin()), Err(Error::BadCardData { .. })));
    assert_eq!(map(&mut session), &whole[..40]);
    let plan = session.plan_rebuild().expect("a plan");
    assert!(plan.problem.is_some_and(|problem| problem.contains("40 bytes")));
    assert_eq!(rebuild(&mut session), [RebuildAction::Add; 3]);
    common::close(session);
}

#[test]
fn unreadable_names_are_shown_and_given_anew() {
    let mut session = card("garbage");
    let mut broken = map(&mut session);
    broken[RECORD..RECORD + 80].fill(0xD8);
    broken[2 * RECORD..2 * RECORD + 2].fill(0);
    write(&mut session, &broken);
    let containers = session.containers().expect("the list");
    assert_eq!(containers.len(), 3);
    assert!(containers[1].name.is_empty() && containers[1].keys.len() == 1);
    let problem = |at: usize| containers[at].problem.clone().expect("a problem");
    assert!(problem(1).ends_with("container name is not UTF-16 text"), "{}", problem(1));
    assert!(problem(2).ends_with("container name is empty"), "{}", problem(2));
    // Other work leaves the damaged records as they are.
    create(&mut session, "four").expect("a container");
    assert_eq!(map(&mut session)[RECORD..3 * RECORD], broken[RECORD..]);
    let actions = rebuild(&mut session);
    use RebuildAction::{Keep, Repair};
    assert_eq!(actions, [Keep, Repair, Repair, Keep]);
    assert_eq!(listed(&mut session).iter().filter(|name| name.len() == 36).count(), 2);
    common::close(session);
}

#[test]
fn twins_and_two_defaults_are_told_apart() {
    let mut session = card("twins");
    let mut broken = map(&mut session);
    let first = broken[..80].to_vec();
    broken[RECORD..RECORD + 80].copy_from_slice(&first);
    broken[2 * RECORD + 80] = 3;
    write(&mut session, &broken);
    let containers = session.containers().expect("the list");
    let problem = |at: usize| containers[at].problem.clone().unwrap_or_default();
    assert_eq!(problem(0), "");
    assert_eq!(problem(1), "container 0 has the same name, and hides this one");
    assert_eq!(problem(2), "container 0 is marked as the default too, and counts");
    assert_eq!(rebuild(&mut session), [RebuildAction::Keep, RebuildAction::Repair, RebuildAction::Repair]);
    assert_eq!(listed(&mut session), ["one*", "one-01", "three"]);
    common::close(session);
}

#[test]
fn wrong_lengths_and_a_default_without_key_are_repaired() {
    let mut session = card("lengths");
    let mut broken = map(&mut session);
    broken[82..86].copy_from_slice(&[0, 8, 0, 8]);
    // A fourth record without a key is the default one.
    let mut fourth = broken[..RECORD].to_vec();
    fourth[..2].copy_from_slice(&[b'x', 0]);
    fourth[80] = 3;
    broken[80] = 1;
    broken.extend_from_slice(&fourth);
    write(&mut session, &broken);
    let plan = session.rebuild_map(&mut common::pin()).expect("it is rebuilt");
    assert!(plan.entries[3].remarks.iter().any(|remark| remark.contains("no key")), "{plan:?}");
    assert_eq!(listed(&mut session), ["one*", "two", "three", "xne"]);
    assert_eq!(map(&mut session)[82..86], [0, 1, 0, 0], "256 bits for signatures");
    assert!(!session.plan_rebuild().expect("a plan").changes());
    common::close(session);
}

#[test]
fn foreign_content_is_not_written_over() {
    let mut session = card("foreign");
    // What a card of another kind might have here: data objects of PIV, text.
    let object: Vec<u8> = [&[0x53, 0x82, 0x01, 0x04, 0x70, 0x81, 0xFF][..], &[0xD9; 255]].concat();
    let text = b"OpenSC card driver data, version 1; ".repeat(8);
    for foreign in [object, text] {
        let mut foreign = foreign;
        foreign[80] |= 1;
        write(&mut session, &foreign);
        let shown = session.containers().expect("a list");
        assert!(shown.iter().any(|container| container.problem.is_some()), "{shown:?}");
        assert!(matches!(create(&mut session, "more"), Err(Error::BadCardData { .. })));
        assert_eq!(map(&mut session), foreign);
        rebuild(&mut session);
        assert_eq!(session.containers().expect("the list").len(), 3);
    }
    common::close(session);
}

#[test]
fn bytes_behind_the_last_record_go() {
    let mut session = card("longer");
    let whole = map(&mut session);
    write(&mut session, &[&whole[..], &[0xAA; 10]].concat());
    assert_eq!(listed(&mut session), ["one*", "two", "three"]);
    assert_eq!(rebuild(&mut session), [RebuildAction::Keep; 3]);
    assert_eq!(map(&mut session), whole);
    common::close(session);
}

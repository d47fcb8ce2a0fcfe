//! What must hold after a kill, and that the next run works.

use std::collections::BTreeSet;

use crate::piv;
use crate::place::{Place, SECRETS, Start};
use crate::random::Random;
use crate::state::{Card, Container, State};
use crate::verbs::{Changes, Verb};

/// How many tries PIN and PUK have.
const LIMIT: u64 = 5;

/// Compares what is left with what was there and with what the verb comes to. Answers whether the verb's PIN
/// is still right, so that it can be killed once more.
#[track_caller]
pub(crate) fn after_a_kill(
    verb: &Verb,
    before: &State,
    done: &State,
    now: &State,
    place: &Place,
    story: &str,
) -> bool {
    if let Changes::Card(name) = verb.changes {
        let changed: BTreeSet<_> = before.cards.symmetric_difference(&now.cards).cloned().collect();
        assert!(changed.iter().all(|card| card == name), "{changed:?}\n{story}");
        return true;
    }
    assert_eq!(before.cards, now.cards, "{story}");
    let card = |state: &State| state.card.clone().unwrap_or_else(|| panic!("no card\n{story}"));
    assert!([before.ejected, done.ejected].contains(&now.ejected), "in its reader or not\n{story}");
    if verb.changes == Changes::Insertion {
        assert_eq!(before.card, now.card, "{story}");
        return true;
    }
    let (before, done, now) = (&card(before), &card(done), &card(now));
    assert!([&before.id, &done.id].contains(&&now.id), "the identifier is {}\n{story}", now.id);
    if verb.changes == Changes::Reset {
        let all = |card: &Card| (card.id.clone(), card.containers.clone(), card.files.clone());
        assert!([before, done].iter().any(|card| all(card) == all(now)), "reset by half: {now:?}\n{story}");
        return true;
    }
    containers(verb, before, done, now, story);
    files(verb, before, done, now, story);
    tries(verb, before, now, story);
    let pin = current_pin(verb, now, place, story);
    admin_key(verb, place, story);
    counters(verb, before, now, story);
    keys_work(verb, now, pin, place, story);
    pin == "PIN"
}

/// Only the verb's own container differs, and it is as before, as after, or on the way without key or, when it
/// is to get one, without certificate.
#[track_caller]
fn containers(verb: &Verb, before: &Card, done: &Card, now: &Card, story: &str) {
    if verb.changes == Changes::Map {
        let as_one = [before, done].iter().any(|card| card.containers == now.containers);
        assert!(as_one, "containers of half a map: {:?}\n{story}", now.containers);
        return;
    }
    if let Changes::Place(name) = verb.changes {
        half_moved(name, before, now, story);
        return;
    }
    let target = match verb.changes {
        Changes::Creates(name) | Changes::Deletes(name) | Changes::Certificate(name) => Some(name),
        _ => None,
    };
    let by_way_of_none = matches!(verb.changes, Changes::Creates(_) | Changes::Deletes(_));
    let names: BTreeSet<_> = before.containers.keys().chain(now.containers.keys()).collect();
    for name in names {
        let [was, is, will_be] = [before, now, done].map(|card| card.containers.get(name));
        if Some(name.as_str()) != target {
            let same = matches!((was, is), (Some(was), Some(is)) if was.is_like(is));
            assert!(same, "container {name} was {was:?} and is {is:?}\n{story}");
            continue;
        }
        let like = |other: Option<&Container>| match (is, other) {
            (None, None) => true,
            (Some(is), Some(other)) => is.index == other.index && is.shape() == other.shape(),
            _ => false,
        };
        let on_the_way = by_way_of_none && is.is_some_and(|is| is.keys.is_empty());
        let bare = |c: &Container| {
            c.keys.iter().map(|key| (key.algorithm.clone(), key.certificate.is_some())).collect::<Vec<_>>()
        };
        let without_certificate = matches!(verb.changes, Changes::Creates(_))
            && is.zip(will_be).is_some_and(|(is, will_be)| {
                let (is, will_be) = (bare(is), bare(will_be));
                is.iter().all(|key| !key.1)
                    && is.iter().map(|key| &key.0).eq(will_be.iter().map(|key| &key.0))
            });
        // Of a PIV card the certificate goes before its key, both by commands of their own.
        let certificate_gone = verb.start == Start::Piv
            && matches!(verb.changes, Changes::Deletes(_))
            && was.zip(is).is_some_and(|(was, is)| {
                let keys = |c: &Container| c.keys.iter().map(|key| key.public.clone()).collect::<Vec<_>>();
                was.index == is.index && keys(was) == keys(is) && bare(is).iter().all(|key| !key.1)
            });
        assert!(
            like(was) || like(will_be) || on_the_way || without_certificate || certificate_gone,
            "container {name} was {was:?} and is {is:?}\n{story}"
        );
    }
    let defaults = now.containers.values().filter(|container| container.default).count();
    assert_eq!(defaults, 1, "default containers\n{story}");
}

/// While a key with its certificate goes or moves, its container is as it was, or without certificate, or gone; a
/// copy of the certificate may be listed under the name of its place. Nothing else changes.
#[track_caller]
fn half_moved(target: &str, before: &Card, now: &Card, story: &str) {
    let publics = |c: &Container| c.keys.iter().map(|key| key.public.clone()).collect::<Vec<_>>();
    let key = before.containers.get(target).map(publics).unwrap_or_default();
    for (name, was) in before.containers.iter().filter(|(name, _)| *name != target) {
        let is = now.containers.get(name);
        assert!(is.is_some_and(|is| is.is_like(was)), "container {name} was {was:?} and is {is:?}\n{story}");
    }
    for (name, is) in now.containers.iter().filter(|(name, _)| !before.containers.contains_key(*name)) {
        assert!(name.len() == 36 && publics(is) == key, "container {name}: {is:?}\n{story}");
    }
    let is = now.containers.get(target);
    let own = |is: &Container| is.keys.is_empty() || publics(is) == key;
    assert!(is.is_none_or(own), "container {target} is {is:?}\n{story}");
}

/// Only the verb's own file differs, and it has the old content, the new, or none yet.
#[track_caller]
fn files(verb: &Verb, before: &Card, done: &Card, now: &Card, story: &str) {
    let paths: BTreeSet<_> = before.files.keys().chain(now.files.keys()).collect();
    for path in paths {
        let [was, is, will_be] = [before, now, done].map(|card| card.files.get(path));
        let own = match verb.changes {
            Changes::File(own) => own == path,
            Changes::Creates(_) | Changes::Deletes(_) | Changes::Certificate(_) | Changes::Place(_) => {
                path.starts_with("mscp/k") || path == "mscp/msroots"
            }
            _ => false,
        };
        // A self-signed certificate is another one each time.
        let certificate = matches!(verb.changes, Changes::Certificate(_))
            && path.starts_with("mscp/k")
            && is.is_some_and(|is| is.len() > 100);
        let copied = matches!(verb.changes, Changes::Place(_))
            && is.is_none_or(|is| before.files.values().any(|content| content == is));
        let begun = is.is_some_and(Vec::is_empty) && was.is_none() != will_be.is_none();
        let sound = is == was || own && (is == will_be || begun || certificate || copied);
        let len = |file: Option<&Vec<u8>>| file.map(Vec::len);
        assert!(sound, "{path} had {:?} bytes and has {:?}\n{story}", len(was), len(is));
    }
}

/// Tries are never gained but by the right secret, which brings all of them back, and at most one is lost: from
/// what there was, or from all of them where the secret is sent once more after it was right.
#[track_caller]
fn tries(verb: &Verb, before: &Card, now: &Card, story: &str) {
    for (role, was) in &before.tries {
        let is = now.tries.get(role).unwrap_or_else(|| panic!("the tries of {role} are not told\n{story}"));
        let spent = verb.spends.iter().find(|(spent, _)| spent == role);
        let sound = match spent {
            None => is == was,
            Some((_, true)) => is == was || is + 1 == *was || [LIMIT, LIMIT - 1].contains(is),
            Some((_, false)) => is == was || is + 1 == *was,
        };
        assert!(sound, "{role} had {was} tries and has {is}\n{story}");
    }
}

/// The PIN is the old one or the new one: the variable it is in. Each is tried on a copy, where a try that
/// is lost does not count.
#[track_caller]
fn current_pin(verb: &Verb, now: &Card, place: &Place, story: &str) -> &'static str {
    let verify = |variable: &str| {
        let scratch = place.scratch();
        if now.tries.get("user") == Some(&0) {
            return scratch.run(&format!("pin unblock --card demo --puk-env PUK --new-pin-env {variable}"));
        }
        scratch.run(&format!("pin verify --card demo --pin-env {variable}"))
    };
    let old = verify("PIN");
    if old.status == Some(0) {
        return "PIN";
    }
    assert!(verb.changes == Changes::Pin, "{old}\n{story}");
    let new = verify("NEW");
    assert!(new.status == Some(0), "neither the old PIN nor the new one\n{old}\n{new}\n{story}");
    "NEW"
}

/// The administrator's key, or the management key, is the old one or the new one.
#[track_caller]
fn admin_key(verb: &Verb, place: &Place, story: &str) {
    let scratch = place.scratch();
    let is = |variable: &str| match verb.start {
        Start::Piv => {
            let key = SECRETS.iter().find(|(name, _)| *name == variable).expect("a known variable").1;
            piv::is_management_key(&scratch, "demo", key)
        }
        _ => {
            let line = format!("admin verify --card demo --admin-key-env {variable}");
            scratch.run(&line).status == Some(0)
        }
    };
    let old = if verb.start == Start::Piv { "MANAGEMENT" } else { "KEY" };
    let sound = is(old) || verb.changes == Changes::AdminKey && is("NEWKEY");
    assert!(sound, "the administrator's key is neither the old one nor the new\n{story}");
}

/// A counter moved before what it covers. PIV cards have none.
#[track_caller]
fn counters(verb: &Verb, before: &Card, now: &Card, story: &str) {
    assert_eq!(
        before.counters.is_none(),
        verb.start == Start::Piv,
        "counters: {:?}\n{story}",
        before.counters
    );
    let (Some(was), Some(is)) = (before.counters, now.counters) else {
        assert_eq!(before.counters, now.counters, "counters that come or go\n{story}");
        return;
    };
    let keys = |card: &Card| -> Vec<_> {
        let containers = card.containers.iter();
        containers.flat_map(|(name, c)| c.keys.iter().map(|key| (name.clone(), key.public.clone()))).collect()
    };
    // A map that is written anew tells of the keys that were there.
    if verb.changes != Changes::Map && keys(before) != keys(now) {
        assert_ne!(was[1], is[1], "keys changed, the counter of containers did not\n{story}");
    }
    if before.files != now.files || before.map != now.map {
        assert_ne!(was[2], is[2], "files changed, their counter did not\n{story}");
    }
}

/// Each listed key signs what its public key verifies. Of one that was going or moving the certificate alone may
/// be left; then more keys are listed than there are.
#[track_caller]
fn keys_work(verb: &Verb, now: &Card, pin: &str, place: &Place, story: &str) {
    let place = place.scratch();
    if now.tries.get("user") == Some(&0) {
        place.run(&format!("pin unblock --card demo --puk-env PUK --new-pin-env {pin}")).exits(0);
    }
    for name in ["web", "new"] {
        let Some(container) = now.containers.get(name).filter(|container| !container.keys.is_empty()) else {
            continue;
        };
        let what = format!("--card demo --container {name} --in data");
        let signed = place.run(&format!("sign {what} --out sig --pin-env {pin}"));
        let listed = now.containers.values().filter(|container| !container.keys.is_empty()).count();
        let on_the_way = verb.changes == Changes::Place(name) && listed > place.keys_on_the_card("demo");
        if on_the_way && signed.status != Some(0) {
            continue;
        }
        assert!(signed.status == Some(0), "{container:?}\n{signed}\n{story}");
        let verified = place.run(&format!("verify {what} --signature sig"));
        assert!(verified.status == Some(0), "{container:?}\n{verified}\n{story}");
    }
}

/// The verb again, and then the card is as if nobody had been killed.
#[track_caller]
pub(crate) fn next_run(verb: &Verb, done: &State, place: &Place, random: &mut Random, story: &str) {
    if let Changes::Creates(name) = verb.changes {
        // An import that was killed before its certificate says that the container exists.
        let certified = |state: &State| {
            let container = state.card.as_ref().and_then(|card| card.containers.get(name));
            container.is_some_and(|c| c.keys.iter().any(|key| key.certificate.is_some()))
        };
        let half = certified(done) && !certified(&State::of(place, story));
        if random.below(2) == 0 || half {
            clear_away(name, place, story);
        }
    }
    let again = place.run(&format!("{} --json", verb.line));
    let story = &format!("{story}, then again: {again}");
    if again.status != Some(verb.exit) {
        let word = again.json()["error"]["code"].as_str().unwrap_or_default().to_owned();
        // Who gave a wrong secret three times is blocked.
        let blocked = verb.exit == 5 && word == "pin-blocked";
        assert!(blocked || verb.done_words.contains(&word.as_str()), "{word}\n{story}");
    }
    let now = State::of(place, story);
    assert_eq!((&now.cards, now.ejected), (&done.cards, done.ejected), "{story}");
    if let Changes::Directory(name, there) = verb.changes {
        directory(name, there, place, story);
    }
    let (Some(now), Some(done)) = (&now.card, &done.card) else { return };
    let shapes = |card: &Card| -> Vec<_> {
        let shape = |c: &Container| c.shape().iter().map(|key| format!("{key:?}")).collect::<Vec<_>>();
        card.containers.iter().map(|(name, c)| (name.clone(), c.default, shape(c))).collect()
    };
    assert_eq!(shapes(now), shapes(done), "{story}");
    // A new card's identifier is another one each time.
    if !matches!(verb.changes, Changes::Card(_)) {
        assert_eq!(now.id, done.id, "{story}");
    }
    let names = |card: &Card| card.files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(now), names(done), "{story}");
    if let Some(name) = ["demo", "default"].into_iter().find(|name| place.path("cards").join(name).exists()) {
        let listed = now.containers.values().filter(|container| !container.keys.is_empty()).count();
        assert_eq!(place.keys_on_the_card(name), listed, "keys that nobody knows\n{story}");
    }
}

/// A directory that is there takes a file, one that is not does not.
#[track_caller]
fn directory(name: &str, there: bool, place: &Place, story: &str) {
    let written =
        place.scratch().run(&format!("file write {name}/file --in notes --card demo --pin-env PIN --json"));
    let word = (!there).then(|| written.json()["error"]["code"].clone());
    let sound = if there { written.status == Some(0) } else { word == Some("directory-not-found".into()) };
    assert!(sound, "directory {name}: {written}\n{story}");
}

/// What a creation left is listed and can be deleted.
#[track_caller]
fn clear_away(name: &str, place: &Place, story: &str) {
    let left = State::of(place, story).card.is_some_and(|card| card.containers.contains_key(name));
    if left {
        let deleted = place.run(&format!("container delete {name} --card demo --pin-env PIN"));
        assert!(deleted.status == Some(0), "{deleted}\n{story}");
    }
}

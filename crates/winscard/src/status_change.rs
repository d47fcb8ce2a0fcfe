//! `SCardGetStatusChange`: virtual readers are looked at again and again, real ones waited for.
//!
//! What this process changes wakes the waiting thread at once. What other processes change is seen by looking
//! at the cards' run files every [`LOOK_EVERY`] to [`LOOK_LATER`]; where real readers are waited for, every [`REAL_SLICE`].

use std::time::{Duration, Instant};

use cardmod_pcsc::{
    Context as RealService, INFINITE, PNP_NOTIFICATION, ReaderState, SCARD_E_CANCELLED,
    SCARD_E_INVALID_HANDLE, SCARD_E_TIMEOUT, SCARD_E_UNKNOWN_READER, SCARD_STATE_CHANGED, SCARD_STATE_EMPTY,
    SCARD_STATE_EXCLUSIVE, SCARD_STATE_IGNORE, SCARD_STATE_INUSE, SCARD_STATE_MUTE, SCARD_STATE_PRESENT,
    SCARD_STATE_UNAVAILABLE, SCARD_STATE_UNAWARE, SCARD_STATE_UNKNOWN,
};

use crate::context::{Context, Verdict, Waiting};
use crate::profile::Profile;
use crate::readers::Observation;
use crate::registry::{self, Registry};

/// How often virtual readers are looked at for what other processes did, at first.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// And in a long wait.
const LOOK_LATER: Duration = Duration::from_millis(50);
/// How long the real service is waited for between two looks at virtual readers.
const REAL_SLICE: Duration = Duration::from_millis(25);
/// The same where no virtual reader is asked for.
const REAL_SLICE_ALONE: Duration = Duration::from_millis(1000);

/// Where a reader in the list lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Virtual,
    Real,
    Notification,
    Nowhere,
    Ignored,
}

pub(crate) fn status_change(context: u32, timeout: u32, readers: &mut [ReaderState]) -> Result<(), u32> {
    let registry = registry::current()?;
    if readers.iter().all(|reader| reader.current & SCARD_STATE_IGNORE != 0) {
        return Ok(());
    }
    let context = registry.context(context)?;
    let waiting = context.block();
    // The real service is not even looked for where only virtual readers are asked for.
    let is_virtual = |reader: &ReaderState| registry.readers.find(&reader.name).is_some();
    let only_virtual = readers.iter().all(is_virtual);
    let real = if only_virtual { None } else { context.real.get(&registry.forward) };
    let places = places(registry, real.as_ref(), readers)?;
    for reader in readers.iter_mut() {
        reader.event = 0;
        reader.atr.clear();
    }
    let known = registry.readers.names();
    let mut call = Call { registry, context: &context, places, real, known, readers };
    call.run(&waiting, (timeout != INFINITE).then(|| Instant::now() + Duration::from_millis(timeout.into())))
}

fn places(
    registry: &Registry,
    real: Option<&RealService>,
    readers: &[ReaderState],
) -> Result<Vec<Place>, u32> {
    let mut real_names: Option<Vec<String>> = None;
    let mut places = Vec::with_capacity(readers.len());
    for reader in readers {
        let place = if reader.current & SCARD_STATE_IGNORE != 0 {
            Place::Ignored
        } else if reader.name.eq_ignore_ascii_case(PNP_NOTIFICATION) {
            Place::Notification
        } else if registry.readers.find(&reader.name).is_some() {
            Place::Virtual
        } else {
            let list = || real.and_then(|real| real.list_readers().ok()).unwrap_or_default();
            let known = real_names.get_or_insert_with(list).contains(&reader.name);
            if known { Place::Real } else { Place::Nowhere }
        };
        if place == Place::Nowhere && registry.profile.unknown_reader_fails {
            return Err(SCARD_E_UNKNOWN_READER);
        }
        places.push(place);
    }
    Ok(places)
}

struct Call<'a> {
    registry: &'static Registry,
    context: &'a Context,
    places: Vec<Place>,
    real: Option<RealService>,
    /// The virtual readers there were when the call began.
    known: Vec<String>,
    readers: &'a mut [ReaderState],
}

impl Call<'_> {
    fn run(&mut self, waiting: &Waiting<'_>, deadline: Option<Instant>) -> Result<(), u32> {
        let started = Instant::now();
        loop {
            let seen = self.registry.events.count();
            let changed = self.look() | self.look_for_service();
            let remaining = deadline.map(|at| at.saturating_duration_since(Instant::now()));
            let over = remaining == Some(Duration::ZERO);
            if changed || over {
                let real_changed = self.wait_for_real(Duration::ZERO)?;
                return if changed || real_changed { Ok(()) } else { Err(SCARD_E_TIMEOUT) };
            }
            match waiting.verdict() {
                Verdict::GoOn => {}
                Verdict::Cancelled => return Err(SCARD_E_CANCELLED),
                Verdict::Released => return Err(SCARD_E_INVALID_HANDLE),
            }
            let longest = remaining.unwrap_or(Duration::MAX);
            if self.waits_for_real() {
                if self.wait_for_real(longest.min(self.slice()))? {
                    self.look();
                    return Ok(());
                }
            } else {
                let pause = (started.elapsed() / 20).clamp(LOOK_EVERY, LOOK_LATER);
                self.registry.events.wait(seen, longest.min(pause));
            }
        }
    }

    /// Reports the virtual readers; has one of them changed?
    fn look(&mut self) -> bool {
        let mut changed = false;
        let names = self.places.contains(&Place::Notification).then(|| self.registry.readers.names());
        for (reader, place) in self.readers.iter_mut().zip(&self.places) {
            let (event, atr) = match place {
                Place::Virtual => match self.registry.readers.observe(&reader.name) {
                    Some(seen) => (event_of(&seen, reader.current, &self.registry.profile), seen.atr),
                    None => (unknown(reader.current), Vec::new()),
                },
                Place::Nowhere => (unknown(reader.current), Vec::new()),
                Place::Notification => {
                    (notification(reader.current, &self.known, names.as_deref()), Vec::new())
                }
                Place::Real | Place::Ignored => continue,
            };
            changed |= event & SCARD_STATE_CHANGED != 0;
            reader.event = event;
            reader.atr = atr;
        }
        changed
    }

    /// Has the real service come up since the call began? Its readers are new ones then.
    fn look_for_service(&mut self) -> bool {
        let Some(index) = self.places.iter().position(|place| *place == Place::Notification) else {
            return false;
        };
        if self.real.is_some() {
            return false;
        }
        self.real = self.context.real.get(&self.registry.forward);
        if self.real.is_some() {
            self.readers[index].event |= SCARD_STATE_CHANGED;
        }
        self.real.is_some()
    }

    fn waits_for_real(&self) -> bool {
        let wanted = |place: &Place| matches!(place, Place::Real | Place::Notification);
        self.real.is_some() && self.places.iter().any(wanted)
    }

    fn slice(&self) -> Duration {
        let alone = self.places.iter().all(|place| matches!(place, Place::Real | Place::Ignored));
        if alone { REAL_SLICE_ALONE } else { REAL_SLICE }
    }

    /// Waits for the real service; has one of its readers changed?
    fn wait_for_real(&mut self, longest: Duration) -> Result<bool, u32> {
        if !self.waits_for_real() {
            return Ok(false);
        }
        let Some(real) = &self.real else { return Ok(false) };
        let wanted = |place: &Place| matches!(place, Place::Real | Place::Notification);
        let indices: Vec<usize> =
            (0..self.places.len()).filter(|index| wanted(&self.places[*index])).collect();
        let mut states: Vec<ReaderState> = indices.iter().map(|index| self.readers[*index].clone()).collect();
        for (state, index) in states.iter_mut().zip(&indices) {
            if self.places[*index] == Place::Notification {
                // The caller's number counts virtual readers too; the service counts its own alone.
                state.current = 0;
            }
        }
        let timeout = u32::try_from(longest.as_millis()).unwrap_or(INFINITE - 1);
        let result = real.status_change(Some(timeout), &mut states);
        let mut changed = false;
        for (index, state) in indices.into_iter().zip(states) {
            let reader = &mut self.readers[index];
            changed |= state.event & SCARD_STATE_CHANGED != 0;
            if self.places[index] == Place::Real {
                reader.event = state.event;
                reader.atr = state.atr;
            } else if state.event & SCARD_STATE_CHANGED != 0 {
                reader.event |= SCARD_STATE_CHANGED;
            }
        }
        match result {
            Ok(()) => Ok(changed),
            Err(error) if matches!(error.code, SCARD_E_TIMEOUT | SCARD_E_CANCELLED) => Ok(false),
            Err(error) => Err(error.code),
        }
    }
}

/// The event word of a virtual reader against what the caller believes, by pcsc-lite's rules; the profile may
/// add Windows'.
fn event_of(seen: &Observation, current: u32, profile: &Profile) -> u32 {
    let mut event = u32::from(seen.events) << 16;
    event |= if seen.present { SCARD_STATE_PRESENT } else { SCARD_STATE_EMPTY };
    if seen.present && seen.exclusive {
        event |= SCARD_STATE_EXCLUSIVE;
    } else if seen.present && seen.in_use {
        event |= SCARD_STATE_INUSE;
    }
    let believed = |bit: u32| current & bit != 0;
    let counter = current >> 16;
    let changed = current == SCARD_STATE_UNAWARE
        || counter != 0 && counter != u32::from(seen.events)
        || believed(SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE | SCARD_STATE_MUTE)
        || believed(SCARD_STATE_PRESENT) && !seen.present
        || believed(SCARD_STATE_EMPTY) && seen.present
        || believed(SCARD_STATE_INUSE) && event & SCARD_STATE_INUSE == 0
        || believed(SCARD_STATE_EXCLUSIVE) && event & SCARD_STATE_EXCLUSIVE == 0
        || profile.use_is_a_change && (event ^ current) & (SCARD_STATE_INUSE | SCARD_STATE_EXCLUSIVE) != 0;
    if changed { event | SCARD_STATE_CHANGED } else { event }
}

/// The event word of a name that no reader has.
fn unknown(current: u32) -> u32 {
    let changed = if current & SCARD_STATE_UNKNOWN == 0 { SCARD_STATE_CHANGED } else { 0 };
    SCARD_STATE_UNKNOWN | SCARD_STATE_UNAVAILABLE | changed
}

/// The event word of the notification pseudo reader: the number of virtual readers is its counter, as the
/// number of readers is on Windows.
fn notification(current: u32, known: &[String], names: Option<&[String]>) -> u32 {
    let names = names.unwrap_or(known);
    let count = u16::try_from(names.len()).unwrap_or(u16::MAX);
    let believed = current >> 16;
    let changed = names != known || believed != 0 && believed != u32::from(count);
    u32::from(count) << 16 | if changed { SCARD_STATE_CHANGED } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(present: bool, in_use: bool, exclusive: bool) -> Observation {
        Observation { present, in_use, exclusive, events: 3, atr: vec![] }
    }

    #[test]
    fn changes_are_found_by_pcsc_lites_rules() {
        let lite = &Profile::PCSC_LITE;
        let word = |bits: u32| 3 << 16 | bits;
        let changed = SCARD_STATE_CHANGED;
        let card = seen(true, false, false);
        assert_eq!(event_of(&card, SCARD_STATE_UNAWARE, lite), word(SCARD_STATE_PRESENT | changed));
        assert_eq!(event_of(&card, word(SCARD_STATE_PRESENT), lite), word(SCARD_STATE_PRESENT));
        assert_eq!(event_of(&card, 2 << 16 | SCARD_STATE_PRESENT, lite), word(SCARD_STATE_PRESENT | changed));
        assert_eq!(
            event_of(&card, SCARD_STATE_PRESENT, lite),
            word(SCARD_STATE_PRESENT),
            "no counter believed"
        );
        assert_eq!(event_of(&card, SCARD_STATE_EMPTY, lite), word(SCARD_STATE_PRESENT | changed));
        let gone = seen(false, true, false);
        assert_eq!(event_of(&gone, SCARD_STATE_PRESENT, lite), word(SCARD_STATE_EMPTY | changed));
        assert_eq!(
            event_of(&card, SCARD_STATE_PRESENT | SCARD_STATE_INUSE, lite),
            word(SCARD_STATE_PRESENT | changed),
            "no longer in use"
        );
    }

    #[test]
    fn coming_into_use_is_a_change_on_windows_alone() {
        let used = seen(true, true, false);
        let bits = 3 << 16 | SCARD_STATE_PRESENT | SCARD_STATE_INUSE;
        assert_eq!(event_of(&used, SCARD_STATE_PRESENT, &Profile::PCSC_LITE), bits);
        assert_eq!(event_of(&used, SCARD_STATE_PRESENT, &Profile::WINDOWS), bits | SCARD_STATE_CHANGED);
    }

    #[test]
    fn the_notification_reader_counts() {
        let known = vec!["a".to_owned()];
        let more = vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(notification(0, &known, Some(&known)), 1 << 16);
        assert_eq!(notification(0, &known, Some(&more)), 2 << 16 | SCARD_STATE_CHANGED);
        assert_eq!(notification(2 << 16, &known, Some(&known)), 1 << 16 | SCARD_STATE_CHANGED);
    }
}

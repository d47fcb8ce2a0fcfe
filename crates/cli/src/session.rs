//! Which card a run works on, and the way to it.

use std::io::Write as _;

use cardmod_default::{Environment, EnvironmentError, EnvironmentOptions};
use cardmod_host::{
    CardSession, ContainerSpec, Error, KeyAlgorithm, LoadError, ManagementKey, OpenOptions, ReaderInfo,
    Search,
};
use cardmod_types::{CardApplication, KeyHalf};
use cardmod_winscard::FaultKind;

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::management::ManagementOptions;
use crate::output::Output;
use crate::verbs::card::create_standard;
use crate::verbs::module::view::problem_note;

/// The virtual card used where no card is found.
const DEFAULT_CARD: &str = "default";

/// Everything a verb needs to reach a card.
pub(crate) struct Desk {
    /// Host, virtual cards and module.
    pub(crate) environment: Environment,
    global: Global,
    out: Output,
    seeking: Seeking,
    management_key: Option<ManagementKey>,
}

/// What decides between several cards.
enum Seeking {
    /// The options that name one.
    Nothing,
    /// A container by its specification.
    Container(ContainerSpec),
    /// Room for a new key of this kind, imported or not.
    Room(ContainerSpec, KeyAlgorithm, KeyHalf, bool),
}

/// What to do where there is no card at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WithoutCard {
    /// Say so.
    Refuse,
    /// Make the virtual card `default`: the verb puts something on it.
    CreateDefault,
}

impl Seeking {
    /// The reader that is named.
    fn reader(&self) -> Option<&str> {
        match self {
            Self::Nothing => None,
            Self::Container(spec) | Self::Room(spec, ..) => spec.reader(),
        }
    }
}

impl Desk {
    /// Sets the libraries up as the global options say.
    pub(crate) fn open(global: &Global, out: Output) -> Result<Self, Failure> {
        let options = EnvironmentOptions {
            store_dir: None,
            module: global.module.clone(),
            registry: None,
            apdu_log: global.apdu_log.clone(),
            cache_dir: None,
        };
        let environment = Environment::open(options)?;
        for problem in environment.registry.problems() {
            out.note(&problem_note(problem));
        }
        Ok(Self { environment, global: global.clone(), out, seeking: Seeking::Nothing, management_key: None })
    }

    /// The card is that of a container; `None` leaves the choice to the other options.
    pub(crate) fn of_container(mut self, spec: Option<&ContainerSpec>) -> Self {
        if let Some(spec) = spec {
            self.seeking = Seeking::Container(spec.clone());
        }
        self
    }

    /// Cards are written with the management key that the options name, if any.
    ///
    /// # Errors
    /// The key cannot be read.
    pub(crate) fn with_management(mut self, options: &ManagementOptions) -> Result<Self, Failure> {
        self.management_key = options.key()?;
        Ok(self)
    }

    /// The card is one with room for a new key.
    pub(crate) fn with_room(
        mut self,
        spec: &ContainerSpec,
        (algorithm, half): (KeyAlgorithm, KeyHalf),
        imported: bool,
    ) -> Self {
        self.seeking = Seeking::Room(spec.clone(), algorithm, half, imported);
        self
    }

    /// Opens the card the options name, or the one there is, and runs `work` on it.
    pub(crate) fn with_card<T>(
        &self,
        without: WithoutCard,
        work: impl FnOnce(&mut CardSession) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let reader = self.choose(without)?;
        self.with_reader(&reader, work)
    }

    /// The same within one transaction, so that the card's counters are read once. It is left where the host
    /// asks a user for a PIN; `work` itself must wait for nobody, since other programs wait for it.
    pub(crate) fn in_one_transaction<T>(
        &self,
        work: impl FnOnce(&mut CardSession) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.with_card(WithoutCard::Refuse, |session| work(&mut *session.hold()?))
    }

    /// Opens the card in this reader and runs `work` on it.
    pub(crate) fn with_reader<T>(
        &self,
        reader: &str,
        work: impl FnOnce(&mut CardSession) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        self.work_in(reader, work).map_err(|failure| self.diagnosed(reader, failure))
    }

    /// The options name this reader, or none.
    pub(crate) fn wants(&self, reader: &str) -> bool {
        match (&self.global.card, &self.global.reader) {
            (Some(card), _) => self.environment.reader_of(card) == reader,
            (None, Some(part)) => reader.contains(part.as_str()),
            (None, None) => true,
        }
    }

    fn work_in<T>(
        &self,
        reader: &str,
        work: impl FnOnce(&mut CardSession) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut session = self.open_card(reader).map_err(|error| self.explained(error))?;
        let result = work(&mut session);
        let closed = session.close();
        let value = result?;
        let ledger = closed?;
        if ledger.live_blocks > 0 {
            self.out.note(&format!(
                "note: the card module left {} memory blocks ({} bytes) behind",
                ledger.live_blocks, ledger.live_bytes
            ));
        }
        Ok(value)
    }

    fn open_card(&self, reader: &str) -> Result<CardSession, EnvironmentError> {
        let mut options = OpenOptions {
            management_key: self.management_key.clone(),
            on_wait: Some(tell_of_wait),
            ..OpenOptions::default()
        };
        if let Some(application) = self.global.application {
            options.card_name = CardApplication::from(application).card_name().to_owned();
        }
        self.environment.open_card(reader, options)
    }

    /// Why a card is not opened, with what is known of the application that was asked for.
    fn explained(&self, error: EnvironmentError) -> Failure {
        let unknown =
            matches!(&error, EnvironmentError::Card(Error::ModuleLoad(LoadError::UnknownCard { .. })));
        let failure = Failure::from(error);
        match self.global.application {
            Some(_) if unknown => {
                failure.hint("without --application the module chooses the application itself")
            }
            _ => failure,
        }
    }

    /// What is behind a failure of a virtual card: PC/SC passes a code on, the virtual reader knows more.
    pub(crate) fn diagnosed(&self, reader: &str, failure: Failure) -> Failure {
        const BARE: [&str; 9] = [
            "pcsc",
            "module-call",
            "interrupted",
            "module-load",
            "reader-busy",
            "removed",
            "no-card",
            "no-reader",
            "unknown-reader",
        ];
        let failure = match self.environment.card_of(reader) {
            Some(card) if failure.code == "no-card" && failure.hint.is_none() => {
                failure.hint(put_back(&card))
            }
            _ => failure,
        };
        let fault = self.environment.last_fault(reader).filter(|_| BARE.contains(&failure.code));
        // Of a reset or a removal the code says as much.
        fault.filter(|fault| fault.kind != FaultKind::Event).map_or(failure, Failure::from)
    }

    /// The readers, in the order the resource manager has them.
    pub(crate) fn readers(&self) -> Result<Vec<ReaderInfo>, Failure> {
        match self.environment.host.readers() {
            Ok(readers) => Ok(readers),
            Err(cardmod_host::Error::NoReader) => Ok(Vec::new()),
            // One card whose files cannot be used fails the whole list, and PC/SC names neither.
            Err(error) => Err(self.unusable_card().unwrap_or_else(|| error.into())),
        }
    }

    /// The reader to work on.
    pub(crate) fn choose(&self, without: WithoutCard) -> Result<String, Failure> {
        if let Some(reader) = self.seeking.reader() {
            return self.reader_of_container(reader);
        }
        if let Some(card) = &self.global.card {
            return self.reader_of_virtual(card);
        }
        let readers = self.readers()?;
        if let Some(wanted) = &self.global.reader {
            return named_reader(wanted, &names(&readers));
        }
        let mut present: Vec<&ReaderInfo> = readers.iter().filter(|reader| reader.present).collect();
        if present.len() > 1 {
            present.retain(|reader| !self.is_plugged(&reader.name));
        }
        match present.as_slice() {
            [one] => Ok(one.name.clone()),
            [] => match self.unusable_card() {
                Some(failure) => Err(failure),
                None if without == WithoutCard::CreateDefault => self.create_default(),
                None => Err(self.no_card(&readers)),
            },
            several => self.choose_among(several),
        }
    }

    /// The reader that a container's specification names, if no other option names another.
    fn reader_of_container(&self, wanted: &str) -> Result<String, Failure> {
        let readers = self.readers()?;
        let reader = named_reader(wanted, &names(&readers))?;
        if self.wants(&reader) {
            return Ok(reader);
        }
        let text = format!("--container names the reader {reader:?}, and --card or --reader another");
        Err(Failure::usage(text))
    }

    /// Of several cards the only one that has the container, or room for it.
    fn choose_among(&self, present: &[&ReaderInfo]) -> Result<String, Failure> {
        let readers: Vec<String> = present.iter().map(|reader| reader.name.clone()).collect();
        let open = |reader: &str| self.open_card(reader);
        let (search, what) = match &self.seeking {
            Seeking::Nothing => return Err(several_cards(self, present)),
            Seeking::Container(spec) => {
                let what = spec.container().map(|name| format!("container {name:?}"));
                let what = what.unwrap_or_else(|| "a default container".to_owned());
                (Search::container(&readers, spec.container(), open), what)
            }
            Seeking::Room(_, algorithm, half, imported) => {
                let search = Search::room(&readers, (*algorithm, *half), *imported, open);
                (search, format!("a new {algorithm} key"))
            }
        };
        match search.one(&what) {
            Ok(reader) => {
                self.out.note(&format!("note: the card in {reader:?} is taken, the only one that fits"));
                Ok(reader.to_owned())
            }
            Err(error) => {
                let failure = Failure::from(error);
                Err(match failure.code {
                    "several-cards" => {
                        let hint = several_cards(self, present).hint;
                        Failure { hint, ..failure }
                    }
                    _ => failure,
                })
            }
        }
    }

    /// Why a virtual card that is there shows nothing to PC/SC, such as a damaged image or missing rights.
    /// A new card in its stead would hide that.
    fn unusable_card(&self) -> Option<Failure> {
        let store = &self.environment.store;
        let opened = store
            .cards()
            .and_then(|cards| cards.iter().try_for_each(|card| store.open_card(&card.name).map(drop)));
        opened.err().map(Failure::from)
    }

    /// The virtual card of this reader is in pcscd, where it is seen a second time.
    fn is_plugged(&self, reader: &str) -> bool {
        let status = self.environment.card_of(reader).map(|card| self.environment.store.status(&card));
        status.and_then(Result::ok).is_some_and(|status| status.plugged)
    }

    fn reader_of_virtual(&self, card: &str) -> Result<String, Failure> {
        let cards = self.environment.store.cards()?;
        if cards.iter().any(|entry| entry.name == card) {
            return Ok(self.environment.reader_of(card));
        }
        let names: Vec<&str> = cards.iter().map(|entry| entry.name.as_str()).collect();
        let failure = Failure::new(Exit::NoCard, "no-card", format!("there is no virtual card {card:?}"));
        Err(failure.hint(if names.is_empty() {
            format!("cardmod card new {card} makes it")
        } else {
            format!("there are: {}; cardmod card new {card} makes it", names.join(", "))
        }))
    }

    fn no_card(&self, readers: &[ReaderInfo]) -> Failure {
        let failure = if readers.is_empty() {
            Failure::new(Exit::NoReader, "no-reader", "there is no reader and no virtual card")
        } else {
            let names = quoted(&names(readers));
            Failure::new(Exit::NoCard, "no-card", format!("no reader holds a card ({names})"))
        };
        match readers.iter().find_map(|reader| self.environment.card_of(&reader.name)) {
            Some(card) => failure.hint(put_back(&card)),
            None => failure.hint("cardmod card new NAME makes a virtual card"),
        }
    }

    fn create_default(&self) -> Result<String, Failure> {
        let shown = create_standard(&self.environment, DEFAULT_CARD)?;
        self.out.tell(&format!("no card was found: {shown}"));
        Ok(self.environment.reader_of(DEFAULT_CARD))
    }
}

/// Says on the terminal why nothing goes on.
fn tell_of_wait(reader: &str) {
    // Nobody may be looking.
    let _ = writeln!(std::io::stderr(), "waiting: another program uses the card in {reader:?}");
}

/// A reader by its whole name, or by a part that only one has.
fn named_reader(wanted: &str, known: &[&str]) -> Result<String, Failure> {
    if known.contains(&wanted) {
        return Ok(wanted.to_owned());
    }
    let matching: Vec<&str> = known.iter().copied().filter(|name| name.contains(wanted)).collect();
    if let [one] = matching.as_slice() {
        return Ok((*one).to_owned());
    }
    let what = if matching.is_empty() { "there is no reader" } else { "there are several readers" };
    let failure = Failure::new(Exit::NoReader, "unknown-reader", format!("{what} named {wanted:?}"));
    Err(if known.is_empty() { failure } else { failure.hint(format!("there are: {}", quoted(known))) })
}

/// What brings a virtual card back that was taken out of its reader.
fn put_back(card: &str) -> String {
    format!("cardmod card insert {card} puts the virtual card back into its reader")
}

fn several_cards(desk: &Desk, present: &[&ReaderInfo]) -> Failure {
    let choices: Vec<String> = present
        .iter()
        .map(|reader| match desk.environment.card_of(&reader.name) {
            Some(card) => format!("--card {card}"),
            None => format!("--reader {:?}", reader.name),
        })
        .collect();
    Failure::new(Exit::Usage, "several-cards", "there are several cards: name one").hint(choices.join(" or "))
}

fn names(readers: &[ReaderInfo]) -> Vec<&str> {
    readers.iter().map(|reader| reader.name.as_str()).collect()
}

fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reader_is_found_by_name_or_by_a_part_of_its_own() {
        let known = ["A 00 00", "AB 00 00"];
        assert_eq!(named_reader("A 00 00", &known).unwrap(), "A 00 00");
        assert_eq!(named_reader("AB", &known).unwrap(), "AB 00 00");
        assert_eq!(named_reader("A", &known).unwrap_err().exit, Exit::NoReader);
        assert_eq!(named_reader("C", &known).unwrap_err().exit, Exit::NoReader);
    }
}

//! The way to the PIV application of the card the options name, and what its refusals are called.

use cardmod_default::piv::edge::{PivCard, PivCommand, PivError};
use cardmod_default::piv::{PivConnection, PivFailure};

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::mapping::told;
use crate::output::Output;
use crate::session::{Desk, WithoutCard};

/// A PIV card in its reader.
pub(crate) struct PivDesk {
    desk: Desk,
    connection: PivConnection,
}

impl PivDesk {
    /// Connects to the card the global options name.
    pub(crate) fn open(global: &Global, out: Output) -> Result<Self, Failure> {
        Self::at(Desk::open(global, out)?)
    }

    /// Connects to the card this desk chooses.
    pub(crate) fn at(desk: Desk) -> Result<Self, Failure> {
        let reader = desk.choose(WithoutCard::Refuse)?;
        match desk.environment.piv(&reader) {
            Ok(connection) => Ok(Self { desk, connection }),
            Err(failure) => Err(desk.diagnosed(&reader, failure.into())),
        }
    }

    /// Works on the card within one transaction; asks nobody anything meanwhile.
    pub(crate) fn work<T>(
        &mut self,
        work: impl FnOnce(&mut PivCard<'_>) -> Result<T, PivError>,
    ) -> Result<T, Failure> {
        let outcome = self.connection.work(work);
        outcome.map_err(|failure| self.desk.diagnosed(self.connection.reader(), failure.into()))
    }

    /// Changes what is on the card, within one transaction. What every program remembers of it from run to run is
    /// given up before, so that nothing stale outlives a break in the middle.
    pub(crate) fn change<T>(
        &mut self,
        work: impl FnOnce(&mut PivCard<'_>) -> Result<T, PivError>,
    ) -> Result<T, Failure> {
        let outcome = self.connection.change(work);
        outcome.map_err(|failure| self.desk.diagnosed(self.connection.reader(), failure.into()))
    }

    /// The card's answer to reset.
    pub(crate) fn atr(&self) -> Vec<u8> {
        self.connection.atr().to_vec()
    }

    /// The reader.
    pub(crate) fn reader(&self) -> &str {
        self.connection.reader()
    }
}

impl From<PivFailure> for Failure {
    fn from(failure: PivFailure) -> Self {
        let text = told(&failure);
        match failure {
            PivFailure::Reader(error) => error.into(),
            PivFailure::NotPiv { .. } => {
                Self::new(Exit::NotSupported, "not-piv", text).hint("cardmod info shows what the card is")
            }
            PivFailure::Card { source, reader } => of_card(&source, &reader, text),
            _ => Self::failed("piv", text),
        }
    }
}

/// What became of a command, as the program tells it.
fn of_card(error: &PivError, reader: &str, text: String) -> Failure {
    let (exit, code) = classify(error);
    let tries = error.tries_left();
    let what = if is_puk(error) { "PUK" } else { "PIN" };
    let text = match (code, tries) {
        ("wrong-pin", Some(1)) => format!("the {what} is wrong; 1 try left (card in {reader:?})"),
        ("wrong-pin", Some(left)) => format!("the {what} is wrong; {left} tries left (card in {reader:?})"),
        ("wrong-pin", None) => format!("the {what} is wrong (card in {reader:?})"),
        ("pin-blocked", _) => format!("the {what} is blocked (card in {reader:?})"),
        _ => text,
    };
    let mut failure = Failure::new(exit, code, text);
    failure.tries_left = if code == "pin-blocked" { Some(0) } else { tries.map(u32::from) };
    failure.hint = hint(error, code).map(str::to_owned);
    failure
}

/// Whether it was the PUK that the card was asked to look at.
const fn is_puk(error: &PivError) -> bool {
    matches!(error, PivError::Status { command: PivCommand::ResetRetryCounter, .. })
}

fn classify(error: &PivError) -> (Exit, &'static str) {
    /// AUTHENTICATION METHOD BLOCKED.
    const BLOCKED: u16 = 0x6983;
    match error {
        PivError::WrongManagementKey | PivError::OtherManagementAlgorithm(_) => {
            (Exit::WrongPin, "wrong-management-key")
        }
        PivError::CardNotAuthentic => (Exit::Failed, "card-not-authentic"),
        PivError::PinFormat { .. } => (Exit::Usage, "bad-pin"),
        PivError::InvalidInput(_) => (Exit::Usage, "bad-input"),
        PivError::NoKey(_) => (Exit::Failed, "no-key"),
        PivError::Occupied(_) => (Exit::Failed, "occupied"),
        PivError::NotBlocked => (Exit::Failed, "not-blocked"),
        PivError::Full(_) => (Exit::Failed, "card-full"),
        PivError::Unsupported(_) => (Exit::NotSupported, "not-supported"),
        PivError::Malformed(_) => (Exit::Failed, "bad-card-data"),
        PivError::NoRandomness => (Exit::Failed, "no-randomness"),
        _ if error.status().is_some_and(|status| status.get() == BLOCKED) => {
            (Exit::PinBlocked, "pin-blocked")
        }
        _ if error.is_wrong_secret() && error.tries_left() == Some(0) => (Exit::PinBlocked, "pin-blocked"),
        _ if error.is_wrong_secret() => (Exit::WrongPin, "wrong-pin"),
        _ if error.is_access_denied() => (Exit::Failed, "not-authenticated"),
        _ => (Exit::Failed, "card-refused"),
    }
}

fn hint(error: &PivError, code: &str) -> Option<&'static str> {
    Some(match error {
        PivError::WrongManagementKey => "cardmod piv status shows what kind of management key the card has",
        PivError::OtherManagementAlgorithm(_) => "give the key that was set on this card",
        PivError::NoKey(_) => "cardmod piv status shows which places have keys",
        PivError::Occupied(_) => "choose a free place, or delete the key: cardmod piv delete-key PLACE",
        PivError::Full(_) => "a certificate less, or a shorter one, makes room",
        _ if code == "pin-blocked" => "cardmod pin unblock sets a new PIN with the PUK",
        _ => return None,
    })
}

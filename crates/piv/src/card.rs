//! One card for the time of a call: selection, the way of commands, and refusals of extended length.

use cardmod_iso7816::{
    CardChannel, Command, ExchangeError, Le, Limits, Response, Session, StatusWord, TransportError,
};
use zeroize::Zeroizing;

use crate::application::{AID, Application};
use crate::error::refused;
use crate::state::{PivState, Selection};
use crate::{PivCommand, PivError};

/// The operations on a PIV card, over a borrowed state and channel.
pub struct PivCard<'a> {
    pub(crate) state: &'a mut PivState,
    pub(crate) channel: &'a mut dyn CardChannel,
}

/// How much of an answer is fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// All of it.
    Whole,
    /// What comes first; the rest stays on the card, which drops it at the next command.
    Head,
}

/// The channel, without extended length where the card turned out to refuse it.
struct Shortened<'a> {
    channel: &'a mut dyn CardChannel,
    short: bool,
}

impl CardChannel for Shortened<'_> {
    fn transmit(&mut self, command: &[u8]) -> Result<Zeroizing<Vec<u8>>, TransportError> {
        self.channel.transmit(command)
    }

    fn limits(&self) -> Limits {
        let limits = self.channel.limits();
        Limits { extended_length: limits.extended_length && !self.short, ..limits }
    }
}

impl<'a> PivCard<'a> {
    pub(crate) fn new(state: &'a mut PivState, channel: &'a mut dyn CardChannel) -> Self {
        Self { state, channel }
    }

    /// What is known of the card.
    #[must_use]
    pub fn state(&self) -> &PivState {
        self.state
    }

    /// Selects the application by its 9-byte AID.
    ///
    /// The standard says that a card keeps the security status; some lose it, and this state takes it as
    /// lost.
    ///
    /// # Errors
    ///
    /// [`PivError::Status`] for SELECT: any refusal is a card without PIV.
    pub fn select(&mut self) -> Result<Application, PivError> {
        self.state.selection = Selection::Unknown;
        self.state.drop_rights();
        let command = Command::new(0x00, 0xA4, 0x04, 0x00).data(&AID).le(Le::Short);
        let response = self.send_head(&command)?;
        if !response.status.is_ok() && response.status.more_data().is_none() {
            return Err(refused(PivCommand::Select, response.status));
        }
        let application = Application::parse(&response.data);
        self.state.selection = Selection::Certain;
        self.state.application = Some(application.clone());
        Ok(application)
    }

    /// What the card says about its application; selects it when it was not yet selected.
    ///
    /// # Errors
    ///
    /// As [`select`](Self::select).
    pub fn application(&mut self) -> Result<Application, PivError> {
        match &self.state.application {
            Some(application) => Ok(application.clone()),
            None => self.select(),
        }
    }

    /// Selects the application unless it certainly is: before everything that must not reach another
    /// application, such as a PIN or a write.
    pub(crate) fn require_selected(&mut self) -> Result<(), PivError> {
        if self.state.selection != Selection::Certain {
            self.select()?;
        }
        Ok(())
    }

    /// One command to the application, which must certainly be selected, and must succeed. When another
    /// application answers all the same, PIV is selected again and the command repeated once: then the
    /// refusal, if one follows, is about the right that was lost.
    ///
    /// Not for commands a PIV card may lack: there the same answers mean something else.
    pub(crate) fn command(
        &mut self,
        name: PivCommand,
        command: &Command,
    ) -> Result<Zeroizing<Vec<u8>>, PivError> {
        self.require_selected()?;
        let mut response = self.send(command)?;
        if is_foreign(response.status) {
            self.state.interrupted();
            self.select()?;
            response = self.send(command)?;
        }
        response.ok().map_err(|status| refused(name, status))
    }

    /// One command whose answer shows whether PIV is selected: sent at once when that is believed, repeated
    /// after a SELECT when the answer speaks against it.
    pub(crate) fn probe(
        &mut self,
        command: &Command,
        head: bool,
        plausible: impl Fn(&Response) -> bool,
    ) -> Result<Response, PivError> {
        let extent = if head { Extent::Head } else { Extent::Whole };
        let belief = self.state.selection;
        if belief == Selection::Unknown {
            self.select()?;
        }
        let response = self.carry(command, extent, false)?;
        let again = match belief {
            Selection::Unknown => false,
            Selection::Believed => !plausible(&response),
            Selection::Certain => is_foreign(response.status),
        };
        if again {
            self.state.interrupted();
            self.select()?;
            return self.carry(command, extent, false);
        }
        Ok(response)
    }

    /// Whether it is still to be found out if the card takes extended length, as the way to it does.
    #[must_use]
    pub fn is_extended_length_open(&self) -> bool {
        let facts = &self.state.facts;
        self.channel.limits().extended_length && !facts.extended_refused && !facts.extended_proven
    }

    /// One command and its whole answer, whatever the selection. A transport failure takes all belief away.
    pub(crate) fn send(&mut self, command: &Command) -> Result<Response, PivError> {
        self.carry(command, Extent::Whole, false)
    }

    /// As [`send`](Self::send), in extended length only where the card is known to take it.
    pub(crate) fn send_proven(&mut self, command: &Command) -> Result<Response, PivError> {
        self.carry(command, Extent::Whole, !self.state.facts.extended_proven)
    }

    /// One command and the head of its answer.
    pub(crate) fn send_head(&mut self, command: &Command) -> Result<Response, PivError> {
        self.carry(command, Extent::Head, false)
    }

    fn carry(&mut self, command: &Command, extent: Extent, short: bool) -> Result<Response, PivError> {
        self.state.just_verified = false;
        let short = short || self.state.facts.extended_refused;
        let extended = self.session(short).sends_extended(command);
        let mut outcome = self.exchange(command, extent, short);
        if extended {
            match &outcome {
                Ok(response) if self.speaks_against_length(response.status) => {
                    let short = self.exchange(command, extent, true);
                    // The length was not to blame where the short form is refused alike.
                    self.state.facts.extended_refused =
                        short.as_ref().is_ok_and(|again| again.status != response.status);
                    outcome = short;
                }
                Ok(_) => self.state.facts.extended_proven = true,
                Err(error) => self.blame_length(*error),
            }
        }
        outcome.map_err(|error| {
            // An answer given up halfway says nothing about the card's state; the next command ends it.
            if error != ExchangeError::EndlessResponse {
                self.state.connection_lost();
            }
            PivError::Exchange(error)
        })
    }

    fn exchange(
        &mut self,
        command: &Command,
        extent: Extent,
        short: bool,
    ) -> Result<Response, ExchangeError> {
        let mut session = self.session(short);
        match extent {
            Extent::Whole => session.send(command),
            Extent::Head => session.send_head(command),
        }
    }

    fn session(&mut self, short: bool) -> Session<Shortened<'_>> {
        Session::new(Shortened { channel: &mut *self.channel, short })
    }

    /// Answers of cards that do not take extended length. After one was taken the length is not to blame
    /// for the two that also mean something else.
    fn speaks_against_length(&self, status: StatusWord) -> bool {
        status == StatusWord::WRONG_LENGTH || !self.state.facts.extended_proven && is_foreign(status)
    }

    /// Readers exist that give up on a length they do not know. Where the first extended command fails like
    /// that, the next ones are short.
    fn blame_length(&mut self, error: ExchangeError) {
        /// `SCARD_E_INVALID_PARAMETER`, `SCARD_E_INSUFFICIENT_BUFFER`, `SCARD_E_NOT_TRANSACTED`,
        /// `SCARD_F_COMM_ERROR`.
        const CODES: [u32; 4] = [0x8010_0004, 0x8010_0008, 0x8010_0016, 0x8010_002F];
        let code = error.transport().map(|error| error.code);
        if !self.state.facts.extended_proven && code.is_some_and(|code| CODES.contains(&code)) {
            self.state.facts.extended_refused = true;
        }
    }
}

/// Status words that another application, or none, answers to PIV's commands (`6986`: no application).
pub(crate) const fn is_foreign(status: StatusWord) -> bool {
    matches!(
        status,
        StatusWord::INSTRUCTION_NOT_SUPPORTED | StatusWord::CLASS_NOT_SUPPORTED | StatusWord::NO_CURRENT_EF
    )
}

//! From a command to the application that answers it.

use cardmod_iso7816::{CommandRef, StatusWord};
use zeroize::Zeroizing;

use super::Card;
use super::context::{Answer, Context, Ports, Reply, Request, Stop};
use super::exchange;
use crate::model::application::{Application, Part};
use crate::model::{gids, piv};

/// An application as the frame sees it.
pub(super) trait Applet: Part {
    /// Whether SELECT with this name, whole or cut at the right, means the application.
    fn is_named(name: &[u8]) -> bool;

    /// What answers `command`, or why nothing does. Only SELECT and what belongs to the card as a whole
    /// runs while the application is not selected.
    fn find(
        &self,
        command: &CommandRef<'_>,
        selected: bool,
    ) -> Result<&'static dyn Command<Self>, StatusWord>;

    /// A command, or one part of it, arrived while the application is selected, whatever will become of
    /// it; `None` for bytes that are no command.
    fn arrived(_volatile: &mut Self::Volatile, _command: Option<&CommandRef<'_>>) {}

    /// How many bytes of data an answer may have.
    fn expected(&self, command: &CommandRef<'_>) -> usize {
        command.le.unwrap_or(0)
    }
}

/// One command of an application, in one form.
pub(super) trait Command<A: Part>: Sync {
    /// Whether it may come in several parts.
    fn chaining(&self) -> bool;

    /// Whether a part, not yet the last one, is taken at all.
    fn check_part(&self, _context: &Context<'_, A>) -> Result<(), StatusWord> {
        Ok(())
    }

    /// Whether it may run, as far as the frame can tell: its data is there as it must be, and what it
    /// needs was proved.
    fn check(&self, context: &Context<'_, A>, data: &[u8]) -> Result<(), StatusWord>;

    /// Runs it.
    fn run(&self, context: &mut Context<'_, A>, request: &Request<'_>) -> Answer;
}

impl Card {
    /// Hands a command to the application it is for and cuts the answer to the expected length.
    pub(super) fn dispatch(
        &mut self,
        ports: &mut dyn Ports,
        command: &CommandRef<'_>,
    ) -> Result<(Zeroizing<Vec<u8>>, StatusWord), Stop> {
        match self.addressed(command) {
            Some(Application::Gids) => self.answer_as::<gids::Persistent>(ports, command),
            Some(Application::Piv) => self.answer_as::<piv::Persistent>(ports, command),
            None => Err(StatusWord::INSTRUCTION_NOT_SUPPORTED.into()),
        }
    }

    /// Tells the selected application what arrived.
    pub(super) fn arrived(&mut self, command: Option<&CommandRef<'_>>) {
        match self.volatile.selected {
            Some(Application::Gids) => gids::Persistent::arrived(&mut self.volatile.gids, command),
            Some(Application::Piv) => piv::Persistent::arrived(&mut self.volatile.piv, command),
            None => {}
        }
    }

    /// The application that SELECT names, else the selected one, else the first one on the card.
    fn addressed(&self, command: &CommandRef<'_>) -> Option<Application> {
        let on_card = [
            self.persistent.gids.as_ref().map(|_| Application::Gids),
            self.persistent.piv.as_ref().map(|_| Application::Piv),
        ];
        let mut on_card = on_card.into_iter().flatten();
        let first = on_card.clone().next();
        let named = |application: &Application| match application {
            Application::Gids => gids::Persistent::is_named(command.data),
            Application::Piv => piv::Persistent::is_named(command.data),
        };
        let by_name = command.ins == 0xA4 && command.p1 == 0x04 && !command.data.is_empty();
        let meant = if by_name { on_card.find(named) } else { None };
        meant.or(self.volatile.selected).or(first)
    }

    fn answer_as<A: Applet>(
        &mut self,
        ports: &mut dyn Ports,
        command: &CommandRef<'_>,
    ) -> Result<(Zeroizing<Vec<u8>>, StatusWord), Stop> {
        let selected = self.volatile.selected == Some(A::APPLICATION);
        let (persistent, beside) =
            A::split(&mut self.persistent).ok_or(StatusWord::INSTRUCTION_NOT_SUPPORTED)?;
        let volatile = A::volatile(&mut self.volatile);
        let options = beside.options;
        let prepared = &mut self.prepared;
        let mut context = Context { options, persistent, beside, volatile, selected, prepared, ports };
        let row = context.persistent.find(command, selected)?;
        if command.is_chained() {
            row.check_part(&context)?;
        }
        let whole = exchange::collect(&mut self.exchange, command, row.chaining(), options.behaviour)?;
        let Some(whole) = whole else { return Ok((Zeroizing::default(), StatusWord::OK)) };
        let data = whole.as_ref().map_or(command.data, |chained| chained.as_slice());
        row.check(&context, data)?;
        let Reply { data, status } =
            row.run(&mut context, &Request { p1: command.p1, p2: command.p2, data })?;
        let expected = context.persistent.expected(command);
        if context.selected {
            self.volatile.select(A::APPLICATION);
        }
        Ok(exchange::cut(&mut self.exchange, data, status, expected))
    }
}

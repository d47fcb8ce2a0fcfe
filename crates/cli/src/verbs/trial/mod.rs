//! `cardmod try`: the whole road once, on a fresh virtual card that is thrown away afterwards.

mod board;
mod road;
mod seal;

use clap::Args;

use crate::args::Global;
use crate::exit::Exit;
use crate::failure::Failure;
use crate::output::Output;

use self::board::Board;

/// `try`.
#[derive(Args, Debug)]
pub(crate) struct TryArgs {}

/// Runs the verb. Whatever goes wrong, the run has failed: exit code 1.
pub(crate) fn run(_args: &TryArgs, global: &Global, out: Output) -> Result<(), Failure> {
    if global.card.is_some() || global.reader.is_some() {
        return Err(Failure::usage("try makes its own card: --card and --reader do not go with it"));
    }
    let mut board = Board::new(out);
    match road::travel(&mut board, global, out) {
        Ok(ledger) => board.finish(&ledger),
        Err(mut failure) => {
            board.broken_off()?;
            failure.exit = Exit::Failed;
            Err(failure)
        }
    }
}

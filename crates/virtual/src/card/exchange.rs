//! Command chaining and GET RESPONSE (GIDS 2.0, "Case 1" to "Case 3"; ISO 7816-4, 5.3.3 and 5.3.4).

use cardmod_iso7816::{CommandRef, StatusWord};
use zeroize::Zeroizing;

use crate::model::volatile::{Chain, Exchange};
use crate::options::Behaviour;

/// The most data the parts of one command may carry, as much as one extended command.
const MAX_CHAIN: usize = 65_535;

/// GET RESPONSE belongs to the exchange, not to the application: it is answered before dispatch.
pub(super) fn is_get_response(command: &CommandRef<'_>) -> bool {
    command.ins == 0xC0
}

/// Hands out what waits.
pub(super) fn get_response(
    exchange: &mut Exchange,
    command: &CommandRef<'_>,
) -> Result<(Zeroizing<Vec<u8>>, StatusWord), StatusWord> {
    exchange.chain = None;
    if command.p1p2() != 0 {
        return Err(StatusWord::INCORRECT_P1_P2);
    }
    if command.is_chained() || !command.data.is_empty() {
        return Err(StatusWord::WRONG_LENGTH);
    }
    let waiting = exchange.pending.len();
    if waiting == 0 {
        return Err(StatusWord::CONDITIONS_NOT_SATISFIED);
    }
    match (command.le, u8::try_from(waiting)) {
        // An exact Le that is too long is corrected and nothing is lost; "all there is" never is.
        (Some(le), Ok(right)) if le > waiting && le < 256 => Err(StatusWord::wrong_le(right)),
        _ => {
            let data = std::mem::take(&mut exchange.pending);
            Ok(cut(exchange, data, StatusWord::OK, command.le.unwrap_or(0)))
        }
    }
}

/// Gives at most `now` bytes, what the host expects, and keeps the rest for GET RESPONSE.
pub(super) fn cut(
    exchange: &mut Exchange,
    mut data: Zeroizing<Vec<u8>>,
    status: StatusWord,
    now: usize,
) -> (Zeroizing<Vec<u8>>, StatusWord) {
    if data.len() <= now {
        return (data, status);
    }
    exchange.pending = Zeroizing::new(data[now..].to_vec());
    zeroize::Zeroize::zeroize(&mut data[now..]);
    data.truncate(now);
    let waiting = exchange.pending.len();
    (data, StatusWord::more(waiting))
}

/// Takes one part of a command. `None` while more parts follow; otherwise the collected data, or
/// `Some(None)` for a command that came in one piece.
#[expect(clippy::option_option, reason = "not yet complete, complete as it is, and collected")]
pub(super) fn collect(
    exchange: &mut Exchange,
    command: &CommandRef<'_>,
    chaining: bool,
    behaviour: Behaviour,
) -> Result<Option<Option<Zeroizing<Vec<u8>>>>, StatusWord> {
    let header = [command.ins, command.p1, command.p2];
    let before = match exchange.chain.take() {
        Some(chain) if chain.header == header => Some(chain.data),
        // A foreign command cancels the chain; the applet punishes it as well.
        Some(_) if behaviour == Behaviour::Applet => return Err(StatusWord::COMMAND_NOT_ALLOWED),
        _ => None,
    };
    if command.is_chained() && !chaining {
        return Err(StatusWord::CHAINING_NOT_SUPPORTED);
    }
    if before.is_none() && !command.is_chained() {
        return Ok(Some(None));
    }
    let before = before.unwrap_or_default();
    if before.len() + command.data.len() > MAX_CHAIN {
        return Err(StatusWord::WRONG_LENGTH);
    }
    let mut data = Zeroizing::new(Vec::with_capacity(before.len() + command.data.len()));
    data.extend_from_slice(&before);
    data.extend_from_slice(command.data);
    if command.is_chained() {
        exchange.chain = Some(Chain { header, data });
        return Ok(None);
    }
    Ok(Some(Some(data)))
}

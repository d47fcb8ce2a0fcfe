//! Plugs a virtual card into pcscd by way of vsmartcard's vpcd driver, for programs that insist on the
//! system's own resource manager.
//!
//! The driver listens on TCP port 35963. Each message is a length of two bytes (big-endian) and as many bytes:
//! one byte from the driver is a request to the reader (0 power off, 1 power on, 2 reset, 4 get ATR), more is
//! a command APDU. ATR and responses go back in the same form; the other requests have no answer.
//! Source: vsmartcard, virtualsmartcard/src/vpcd, and observation.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cardmod_pcsc::SCARD_F_COMM_ERROR;
use cardmod_virtual::{CardFault, Reset, Share, VirtualCard};
use zeroize::{Zeroize, Zeroizing};

use crate::equipment::Equipment;
use crate::log::{ApduLog, Trace};
use crate::registry;
use crate::t0::T0;

/// Where vpcd listens.
pub const VPCD_ADDRESS: &str = "127.0.0.1:35963";

/// The status word for a length that does not fit.
const WRONG_LENGTH: [u8; 2] = [0x67, 0x00];

/// How often a wait for the driver looks whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Why a card is no longer plugged in.
#[derive(Debug, thiserror::Error)]
pub enum PlugError {
    /// Nobody listens at the address.
    #[error("cannot reach vpcd at {address}; is pcscd running with vsmartcard's vpcd driver")]
    Connect {
        /// The address.
        address: String,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The connection broke.
    #[error("the connection to vpcd broke")]
    Broken(#[from] io::Error),
    /// The card failed.
    #[error("the virtual card failed")]
    Card(#[from] CardFault),
}

/// What the driver asks for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    PowerOff,
    PowerOn,
    Reset,
    Atr,
    Command,
    Unknown,
}

impl Request {
    fn of(message: &[u8]) -> Self {
        match message {
            [0] => Self::PowerOff,
            [1] => Self::PowerOn,
            [2] => Self::Reset,
            [4] => Self::Atr,
            [] | [_] => Self::Unknown,
            _ => Self::Command,
        }
    }
}

/// Serves the card to the driver at `address` until `stop` is set or the driver ends the connection.
///
/// The card is marked as plugged in: other programs' direct use of it is refused meanwhile. `on_ready` is
/// called once, when the driver has asked for the ATR and so knows the card.
///
/// # Errors
/// [`PlugError`]; that the driver ends the connection in an orderly way is none.
pub fn plug(
    mut card: VirtualCard,
    address: &str,
    stop: &AtomicBool,
    on_ready: impl FnOnce(),
) -> Result<(), PlugError> {
    let failed = |source| PlugError::Connect { address: address.to_owned(), source };
    let place = address.to_socket_addrs().map_err(failed)?.next();
    let place = place.ok_or_else(|| failed(io::Error::from(io::ErrorKind::AddrNotAvailable)))?;
    card.claim(Share::Plugged)?;
    let stream = TcpStream::connect(place).map_err(failed)?;
    let mut link = Link::new(stream)?;
    let equipment = Equipment::from_environment();
    let mut t0 = equipment.t0.then(T0::default);
    let mut on_ready = Some(on_ready);
    let log = registry::current().ok();
    let trace = log.as_ref().map(|registry| registry.log.connection(address));
    while let Some(message) = link.receive(stop)? {
        match Request::of(&message) {
            Request::PowerOff | Request::PowerOn => power(&mut card, &mut t0, Reset::Cold)?,
            Request::Reset => power(&mut card, &mut t0, Reset::Warm)?,
            Request::Atr => {
                link.send(&equipment.atr(card.atr()))?;
                if let Some(ready) = on_ready.take() {
                    ready();
                }
            }
            // The driver has no words of its own for what a reader does not carry.
            Request::Command if !equipment.carries(&message) => link.send(&WRONG_LENGTH)?,
            Request::Command => {
                let mut transmit = || match &mut t0 {
                    Some(t0) => t0.transmit(&message, |command| card.transmit(command)),
                    None => card.transmit(&message),
                };
                let answer = match log.as_ref().zip(trace.as_ref()) {
                    Some((registry, trace)) => logged(&registry.log, trace, &message, transmit)?,
                    None => transmit()?,
                };
                link.send(carried(&answer))?;
            }
            Request::Unknown => {}
        }
    }
    Ok(())
}

/// Carries a command out and logs it, whichever program it came from.
fn logged(
    log: &ApduLog,
    trace: &Trace,
    command: &[u8],
    transmit: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, CardFault>,
) -> Result<Zeroizing<Vec<u8>>, CardFault> {
    let mut fault = None;
    let answer = log.exchange(trace, command, || {
        transmit().map_err(|why| {
            fault = Some(why);
            SCARD_F_COMM_ERROR
        })
    });
    match fault {
        Some(fault) => Err(fault),
        None => Ok(answer.unwrap_or_default()),
    }
}

/// A reset of either kind. What the card held back is gone.
fn power(card: &mut VirtualCard, t0: &mut Option<T0>, reset: Reset) -> Result<(), CardFault> {
    *t0 = t0.take().map(|_| T0::default());
    card.reset(reset)
}

/// What of a response the driver can carry: its lengths have two bytes, an extended response may have two bytes
/// more. One that is too long is answered as a wrong Le, so that the caller asks for less; the card stays in.
fn carried(response: &[u8]) -> &[u8] {
    if response.len() > usize::from(u16::MAX) { &WRONG_LENGTH } else { response }
}

/// The connection to the driver, in messages.
struct Link {
    stream: TcpStream,
}

impl Link {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(LOOK_EVERY))?;
        Ok(Self { stream })
    }

    /// The next message, or `None` at the end of the connection or when told to stop.
    fn receive(&mut self, stop: &AtomicBool) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
        let mut length = [0; 2];
        if !self.fill(&mut length, stop)? {
            return Ok(None);
        }
        let mut message = Zeroizing::new(vec![0; usize::from(u16::from_be_bytes(length))]);
        Ok(self.fill(&mut message, stop)?.then_some(message))
    }

    fn fill(&mut self, buffer: &mut [u8], stop: &AtomicBool) -> io::Result<bool> {
        let mut filled = 0;
        while filled < buffer.len() {
            if stop.load(Ordering::Relaxed) {
                return Ok(false);
            }
            acknowledge_at_once(&self.stream)?;
            match self.stream.read(&mut buffer[filled..]) {
                Ok(0) => return Ok(false),
                Ok(count) => filled += count,
                Err(error) if is_wait(error.kind()) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Length and bytes in one write: two would meet the other side's delayed acknowledgement.
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        let length = u16::try_from(message.len()).map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        let mut whole = Vec::with_capacity(2 + message.len());
        whole.extend(length.to_be_bytes());
        whole.extend(message);
        let result = self.stream.write_all(&whole);
        whole.zeroize();
        result
    }
}

fn is_wait(kind: io::ErrorKind) -> bool {
    matches!(kind, io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted)
}

/// The driver writes length and bytes apart and does not set TCP_NODELAY: its second write waits for our
/// acknowledgement, which the system would hold back for 40 ms. The option does not stay set.
#[cfg(target_os = "linux")]
fn acknowledge_at_once(stream: &TcpStream) -> io::Result<()> {
    std::os::linux::net::TcpStreamExt::set_quickack(stream, true)
}

#[cfg(not(target_os = "linux"))]
fn acknowledge_at_once(_stream: &TcpStream) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_response_is_carried_and_a_longer_one_asked_for_in_parts() {
        assert_eq!(carried(&[7; 0xFFFF]).len(), 0xFFFF);
        assert_eq!(carried(&[7; 0x1_0002]), [0x67, 0x00]);
    }
}

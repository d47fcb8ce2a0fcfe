//! A connection's handle: to a virtual reader, or to a real one.

use crate::connection::Connection;
use crate::log::Trace;

pub(crate) struct Handle {
    pub(crate) id: u32,
    /// The context it was made in.
    pub(crate) context: u32,
    pub(crate) kind: Kind,
}

pub(crate) enum Kind {
    Virtual(Box<Connection>),
    Real { card: cardmod_pcsc::Card, trace: Trace },
}

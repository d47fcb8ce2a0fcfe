//! Programs that others wrote, on virtual cards without a daemon and without root: each finds cardmod's
//! library where it looks for pcsc-lite's, under the environment that `cardmod card env` prints.
#![forbid(unsafe_code)]

mod both_ways;
mod environment;
mod keys;
mod opensc;
mod pcsc_crate;
mod python;
mod ykman;
mod ykman_piv;

//! OpenSC and `cardmod` on one card, through pcscd and vsmartcard's vpcd.
#![forbid(unsafe_code)]

mod both_ways;
mod watched;
mod written_by_cardmod;
mod written_by_opensc;

//! PIV through pcscd and vsmartcard's vpcd: programs that others wrote on virtual PIV cards, `cardmod` on a card
//! that others wrote, and both in turn on one card.
#![forbid(unsafe_code)]

mod administration;
mod both_ways;
mod desk;
mod firmware;
mod opensc;
mod pkcs11;
mod plugged_log;
mod ssh;
mod two_readers;
mod ykcs11;
mod ykman;
mod yubico;

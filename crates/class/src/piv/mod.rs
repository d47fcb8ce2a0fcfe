//! PIV cards (SP 800-73) and their relatives among tokens: `cardmod-piv` behind the traits of the SDK.
//!
//! A PIV card knows nothing of containers, files and counters; all of them are made of its slots here. Where
//! the management key is to be had the card is read and write, else read-only as the specification describes
//! it (section 7.4).

mod answer;
mod creation;
mod files;
mod kept;
mod key_file;
mod keypad;
mod keys;
mod management;
mod module;
mod pins;
mod places;
mod proof;
mod properties;
mod stored;
mod view;

pub use module::PivModule;

//! The PIV card edge: what a card of FIPS 201 (SP 800-73) and its relatives among tokens understand, as
//! typed calls, and the card's data model.
//!
//! Who calls it: the class module, and any program that wants a PIV card without the C interface above.
//! A [`PivState`] lives as long as the caller's connection; [`PivState::on`] lends it a channel for a
//! while, and the resulting [`PivCard`] has the operations.
//!
//! Invariants:
//! - no unsafe code, no I/O but through the caller's `CardChannel`, no knowledge of `CARD_DATA`;
//! - what is believed about the card (application selected, roles verified) is kept in one place,
//!   [`PivState`], and dropped by [`PivState::connection_lost`] and by every transport failure;
//! - a PIN is never sent before this state has seen its own SELECT, or the read of a PIV data object,
//!   succeed since the last break: GIDS cards take the same VERIFY;
//! - nothing is sent between VERIFY and the use of a key by this crate's own accord;
//! - a card's abilities are found out by trying, never inferred from a version number;
//! - PIV has no change counter: content that another program may have replaced is a hint, is called so,
//!   and is used only after the card's CHUID was found to be the same; private content is never kept;
//! - what a card answers is parsed, never trusted.
//!
//! ```
//! use cardmod_iso7816::CardChannel;
//! use cardmod_piv::{KeyAlgorithm, PinReference, PivError, PivState, Slot};
//! use cardmod_types::Pin;
//!
//! /// Signs a SHA-256 hash with the P-256 key in 9A: three commands on a card just inserted.
//! fn sign(card: &mut dyn CardChannel, pin: &Pin, hash: &[u8; 32]) -> Result<Vec<u8>, PivError> {
//!     let mut state = PivState::new();
//!     let mut piv = state.on(card);
//!     piv.verify_pin(PinReference::User, pin)?;
//!     let signature = piv.sign(Slot::Authentication, KeyAlgorithm::P256, hash)?;
//!     piv.log_out()?;
//!     Ok(signature)
//! }
//! ```
//!
//! Sources: NIST SP 800-73-4 and -5 (cited as SP 800-73) and SP 800-78-5; the published documentation of
//! the vendors' extensions.
#![forbid(unsafe_code)]

mod admin;
mod admin_data;
mod algorithm;
mod application;
mod card;
mod containers;
mod content;
mod enrolling;
mod error;
mod history;
mod identity;
mod issue;
mod keypad;
mod keys;
mod making;
mod management;
mod map;
mod map_record;
mod metadata;
mod names;
mod objects;
mod pins;
mod policies;
mod protect;
mod public;
mod reading;
mod reference;
mod reset;
mod slot;
mod slot_key;
mod slots;
mod state;
mod stored_map;
mod tag;
mod vendor;
mod writing;

pub use admin::ManagementChallenge;
pub use admin_data::AdminData;
pub use algorithm::KeyAlgorithm;
pub use application::{AID, Application};
pub use card::PivCard;
pub use containers::Together;
pub use enrolling::{Enrolled, KeyOf};
pub use error::{PivCommand, PivError};
pub use issue::Identity;
pub use making::{ImportKey, Occupancy};
pub use management::{ManagementAlgorithm, ManagementKey, UnknownManagementAlgorithm};
pub use map::SlotMap;
pub use map_record::MapRecord;
pub use metadata::{KeyOrigin, Metadata, Tries};
pub use names::{Evidence, NameRule, NameSource, UnknownNameRule, container_name, container_names, own_name};
pub use objects::ccc::CardCapabilities;
pub use objects::certificate::{Certificate, CertificateEncoding};
pub use objects::chuid::Chuid;
pub use objects::discovery::Discovery;
pub use objects::fascn::FascN;
pub use objects::history::KeyHistory;
pub use objects::placeholder::placeholder;
pub use objects::printed::PrintedInformation;
pub use objects::security::SecurityObject;
pub use pins::{PinReference, PinState};
pub use policies::{PinPolicy, Policies, TouchPolicy, UnknownPolicy};
pub use reference::KeyReference;
pub use slot::{RetiredNumber, Slot, UnknownSlot};
pub use slot_key::SlotKey;
pub use slots::{SlotContent, SlotView};
pub use state::{PivState, VerifiedRoles};
pub use stored_map::StoredMap;
pub use tag::ObjectTag;
pub use vendor::{AlgorithmExtension, FirmwareVersion};
pub use writing::{CertificateForm, Initialised};

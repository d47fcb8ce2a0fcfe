//! What Windows calls the Base CSP and the key storage provider: one card, used by container name.

mod authentication;
mod cache;
mod card;
mod certificates;
mod containers;
mod create;
mod describe;
mod dialogue;
mod files;
mod kdf_parameters;
mod keep_alive;
mod keys;
mod management;
mod operation;
mod pin_cache;
mod pin_source;
mod pins;
mod places;
mod policy;
mod properties;
mod rebuild;
mod recovery;
mod request;
mod roots;
mod session;
mod specification;
mod timer;
mod transaction;

pub use cache::CacheRecord;
pub(crate) use cache::forget_hints;
pub use card::{Card, CardGuard, CardHold};
pub(crate) use dialogue::{MOST_QUESTIONS, accepted};
pub(crate) use keys::Wanted;
pub use management::{ManagementAlgorithm, ManagementKey};
pub use pin_cache::{LockedSecret, Moment, NotLocked, PinCache, PinClock};
pub use pin_source::{FixedPin, NoPin, PinPlace, PinRequest, PinSource, PinSourceError};
pub use places::usual_half;
pub use policy::Policy;
pub use properties::{Property, PropertyValue, Selector};
pub use rebuild::{RebuildAction, RebuildEntry, RebuildPlan};
pub use request::{
    AdminAuthority, CardDescription, Container, ContainerKey, DecryptRequest, DeriveRequest, FileAuthority,
    KeyAlgorithm, KeyInfo, KeySource, NewContainer, PinStatus, Responder, SignRequest, UnblockWith,
    UnknownKeyAlgorithm,
};
pub use session::CardSession;
pub(crate) use session::HostParts;
pub(crate) use session::connect_patiently;
pub use specification::{BadContainerSpec, ContainerSpec};
pub(crate) use timer::Timer;
pub use transaction::{HOLD_LIMIT, Held};

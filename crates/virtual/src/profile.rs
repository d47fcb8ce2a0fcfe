//! Profiles: what [`crate::Store`] puts on a new card.

mod gids;
mod piv;

pub use gids::{ADMIN_KEY_LEN, BlankProfile, GidsProfile};
pub use piv::{DEFAULT_FIRMWARE, DEFAULT_MANAGEMENT_KEY, ManagementAlgorithm, PivFlavour, PivProfile};

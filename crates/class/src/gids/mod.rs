//! GIDS cards (Microsoft's generic profile), read and write: `cardmod-gids` behind the traits of the SDK.

mod answer;
mod containers;
mod files;
mod kept;
mod keypad;
mod module;
mod pins;

pub use module::GidsModule;

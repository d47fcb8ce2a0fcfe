//! Names of card properties beyond the specification that modules may offer
//! ([`OwnProperties`](crate::OwnProperties)) and hosts may use: what a card has that Cardmod.h has no
//! word for.
//!
//! A host that does not know them loses nothing; a module that has them not answers as for any name
//! nobody knows.

/// The card has its keys in fixed places with names of their own, such as the slots of PIV.
///
/// Read-only, flags 0: the label of the place of each container index, in UTF-8, in the order of the
/// indexes, a NUL between two (`9a`, NUL, `9c` …). An index without a place has an empty label.
pub const PLACES_PROPERTY: &str = "Cardmod Places";

/// The names that the containers of the card's places have, or would have if there were a key.
///
/// Read-only, flags 0, only beside [`PLACES_PROPERTY`]: the name of each container index, in UTF-8, in the
/// order of the indexes, a NUL between two. So a host finds a container by its name without the file
/// `cmapfile`, for which a module may have to read every place.
pub const NAMES_PROPERTY: &str = "Cardmod Names";

/// The place where the next `CardCreateContainer` puts its key, by a label of [`PLACES_PROPERTY`].
///
/// Write-only, flags 0: UTF-8 text; empty takes it back. It holds for one creation, whatever comes of it.
pub const PLACE_PROPERTY: &str = "Cardmod Place";

/// The management key, with which a module makes and deletes keys and certificates where the user's PIN
/// alone does not give that right (key 9B of PIV).
///
/// Write-only, flags 0: one byte that names the algorithm as SP 800-78 does (00: the module finds out), then
/// the key; the one byte 01 alone: the key the card was made with; empty: forget it. It is kept in
/// the context alone, never told, and wiped with it.
pub const MANAGEMENT_KEY_PROPERTY: &str = "Cardmod Management Key";

/// Whether public data of a card without freshness counters may be kept as a hint.
///
/// Read-only, flags 0, a native `u32`: 1 where a host may show what it remembers, marked as remembered, as
/// long as it reads again whatever it presents or relies on; 0 where not.
pub const HINTS_PROPERTY: &str = "Cardmod Hints";

/// Which of several applications of a card the module opened.
///
/// Read-only, flags 0, UTF-8: the card name that asks for this application and no other
/// ([`CardApplication::card_name`](cardmod_types::CardApplication::card_name)). Told without a command.
pub const APPLICATION_PROPERTY: &str = "Cardmod Application";

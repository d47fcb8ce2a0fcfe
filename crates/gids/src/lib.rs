//! The GIDS card edge: typed commands and the card's data model.

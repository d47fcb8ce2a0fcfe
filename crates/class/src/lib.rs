//! The cardmod class card module: discovers a GIDS card and serves it through Cardmod.h.

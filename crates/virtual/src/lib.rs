//! Virtual GIDS cards: APDU in, APDU out, in an image that several processes share.

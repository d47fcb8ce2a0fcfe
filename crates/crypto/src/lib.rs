//! The private-key operations of virtual cards behind one small interface.

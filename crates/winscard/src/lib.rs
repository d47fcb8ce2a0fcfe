//! The PC/SC API over virtual readers, forwarding to the system library for real ones.

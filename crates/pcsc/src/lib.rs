//! The PC/SC functions, found at run time, with the differences of pcsc-lite and Windows in one place.

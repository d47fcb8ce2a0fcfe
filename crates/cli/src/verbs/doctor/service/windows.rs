//! What to do about Windows' service Smart Card (`SCardSvr`).

/// The service knows no reader.
pub(super) const NO_READER: &str =
    "plug a reader in; the Device Manager shows under Smart card readers whether it has a driver";
/// There is no PC/SC library.
pub(super) const NO_LIBRARY: &str = "winscard.dll is a part of Windows: sfc /scannow puts missing parts back";
/// The service refuses this user.
pub(super) const REFUSED: &str = "this user may not use it: Windows gives the readers to the session at the machine, or to a \
     remote desktop that brings its own";

/// The service does not answer, with whatever code.
pub(super) fn no_answer(_code: &str) -> String {
    "start the service Smart Card (SCardSvr): as an administrator sc start SCardSvr, or in services.msc"
        .to_owned()
}

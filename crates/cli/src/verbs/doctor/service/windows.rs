//! What to do about Windows' service Smart Card (`SCardSvr`).

/// The service knows no reader.
pub(super) const NO_READER: &str =
    "plug a reader in; the Device Manager shows under Smart card readers whether it has a driver";
/// There is no PC/SC library.
pub(super) const NO_LIBRARY: &str = "winscard.dll is a part of Windows: sfc /scannow puts missing parts back";
/// The service refuses this user.
pub(super) const REFUSED: &str = "this user may not use it: Windows gives the readers to the session at the machine, or to a \
     remote desktop that brings its own";

/// The service does not answer, with this code.
pub(super) fn no_answer(code: &str) -> String {
    let advice = match code {
        // Windows 8 and later start it with the first reader and stop it after the last one.
        "SCARD_E_NO_SERVICE" | "SCARD_E_SERVICE_STOPPED" => {
            "plug a reader in, which starts the service Smart Card (SCardSvr); where one is plugged in, start it as an \
             administrator: sc start SCardSvr, or in services.msc"
        }
        "SCARD_E_SYSTEM_CANCELLED" | "SCARD_P_SHUTDOWN" => {
            "Windows is ending this session or the service: try again after that"
        }
        "SCARD_E_SERVER_TOO_BUSY" | "SCARD_E_NO_MEMORY" => {
            "the machine has too much to do or no memory left: end programs, and try again"
        }
        _ => {
            "restart the service Smart Card (SCardSvr) as an administrator: sc stop SCardSvr, then sc start SCardSvr, \
             or in services.msc; the Event Viewer tells under System why it failed"
        }
    };
    advice.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_is_for_the_code() {
        for (code, words) in [
            ("SCARD_E_NO_SERVICE", "sc start SCardSvr"),
            ("SCARD_E_SERVICE_STOPPED", "plug a reader in"),
            ("SCARD_P_SHUTDOWN", "after that"),
            ("SCARD_E_NO_MEMORY", "memory"),
            ("SCARD_F_INTERNAL_ERROR", "restart the service"),
            ("an unknown code", "restart the service"),
        ] {
            assert!(no_answer(code).contains(words), "{code}");
        }
        assert!(!no_answer("SCARD_E_NO_SERVICE").contains("restart"));
    }
}

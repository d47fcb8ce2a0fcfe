//! What to do about pcscd, by the code it answers and by the state of its socket.

/// The service knows no reader.
pub(super) const NO_READER: &str =
    "plug a reader in; for USB readers the Debian package libccid has the driver";
/// There is no PC/SC library.
pub(super) const NO_LIBRARY: &str = "install PC/SC: on Debian apt install pcscd libpcsclite1";
/// The service refuses this user.
pub(super) const REFUSED: &str = "this user may not use it: polkit's action org.debian.pcsc-lite.access_pcsc says who may; \
     a local session may, and for others a rule must allow it";

/// pcsc-lite's codes of a service that is not there.
const NO_SERVICE: [&str; 2] = ["SCARD_E_NO_SERVICE", "SCARD_E_SERVICE_STOPPED"];

/// The service does not answer.
pub(super) fn no_answer(code: &str) -> String {
    match Socket::tried() {
        Socket::Missing(path) => format!(
            "its socket {path} is not there: start it with systemctl enable --now pcscd.socket, or run pcscd"
        ),
        Socket::Refused(path, reason) => {
            format!("its socket {path} cannot be used ({reason}): see systemctl status pcscd")
        }
        Socket::Open(path) if NO_SERVICE.contains(&code) => {
            format!("its socket {path} is there and the service does not talk: see journalctl -u pcscd")
        }
        Socket::Open(_) => "see journalctl -u pcscd".to_owned(),
    }
}

/// The socket of pcscd, and how it took a connection.
enum Socket {
    Missing(String),
    Refused(String, String),
    Open(String),
}

impl Socket {
    fn tried() -> Self {
        let named = std::env::var("PCSCLITE_CSOCK_NAME").ok().filter(|name| !name.is_empty());
        let path = named.unwrap_or_else(|| "/run/pcscd/pcscd.comm".to_owned());
        match std::os::unix::net::UnixStream::connect(&path) {
            Ok(_) => Self::Open(path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::Missing(path),
            Err(error) => Self::Refused(path, error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_is_not_there_is_no_refusal() {
        assert!(REFUSED.contains("polkit"));
        assert!(!no_answer("SCARD_E_NO_SERVICE").contains("polkit"));
    }
}

//! The system's PC/SC: its library, its service, and whether this user may talk to it.

use cardmod_winscard::{SystemService, system_service};

use super::findings::Report;

/// pcsc-lite's codes of a service that is not there, and of one that refuses (polkit).
const NO_SERVICE: [&str; 2] = ["SCARD_E_NO_SERVICE", "SCARD_E_SERVICE_STOPPED"];
const REFUSED: [&str; 2] = ["SCARD_W_SECURITY_VIOLATION", "SCARD_E_NO_ACCESS"];

/// Where the service is missing only real readers are: that is a warning here, and a fault where no
/// reader at all is found.
pub(super) fn examine(report: &mut Report) {
    report.section("PC/SC service, for real readers");
    let SystemService { library, searched, readers } = system_service();
    let Some(library) = library else {
        return no_library(&searched, report);
    };
    report.good("pcsc-library", format!("the system's library is {}", library.display()));
    match readers {
        Some(Ok(0)) => report.warning(
            "pcsc-service",
            "the service answers and knows no reader",
            if cfg!(windows) {
                "plug a reader in; the Device Manager shows under Smart card readers whether it has a driver"
            } else {
                "plug a reader in; for USB readers the Debian package libccid has the driver"
            },
        ),
        Some(Ok(count)) => {
            report.good("pcsc-service", format!("the service answers and has {}", counted(count)));
        }
        Some(Err(error)) => {
            let name = cardmod_pcsc::code_name(error.code).unwrap_or("an unknown code");
            let message = format!("the service does not answer: {error}");
            report.warning("pcsc-service", message, advice(name));
        }
        None => {}
    }
}

fn no_library(searched: &[std::path::PathBuf], report: &mut Report) {
    if searched.is_empty() {
        return report.warning(
            "pcsc-library",
            "real readers are switched off",
            "unset CARDMOD_PCSC_SYSTEM, which says none",
        );
    }
    let places: Vec<String> = searched.iter().map(|path| path.display().to_string()).collect();
    report.warning(
        "pcsc-library",
        format!(
            "the system has no PC/SC library, so real readers are not seen (looked for {})",
            places.join(", ")
        ),
        if cfg!(windows) {
            "winscard.dll is a part of Windows: sfc /scannow puts missing parts back"
        } else {
            "install PC/SC: on Debian apt install pcscd libpcsclite1"
        },
    );
}

fn counted(readers: usize) -> String {
    if readers == 1 { "1 reader".to_owned() } else { format!("{readers} readers") }
}

/// What to do about the service, by its code and by the state of its socket.
fn advice(code: &str) -> String {
    if REFUSED.contains(&code) {
        return if cfg!(windows) {
            "this user may not use it: Windows gives the readers to the session at the machine, or to a \
             remote desktop that brings its own"
                .to_owned()
        } else {
            "this user may not use it: polkit's action org.debian.pcsc-lite.access_pcsc says who may; \
             a local session may, and for others a rule must allow it"
                .to_owned()
        };
    }
    match socket() {
        Some(Socket::Missing(path)) => format!(
            "its socket {path} is not there: start it with systemctl enable --now pcscd.socket, or run pcscd"
        ),
        Some(Socket::Refused(path, reason)) => {
            format!("its socket {path} cannot be used ({reason}): see systemctl status pcscd")
        }
        Some(Socket::Open(path)) if NO_SERVICE.contains(&code) => {
            format!("its socket {path} is there and the service does not talk: see journalctl -u pcscd")
        }
        Some(Socket::Open(_)) => "see journalctl -u pcscd".to_owned(),
        None => "start the service Smart Card (SCardSvr): as an administrator sc start SCardSvr, or in services.msc"
            .to_owned(),
    }
}

enum Socket {
    Missing(String),
    Refused(String, String),
    Open(String),
}

/// The socket of pcscd, tried.
#[cfg(unix)]
fn socket() -> Option<Socket> {
    let named = std::env::var("PCSCLITE_CSOCK_NAME").ok().filter(|name| !name.is_empty());
    let path = named.unwrap_or_else(|| "/run/pcscd/pcscd.comm".to_owned());
    Some(match std::os::unix::net::UnixStream::connect(&path) {
        Ok(_) => Socket::Open(path),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Socket::Missing(path),
        Err(error) => Socket::Refused(path, error.to_string()),
    })
}

/// Windows' service has no socket.
#[cfg(not(unix))]
fn socket() -> Option<Socket> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_polkit() {
        assert!(advice("SCARD_W_SECURITY_VIOLATION").contains("polkit"));
        assert!(!advice("SCARD_E_NO_SERVICE").contains("polkit"));
    }
}

//! The system's PC/SC: its library, its service, and whether this user may talk to it.

use cardmod_winscard::{SystemService, system_service};

use super::findings::Report;

#[cfg(not(windows))]
mod pcsc_lite;
#[cfg(not(windows))]
use pcsc_lite as advice;
#[cfg(any(windows, test))]
#[cfg_attr(not(windows), allow(dead_code, reason = "its words are tested everywhere"))]
mod windows;
#[cfg(windows)]
use windows as advice;

/// The codes of a service that refuses this user.
const REFUSED: [&str; 2] = ["SCARD_W_SECURITY_VIOLATION", "SCARD_E_NO_ACCESS"];

/// Windows' own word for it (winerror.h).
const ERROR_ACCESS_DENIED: u32 = 5;

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
        Some(Ok(0)) => {
            report.warning("pcsc-service", "the service answers and knows no reader", advice::NO_READER)
        }
        Some(Ok(count)) => {
            report.good("pcsc-service", format!("the service answers and has {}", counted(count)));
        }
        Some(Err(error)) => {
            let name = cardmod_pcsc::code_name(error.code).unwrap_or("an unknown code");
            let message = format!("the service does not answer: {error}");
            let refused = REFUSED.contains(&name) || error.code == ERROR_ACCESS_DENIED;
            let advice = if refused { advice::REFUSED.to_owned() } else { advice::no_answer(name) };
            report.warning("pcsc-service", message, advice);
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
        advice::NO_LIBRARY,
    );
}

fn counted(readers: usize) -> String {
    if readers == 1 { "1 reader".to_owned() } else { format!("{readers} readers") }
}

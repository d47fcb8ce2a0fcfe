//! The log: what the libraries tell while they work, on standard error, for those who ask for it.

use tracing_subscriber::EnvFilter;

use crate::failure::Failure;

/// The environment variable with the filter: `debug`, or `cardmod_sdk=trace,warn`.
const VARIABLE: &str = "CARDMOD_LOG";

/// Listens to the libraries as [`VARIABLE`] says; where it is not set, nobody does.
///
/// # Errors
/// The variable holds no filter.
pub(crate) fn listen() -> Result<(), Failure> {
    let filter = match std::env::var(VARIABLE) {
        Ok(text) if text.is_empty() => return Ok(()),
        Ok(text) => filter(&text)?,
        Err(std::env::VarError::NotPresent) => return Ok(()),
        Err(std::env::VarError::NotUnicode(_)) => return Err(unreadable("it is not UTF-8 text")),
    };
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(false).init();
    Ok(())
}

fn filter(text: &str) -> Result<EnvFilter, Failure> {
    EnvFilter::try_new(text).map_err(|error| unreadable(&error.to_string()))
}

fn unreadable(why: &str) -> Failure {
    Failure::usage(format!("the environment variable {VARIABLE} holds no filter: {why}"))
        .hint("a level, such as debug, or levels of libraries: cardmod_host=trace,warn")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_levels_and_libraries() {
        assert!(filter("debug").is_ok());
        assert!(filter("cardmod_sdk=trace,warn").is_ok());
        let failure = filter("cardmod_sdk=loud").expect_err("no such level");
        assert!(failure.message.starts_with("the environment variable CARDMOD_LOG holds no filter: "));
    }
}

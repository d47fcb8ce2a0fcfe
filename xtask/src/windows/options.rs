//! The command line of `cargo xtask windows`.

use super::build::Packages;

pub(crate) const USAGE: &str = "usage: cargo xtask windows [OPTION]...

  Without an option: set-up, the files that people install (target/windows/x86_64), a look at them,
  every test under Wine, and the Windows programs driven and judged from Linux.

  --quick          what `cargo xtask ci windows` does: unoptimised, and fewer tests
  --package NAME   only the tests of this package; may be repeated
  --test FILTER    only the tests of this filter expression of cargo-nextest
  --i686           the files that people install for 32-bit Windows (target/windows/i686)
  --msvc           the compiler's check for x86-64, i686 and ARM64 with Microsoft's toolchain
  --clippy         no lint complains about the code for Windows
  --reproducible   the same files, built in another folder, have the same bytes
  --set-up         packages, standard library and Wine prefix alone
  --env            what a shell needs to do the same by hand, to be sourced";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Job {
    Full,
    Quick,
    /// The tests named.
    Tests(Packages, Option<String>),
    I686,
    Msvc,
    Clippy,
    Reproducible,
    SetUp,
    Environment,
    Help,
}

/// Reads the command line. The error is for the reader of a terminal.
pub(crate) fn parse(arguments: &[String]) -> Result<Job, String> {
    let mut job = None;
    let (mut packages, mut filter) = (Vec::new(), None);
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let mut value = || rest.next().cloned().ok_or(format!("{argument} wants a value\n\n{USAGE}"));
        let asked = match argument.as_str() {
            "--package" | "-p" => {
                packages.push(value()?);
                continue;
            }
            "--test" => {
                filter = Some(value()?);
                continue;
            }
            "--quick" => Job::Quick,
            "--i686" => Job::I686,
            "--msvc" => Job::Msvc,
            "--clippy" => Job::Clippy,
            "--reproducible" => Job::Reproducible,
            "--set-up" => Job::SetUp,
            "--env" => Job::Environment,
            "--help" | "-h" => Job::Help,
            unknown => return Err(format!("there is no option {unknown}\n\n{USAGE}")),
        };
        if job.replace(asked).is_some() {
            return Err(format!("{argument} stands beside another such option\n\n{USAGE}"));
        }
    }
    let named = !packages.is_empty() || filter.is_some();
    match job {
        Some(_) if named => Err(format!("--package and --test stand alone\n\n{USAGE}")),
        Some(job) => Ok(job),
        None if named => {
            let packages = if packages.is_empty() { Packages::All } else { Packages::Named(packages) };
            Ok(Job::Tests(packages, filter))
        }
        None => Ok(Job::Full),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Result<Job, String> {
        parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn one_job_at_a_time() {
        assert_eq!(of(""), Ok(Job::Full));
        assert_eq!(of("--i686"), Ok(Job::I686));
        assert!(of("--i686 --msvc").is_err());
        assert!(of("--quick --package cardmod-sys").is_err());
        assert!(of("--nonsense").is_err_and(|text| text.contains("--nonsense") && text.contains("usage")));
    }

    #[test]
    fn tests_can_be_named() {
        let named = Packages::Named(vec!["cardmod-sys".to_owned(), "cardmod-heap".to_owned()]);
        assert_eq!(of("--package cardmod-sys -p cardmod-heap"), Ok(Job::Tests(named, None)));
        assert_eq!(of("--test test(abi)"), Ok(Job::Tests(Packages::All, Some("test(abi)".to_owned()))));
        assert!(of("--package").is_err());
    }
}

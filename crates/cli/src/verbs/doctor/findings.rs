//! What was found: good, a warning, or a fault.

use serde::Serialize;

use crate::exit::Exit;
use crate::failure::Failure;

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grade {
    Good,
    Warning,
    /// It keeps the card from working; what the program ends with.
    Fault(Exit),
}

/// One line of the report.
#[derive(Debug)]
struct Finding {
    section: String,
    /// A stable word for scripts.
    check: &'static str,
    grade: Grade,
    message: String,
    advice: Option<String>,
}

/// Everything found, in the order of the steps.
#[derive(Debug, Default)]
pub(super) struct Report {
    section: String,
    findings: Vec<Finding>,
}

/// The JSON document.
#[derive(Serialize)]
pub(super) struct ReportDocument<'a> {
    result: &'static str,
    findings: Vec<FindingView<'a>>,
}

#[derive(Serialize)]
struct FindingView<'a> {
    section: &'a str,
    check: &'static str,
    result: &'static str,
    message: &'a str,
    advice: Option<&'a str>,
}

impl<'a> From<&'a Finding> for FindingView<'a> {
    fn from(finding: &'a Finding) -> Self {
        Self {
            section: &finding.section,
            check: finding.check,
            result: finding.grade.word(),
            message: &finding.message,
            advice: finding.advice.as_deref(),
        }
    }
}

impl Grade {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Fault(_) => "fault",
        }
    }

    const fn mark(self) -> char {
        match self {
            Self::Good => '✓',
            Self::Warning => '!',
            Self::Fault(_) => '✗',
        }
    }
}

impl Report {
    /// What follows belongs to this step.
    pub(super) fn section(&mut self, title: impl Into<String>) {
        self.section = title.into();
    }

    pub(super) fn good(&mut self, check: &'static str, message: impl Into<String>) {
        self.add(check, Grade::Good, message.into(), None);
    }

    pub(super) fn warning(
        &mut self,
        check: &'static str,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(check, Grade::Warning, message.into(), Some(advice.into()));
    }

    pub(super) fn fault(
        &mut self,
        check: &'static str,
        exit: Exit,
        message: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(check, Grade::Fault(exit), message.into(), Some(advice.into()));
    }

    /// A failure of the libraries, as it is told elsewhere.
    pub(super) fn failure(&mut self, check: &'static str, failure: &Failure) {
        self.add(check, Grade::Fault(failure.exit), failure.message.clone(), failure.hint.clone());
    }

    fn add(&mut self, check: &'static str, grade: Grade, message: String, advice: Option<String>) {
        // A sentence of a card or a library stays on its line.
        let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
        self.findings.push(Finding { section: self.section.clone(), check, grade, message, advice });
    }

    /// The exit code of the first fault: it is the cause of what follows.
    pub(super) fn exit(&self) -> Exit {
        let fault = |finding: &Finding| match finding.grade {
            Grade::Fault(exit) => Some(exit),
            Grade::Good | Grade::Warning => None,
        };
        self.findings.iter().find_map(fault).unwrap_or(Exit::Ok)
    }

    fn worst(&self) -> &'static str {
        if self.exit() != Exit::Ok {
            return "fault";
        }
        let warned = self.findings.iter().any(|finding| finding.grade == Grade::Warning);
        if warned { "warning" } else { "good" }
    }

    pub(super) fn document(&self) -> ReportDocument<'_> {
        let findings = self.findings.iter().map(FindingView::from).collect();
        ReportDocument { result: self.worst(), findings }
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let mut section = "";
        for finding in &self.findings {
            if finding.section != section {
                section = &finding.section;
                text.push_str(&format!("{section}\n"));
            }
            text.push_str(&format!("  {} {}\n", finding.grade.mark(), finding.message));
            if let Some(advice) = &finding.advice {
                text.push_str(&format!("      {advice}\n"));
            }
        }
        text.push_str(match self.worst() {
            "good" => "everything works\n",
            "warning" => "nothing keeps the card from working; see the lines with !\n",
            _ => "something keeps a card from working; see the lines with ✗\n",
        });
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_is_the_exit_code() {
        let mut report = Report::default();
        assert_eq!((report.exit(), report.worst()), (Exit::Ok, "good"));
        report.section("One");
        report.warning("a", "so\nso", "do that");
        assert_eq!((report.exit(), report.worst()), (Exit::Ok, "warning"));
        report.fault("b", Exit::PinBlocked, "blocked", "unblock");
        report.fault("c", Exit::Failed, "failed", "mend");
        assert_eq!((report.exit(), report.worst()), (Exit::PinBlocked, "fault"));
        let text = report.text();
        assert!(text.starts_with("One\n  ! so so\n      do that\n  ✗ blocked\n      unblock\n"), "{text}");
    }
}

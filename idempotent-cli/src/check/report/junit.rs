//! A report for servers that run tests.

use crate::check::finding::Verdict;
use crate::check::suite::{Outcome, Outcomes};
use crate::check::trial::Trial;
use quick_junit::{NonSuccessKind, Report, SerializeError, TestCase, TestCaseStatus, TestSuite};

/// The report has one test for each check; a check that cannot tell counts as skipped.
pub(crate) fn junit(trial: &Trial, outcomes: &Outcomes) -> Result<String, SerializeError> {
    let endpoint = &trial.client.endpoint;
    let mut suite = TestSuite::new(format!("{} {}", trial.template.method, endpoint.shown));
    suite.add_test_cases(outcomes.all.iter().map(case));
    let mut report = Report::new("idempotent check");
    report.add_test_suite(suite);
    report.to_string()
}

fn case(outcome: &Outcome) -> TestCase {
    let status = match outcome.seen.verdict {
        Verdict::Holds => TestCaseStatus::success(),
        Verdict::DoesNotHold => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let description = format!("{}\n{}", outcome.check.cost, outcome.check.rests_on);
            status.set_message(&*outcome.seen.seen).set_description(description);
            status
        }
        Verdict::CannotTell | Verdict::Skipped => {
            let mut status = TestCaseStatus::skipped();
            let verdict = outcome.seen.verdict.in_words();
            status.set_message(format!("{verdict}: {}", outcome.seen.seen));
            status
        }
    };
    let mut case = TestCase::new(outcome.check.name, status);
    case.set_classname("idempotent.check");
    case
}

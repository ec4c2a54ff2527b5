//! JSON for programs.

use crate::check::checks::Severity;
use crate::check::finding::Verdict;
use crate::check::suite::Outcomes;
use crate::check::trial::Trial;
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    method: &'a str,
    url: &'a str,
    address: Option<String>,
    requests: u32,
    hold: usize,
    do_not_hold: usize,
    cannot_tell: usize,
    skipped: usize,
    cut_short: Option<String>,
    checks: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    check: &'a str,
    verdict: Verdict,
    seen: &'a str,
    tests: &'a str,
    severity: Severity,
    rests_on: &'a str,
    cost: &'a str,
}

/// Everything that the table says, and more.
pub(crate) fn json(trial: &Trial, outcomes: &Outcomes) -> serde_json::Result<String> {
    let entries = outcomes.all.iter().map(|outcome| Entry {
        check: outcome.check.name,
        verdict: outcome.seen.verdict,
        seen: &outcome.seen.seen,
        tests: outcome.check.tests,
        severity: outcome.check.severity,
        rests_on: outcome.check.rests_on,
        cost: outcome.check.cost,
    });
    serde_json::to_string_pretty(&Document {
        method: &trial.template.method,
        url: &trial.client.endpoint.shown,
        address: trial.client.address().map(|address| address.to_string()),
        requests: trial.client.limits.begun(),
        hold: outcomes.count(Verdict::Holds),
        do_not_hold: outcomes.count(Verdict::DoesNotHold),
        cannot_tell: outcomes.count(Verdict::CannotTell),
        skipped: outcomes.count(Verdict::Skipped),
        cut_short: outcomes.cut_short.as_ref().map(ToString::to_string),
        checks: entries.collect(),
    })
}

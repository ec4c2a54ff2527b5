//! A table for people.

use crate::check::finding::Verdict;
use crate::check::suite::Outcomes;
use crate::check::trial::Trial;
use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use std::fmt::Write;

/// The width of the table if there is no terminal.
const WIDTH: u16 = 110;

/// The table of what holds, what does not and what that costs.
pub(crate) fn table(trial: &Trial, outcomes: &Outcomes) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    if !table.is_tty() {
        table.set_width(WIDTH);
    }
    table.set_header(["check", "verdict", "what was seen, and what that costs", "rests on"]);
    for outcome in &outcomes.all {
        let mut seen = outcome.seen.seen.clone();
        if outcome.seen.is_failure() {
            seen = format!("{seen}\n→ {}", outcome.check.cost);
        }
        let verdict = outcome.seen.verdict.in_words();
        table.add_row([outcome.check.name, verdict, &seen, outcome.check.rests_on]);
    }
    let endpoint = &trial.client.endpoint;
    let mut told = format!("{} {}", trial.template.method, endpoint.shown);
    if let Some(address) = trial.client.address() {
        let _ = write!(told, " at {address}");
    }
    let count = |verdict| outcomes.count(verdict);
    let lines: Vec<_> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    let _ = write!(
        told,
        "\n\n{}\n\n{} hold, {} do not, {} cannot be told, {} skipped; {} requests were sent\n\
         draft: draft-ietf-httpapi-idempotency-key-header-07\n",
        lines.join("\n"),
        count(Verdict::Holds),
        count(Verdict::DoesNotHold),
        count(Verdict::CannotTell),
        count(Verdict::Skipped),
        trial.client.limits.begun(),
    );
    if let Some(reason) = &outcomes.cut_short {
        let _ = writeln!(told, "Not all was tried: {reason}.");
    }
    told
}

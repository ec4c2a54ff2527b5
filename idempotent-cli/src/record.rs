//! A record as it is printed, in a table and in JSON.

use crate::output::{lines, printable, table};
use comfy_table::{ColumnConstraint, Table};
use idempotent_runtime::key::Guard;
use idempotent_runtime::records::{KeptIn, KeptOutcome, RecordState, RecordView};
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use std::time::Duration;

/// A record without its body.
#[derive(Serialize)]
pub(crate) struct RecordRow {
    /// The storage key.
    pub(crate) key: String,
    /// `store` or `database`.
    kept_in: &'static str,
    /// `issued`, `running`, `abandoned`, `completed`, `cancelled` or `undecodable`.
    pub(crate) state: String,
    /// The milliseconds for which the run still excludes others if its lease is not renewed.
    lease_left_ms: Option<u64>,
    outcome: Option<OutcomeRow>,
    /// `handler`, `middleware`, `token`, `task`, `cache`, `message` or `lock`.
    guard: Option<&'static str>,
    pub(crate) operation: String,
    /// The request's key, without secrets.
    pub(crate) label: String,
    attempt: u64,
    /// When it was last claimed, by the clock of the host that claimed.
    claimed_at: Option<String>,
    /// The milliseconds until the record is forgotten.
    left_ms: u64,
    /// The id of the function that claimed it.
    function: Option<String>,
    /// Whether its key was ever taken from an earlier run that may still go on.
    taken_over: bool,
    /// The size of the whole record.
    bytes: usize,
}

/// The outcome of a run.
#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum OutcomeRow {
    Response {
        status: u16,
        bytes: usize,
        is_cut: bool,
    },
    Value {
        bytes: usize,
    },
    NotReplayable,
    /// The answer is sealed, and this command has no key to open it.
    Sealed {
        bytes: usize,
        key: Option<String>,
    },
}

impl RecordRow {
    pub(crate) fn of(record: &RecordView) -> Self {
        let state = record.state();
        let (lease_left, outcome) = match state {
            RecordState::Running { lease_left } => (Some(lease_left), None),
            RecordState::Completed(outcome) => (None, OutcomeRow::of(record, outcome)),
            _ => (None, None),
        };
        let claimed = record.claimed_at().and_then(|at| Timestamp::try_from(at).ok());
        Self {
            key: record.key().to_string(),
            kept_in: if record.kept_in() == KeptIn::Database { "database" } else { "store" },
            state: state.stage().to_string(),
            lease_left_ms: lease_left.map(millis),
            outcome,
            guard: record.guard().map(guard_name),
            operation: record.operation().to_owned(),
            label: record.label().to_owned(),
            attempt: record.attempt(),
            claimed_at: claimed.map(|at| at.to_string()),
            left_ms: millis(record.left()),
            function: record.function_id().map(|id| id.to_string()),
            taken_over: record.was_taken_over(),
            bytes: record.size(),
        }
    }

    /// The state, and what is left of its lease or what was stored, in a few words.
    pub(crate) fn state_in_words(&self) -> String {
        let state = &self.state;
        match (&self.outcome, self.lease_left_ms) {
            (_, Some(left)) => format!("{state}, {} left of its lease", span(left)),
            (Some(OutcomeRow::Response { status, bytes, is_cut: false }), _) => {
                format!("{state}: {status}, {bytes} bytes")
            }
            (Some(OutcomeRow::Response { status, .. }), _) => {
                format!("{state}: {status}, its body is not kept")
            }
            (Some(OutcomeRow::Value { bytes }), _) => format!("{state}: a value, {bytes} bytes"),
            (Some(OutcomeRow::NotReplayable), _) => format!("{state}: not replayable"),
            (Some(OutcomeRow::Sealed { bytes, key }), _) => {
                let key = key.as_deref().unwrap_or("?");
                format!("{state}: sealed with `{key}`, {bytes} bytes")
            }
            (None, None) => state.clone(),
        }
    }

    /// One record, a line for each thing that is known of it.
    pub(crate) fn in_lines(&self) -> String {
        let mut known = table(["", ""]);
        let taken_over =
            if self.taken_over { ", taken over from an owner who may wake" } else { "" };
        for (name, text) in [
            ("key", self.key.clone()),
            ("state", self.state_in_words()),
            ("guard", self.guard.unwrap_or_default().to_owned()),
            ("operation", self.operation.clone()),
            ("label", self.label.clone()),
            ("attempt", format!("{}{taken_over}", self.attempt)),
            ("claimed at", self.claimed_at.clone().unwrap_or_default()),
            ("forgotten in", span(self.left_ms)),
            ("function", self.function.clone().unwrap_or_default()),
            ("kept in", format!("{}, {} bytes", self.kept_in, self.bytes)),
        ] {
            known.add_row([name.to_owned(), printable(&text)]);
        }
        let text = lines(&known);
        text.trim_start_matches('\n').to_owned()
    }

    /// The record in one line, for a question.
    pub(crate) fn in_a_line(&self) -> String {
        let Self { key, operation, label, .. } = self;
        let (operation, label) = (printable(operation), printable(label));
        format!("`{label}` of `{operation}` ({}), {key}", printable(&self.state_in_words()))
    }
}

/// A table of records; a key is never broken, so that it can be copied.
pub(crate) fn table_of(records: &[RecordRow]) -> String {
    let mut rows: Table = table(["state", "operation", "label", "claimed at", "left", "key"]);
    for record in records {
        rows.add_row([
            printable(&record.state_in_words()),
            printable(&record.operation),
            printable(&record.label),
            record.claimed_at.clone().unwrap_or_default(),
            span(record.left_ms),
            record.key.clone(),
        ]);
    }
    if let Some(key) = rows.column_mut(5) {
        key.set_constraint(ColumnConstraint::ContentWidth);
    }
    lines(&rows)
}

impl OutcomeRow {
    fn of(record: &RecordView, outcome: KeptOutcome) -> Option<Self> {
        Some(match outcome {
            KeptOutcome::Response { status, bytes, is_cut } => {
                Self::Response { status, bytes, is_cut }
            }
            KeptOutcome::Value { bytes } => Self::Value { bytes },
            KeptOutcome::NotReplayable => Self::NotReplayable,
            KeptOutcome::Sealed { bytes } => {
                Self::Sealed { bytes, key: record.sealed_with().map(str::to_owned) }
            }
            _ => return None,
        })
    }
}

const fn guard_name(guard: Guard) -> &'static str {
    match guard {
        Guard::Handler => "handler",
        Guard::Middleware { .. } => "middleware",
        Guard::Token => "token",
        Guard::Task => "task",
        Guard::Cache => "cache",
        Guard::Message => "message",
        Guard::Lock => "lock",
        _ => "another",
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A duration for people, in whole seconds above one.
fn span(millis: u64) -> String {
    if millis < 1000 {
        return format!("{millis}ms");
    }
    let seconds = i64::try_from(millis / 1000).unwrap_or(i64::MAX);
    format!("{:#}", SignedDuration::from_secs(seconds))
}

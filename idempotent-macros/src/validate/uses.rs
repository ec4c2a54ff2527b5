//! Which arguments there are, and which strategy takes which.

use crate::diagnostics::{Mistake, listed};
use crate::model::Strategy;
use crate::validate::Reader;
use crate::validate::rules::takes_tx;

/// Every argument there is, in the order they are documented.
pub(super) const NAMES: [&str; 31] = [
    "strategy",
    "key",
    "operation",
    "scope",
    "ttl",
    "stale",
    "lease",
    "on_duplicate",
    "on_in_flight",
    "wait",
    "on_abandoned",
    "on_store_error",
    "fingerprint",
    "store",
    "headers",
    "max_body",
    "message",
    "required",
    "within",
    "timestamp",
    "first_sent",
    "table",
    "id",
    "id_column",
    "column",
    "version",
    "from",
    "to",
    "existing",
    "constraint",
    "engine",
];

/// What a lock has no use for: nothing of it is stored, and nobody is told from anybody.
const NOT_OF_A_LOCK: [&str; 14] = [
    "operation",
    "ttl",
    "on_duplicate",
    "on_in_flight",
    "on_abandoned",
    "on_store_error",
    "fingerprint",
    "store",
    "headers",
    "max_body",
    "required",
    "within",
    "timestamp",
    "first_sent",
];

/// What a task has no use for: its one answer is its address, and its end is kept whatever it is.
/// It is found again by the app's rule of scopes.
const NOT_OF_A_TASK: [&str; 8] = [
    "scope",
    "on_duplicate",
    "on_in_flight",
    "wait",
    "on_store_error",
    "store",
    "message",
    "required",
];

/// What a read has no use for: it is nobody's duplicate, and may be computed again at any time.
const NOT_OF_A_CACHE: [&str; 10] = [
    "on_duplicate",
    "on_in_flight",
    "on_abandoned",
    "on_store_error",
    "fingerprint",
    "message",
    "required",
    "within",
    "timestamp",
    "first_sent",
];

/// What only a read has a use for.
const OF_A_CACHE: [&str; 1] = ["stale"];

/// What a transaction has no use for: the database's own locks take the place of leases.
const NOT_OF_A_TRANSACTION: [&str; 4] = ["lease", "on_in_flight", "on_abandoned", "on_store_error"];

/// What a function has no use for: it has no request and no response.
const NOT_OF_A_FUNCTION: [&str; 8] = [
    "on_store_error",
    "store",
    "headers",
    "message",
    "required",
    "within",
    "timestamp",
    "first_sent",
];

/// What only a function has a use for.
const OF_A_FUNCTION: [&str; 1] = ["engine"];

/// What only a row has a use for.
const OF_A_ROW: [&str; 7] = ["table", "id", "id_column", "column", "version", "from", "to"];

/// What only a unique index has a use for.
const OF_AN_INDEX: [&str; 2] = ["existing", "constraint"];

/// What only a key has a use for.
const OF_A_KEY: [&str; 7] =
    ["ttl", "fingerprint", "store", "headers", "required", "scope", "first_sent"];

/// Every argument is one that the strategy takes.
pub(super) fn check(reader: &mut Reader<'_>, strategy: Strategy) {
    let (word, unused): (_, Vec<&str>) = match strategy {
        Strategy::RequestId => ("request_id", OF_A_ROW.to_vec()),
        Strategy::Token => ("token", OF_A_ROW.to_vec()),
        Strategy::Lock => ("lock", [&NOT_OF_A_LOCK[..], &OF_A_ROW].concat()),
        Strategy::Cache => ("cache", [&NOT_OF_A_CACHE[..], &OF_A_ROW].concat()),
        Strategy::DedupTable => ("dedup_table", [&NOT_OF_A_TRANSACTION[..], &OF_A_ROW].concat()),
        Strategy::RowLock => ("row_lock", [&NOT_OF_A_TRANSACTION[..], &OF_A_ROW[3..]].concat()),
        Strategy::Version => ("version", [&NOT_OF_A_TRANSACTION[..], &OF_A_ROW[5..]].concat()),
        Strategy::State => ("state", [&NOT_OF_A_TRANSACTION[..], &["version"]].concat()),
        Strategy::Async => ("async", [&NOT_OF_A_TASK[..], &OF_A_ROW].concat()),
        Strategy::Unique => ("unique", [&NOT_OF_A_TRANSACTION[..], &OF_A_ROW].concat()),
        Strategy::Message if takes_tx(reader) => {
            ("message", [&NOT_OF_A_FUNCTION[..], &NOT_OF_A_TRANSACTION, &OF_A_ROW].concat())
        }
        Strategy::Message => ("message", [&NOT_OF_A_FUNCTION[..], &OF_A_ROW].concat()),
    };
    let of_others = if strategy == Strategy::Unique { &[][..] } else { &OF_AN_INDEX[..] };
    let of_functions = if strategy == Strategy::Message { &[][..] } else { &OF_A_FUNCTION[..] };
    let of_reads = if strategy == Strategy::Cache { &[][..] } else { &OF_A_CACHE[..] };
    let unused = [&unused[..], of_others, of_functions, of_reads].concat();
    let keyless = strategy.is_transactional()
        && !matches!(strategy, Strategy::DedupTable | Strategy::Message)
        && reader.find("key").is_none();
    for argument in reader.arguments {
        let name = argument.name.to_string();
        if unused.contains(&name.as_str()) {
            let takes = NAMES.into_iter().filter(|name| !unused.contains(name));
            let what = format!("`{name}` has no effect with `strategy = \"{word}\"`");
            reader.mistakes.add(
                Mistake::new(argument.name.span(), what)
                    .help(format!("leave `{name}` out"))
                    .note(format!("this strategy takes {}", listed(takes))),
            );
        } else if keyless && OF_A_KEY.contains(&name.as_str()) {
            let what = format!("`{name}` has no effect without a key");
            reader.mistakes.add(Mistake::new(argument.name.span(), what).help(format!(
                "add `key = \"{{header.Idempotency-Key}}\"`, or leave `{name}` out"
            )));
        }
    }
}

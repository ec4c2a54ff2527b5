//! Rules between arguments: what needs, excludes or contradicts what.

use crate::diagnostics::{Mistake, listed};
use crate::model::{
    Fingerprint, OnDuplicate, OnInFlight, OnStoreError, Policy, Presence, Segment, Setting,
    Strategy, Template,
};
use crate::parse::{Argument, Value};
use crate::validate::{NAMES, Reader, Subject, unique};
use proc_macro2::Span;
use syn::{Lit, LitStr};

type Rule = fn(&Reader<'_>, &Policy, &Template) -> Option<Mistake>;

const RULES: [Rule; 12] = [
    key_varies,
    token_is_one_placeholder,
    token_is_required,
    token_is_checked,
    wait_needs_waiting,
    tx_needs_transaction,
    accepting_needs_version,
    timestamp_needs_window,
    function_is_compared_by_template,
    lease_below_ttl,
    wait_below_ttl,
    headers_need_replay,
];

/// What a lock has no use for: nothing of it is stored, and nobody is told from anybody.
const NOT_OF_A_LOCK: [&str; 13] = [
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

/// What a transaction has no use for: the database's own locks take the place of leases.
const NOT_OF_A_TRANSACTION: [&str; 4] = ["lease", "on_in_flight", "on_abandoned", "on_store_error"];

/// What a function has no use for: it has no request and no response.
const NOT_OF_A_FUNCTION: [&str; 7] =
    ["on_store_error", "store", "headers", "message", "required", "within", "timestamp"];

/// What only a function has a use for.
const OF_A_FUNCTION: [&str; 1] = ["engine"];

/// What only a row has a use for.
const OF_A_ROW: [&str; 7] = ["table", "id", "id_column", "column", "version", "from", "to"];

/// What only a unique index has a use for.
const OF_AN_INDEX: [&str; 2] = ["existing", "constraint"];

/// What only a key has a use for.
const OF_A_KEY: [&str; 6] = ["ttl", "fingerprint", "store", "headers", "required", "scope"];

pub(super) fn check(reader: &mut Reader<'_>, policy: &Policy, key: &Template) {
    check_use(reader, policy.strategy);
    for rule in RULES {
        if let Some(mistake) = rule(reader, policy, key) {
            reader.mistakes.add(mistake);
        }
    }
}

/// Every argument is one that the strategy takes.
fn check_use(reader: &mut Reader<'_>, strategy: Strategy) {
    let (word, unused): (_, Vec<&str>) = match strategy {
        Strategy::RequestId => ("request_id", OF_A_ROW.to_vec()),
        Strategy::Token => ("token", OF_A_ROW.to_vec()),
        Strategy::Lock => ("lock", [&NOT_OF_A_LOCK[..], &OF_A_ROW].concat()),
        Strategy::DedupTable => ("dedup_table", [&NOT_OF_A_TRANSACTION[..], &OF_A_ROW].concat()),
        Strategy::RowLock => ("row_lock", [&NOT_OF_A_TRANSACTION[..], &OF_A_ROW[3..]].concat()),
        Strategy::Version => ("version", [&NOT_OF_A_TRANSACTION[..], &OF_A_ROW[5..]].concat()),
        Strategy::State => ("state", [&NOT_OF_A_TRANSACTION[..], &["version"]].concat()),
        Strategy::Async => ("async", [&NOT_OF_A_TASK[..], &OF_A_ROW].concat()),
        Strategy::Unique => ("unique", [&NOT_OF_A_TRANSACTION[..], &OF_A_ROW].concat()),
        Strategy::Message => ("message", [&NOT_OF_A_FUNCTION[..], &OF_A_ROW].concat()),
    };
    let of_others = if strategy == Strategy::Unique { &[][..] } else { &OF_AN_INDEX[..] };
    let of_functions = if strategy == Strategy::Message { &[][..] } else { &OF_A_FUNCTION[..] };
    let unused = [&unused[..], of_others, of_functions].concat();
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

/// The key must tell requests apart; a lock may be the only one of its kind.
fn key_varies(reader: &Reader<'_>, policy: &Policy, key: &Template) -> Option<Mistake> {
    let written = reader.find("key")?;
    (policy.strategy != Strategy::Lock && !key.0.is_empty() && key.is_constant()).then(|| {
        let (what, example) = match reader.subject {
            Subject::Handler => ("request", "{header.Idempotency-Key}"),
            Subject::Function => ("call", "{message.id}"),
        };
        Mistake::new(written.span(), format!("the key is the same for every {what}"))
            .help(format!("put a placeholder into it: `key = \"{example}\"`"))
    })
}

/// A token is compared and verified whole.
fn token_is_one_placeholder(
    reader: &Reader<'_>,
    policy: &Policy,
    key: &Template,
) -> Option<Mistake> {
    let written = reader.find("key")?;
    let is_one = matches!(key.0.as_slice(), [] | [Segment::Request(..) | Segment::Value(..)]);
    (policy.strategy == Strategy::Token && !is_one && !key.is_constant()).then(|| {
        Mistake::new(written.span(), "the key of a token is the token and nothing else")
            .help("write one placeholder: `key = \"{header.token}\"`")
    })
}

/// Without its token a request of this strategy has no meaning.
fn token_is_required(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("required")?;
    (policy.strategy == Strategy::Token && policy.presence == Presence::Optional).then(|| {
        Mistake::new(written.span(), "`strategy = \"token\"` cannot do without the token")
            .help("leave `required` out, or use `strategy = \"request_id\"`")
    })
}

/// Without the store any token would do.
fn token_is_checked(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("on_store_error")?;
    let unchecked = policy.on_store_error == OnStoreError::Run;
    (policy.strategy == Strategy::Token && unchecked).then(|| {
        Mistake::new(written.span(), "`strategy = \"token\"` cannot run without its store")
            .help("leave `on_store_error` out")
            .note("nobody else knows which tokens were issued, and which are used up")
    })
}

fn wait_needs_waiting(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("wait")?;
    let waits = match policy.strategy {
        Strategy::RequestId | Strategy::Token | Strategy::Message => {
            policy.on_in_flight == OnInFlight::Wait
        }
        _ => true,
    };
    (!waits).then(|| {
        Mistake::new(written.name.span(), "`wait` has no effect: duplicates in flight are rejected")
            .help("add `on_in_flight = \"wait\"`, or leave `wait` out")
    })
}

/// Only a version tells whether an update went through.
fn accepting_needs_version(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("on_duplicate")?;
    let accepts = policy.on_duplicate == OnDuplicate::Accept;
    (accepts && policy.strategy != Strategy::Version).then(|| {
        Mistake::new(written.span(), "`on_duplicate = \"accept\"` is for `strategy = \"version\"`")
            .help("choose `\"replay\"` or `\"reject\"`")
    })
}

/// Where no guard stands in a transaction, there is none.
fn tx_needs_transaction(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let tx = reader.parameters.iter().find_map(unique::tx)?;
    (!policy.strategy.is_transactional()).then(|| {
        Mistake::new(tx.span(), "`Tx` is the transaction of a guard that stands in one")
            .help("choose `strategy = \"dedup_table\"`: effect and record then commit together")
            .note("`row_lock`, `version`, `state` and `unique` stand in a transaction, too")
            .note("with other strategies, begin a transaction on your own pool")
    })
}

/// Nothing of a function's call is compared unless it says what.
fn function_is_compared_by_template(
    reader: &Reader<'_>,
    policy: &Policy,
    _: &Template,
) -> Option<Mistake> {
    let written = reader.find("fingerprint")?;
    let of_request = matches!(policy.fingerprint, Fingerprint::Request)
        && matches!(&written.value, Value::Literal(Lit::Str(text)) if text.value() == "request");
    (policy.strategy == Strategy::Message && of_request).then(|| {
        Mistake::new(written.span(), "a function has no request that could be compared")
            .help("name what must be equal: `fingerprint = \"{message.amount}\"`, or leave it out")
    })
}

fn timestamp_needs_window(reader: &Reader<'_>, _: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("timestamp")?;
    reader.find("within").is_none().then(|| {
        Mistake::new(written.name.span(), "`timestamp` has no effect without `within`")
            .help("add `within = \"5m\"`, or leave `timestamp` out")
    })
}

/// A run must not outlive the record that excludes others.
fn lease_below_ttl(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    below_ttl(reader, policy, "lease", policy.lease)
}

/// Whoever waits must find the record still there.
fn wait_below_ttl(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    below_ttl(reader, policy, "wait", policy.wait)
}

fn below_ttl(
    reader: &Reader<'_>,
    policy: &Policy,
    name: &str,
    setting: Setting<std::time::Duration>,
) -> Option<Mistake> {
    let written = reader.find(name)?;
    let (Setting::Own(setting), Setting::Own(ttl)) = (setting, policy.ttl) else { return None };
    (setting >= ttl).then(|| {
        Mistake::new(written.span(), format!("`{name}` must be shorter than `ttl`"))
            .help(format!("shorten `{name}` or lengthen `ttl`"))
            .note("`ttl` is how long a finished request is remembered")
    })
}

/// A rejected duplicate gets no headers.
fn headers_need_replay(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("headers")?;
    (policy.on_duplicate == OnDuplicate::Reject).then(|| {
        Mistake::new(written.name.span(), "`headers` has no effect: duplicates are rejected")
            .help("leave `headers` out, or replay: `on_duplicate = \"replay\"`")
    })
}

/// There is no header that tokens come in by convention, and no lock without a name.
pub(super) fn needs_key(strategy: Strategy, written: Option<&Argument>) -> Mistake {
    let span = written.map_or_else(Span::call_site, Argument::span);
    if strategy == Strategy::Message {
        return Mistake::new(span, "`strategy = \"message\"` needs to know which message it is")
            .help("add `key = \"{message.id}\"`, with a parameter of the function");
    }
    if strategy == Strategy::Lock {
        return Mistake::new(span, "`strategy = \"lock\"` needs a name for what it locks")
            .help("add `key = \"account:{path.id}\"`, or a constant for one lock of all requests");
    }
    Mistake::new(span, "`strategy = \"token\"` needs to know where the token is")
        .help("add `key = \"{header.token}\"`, or `key = \"{form.token}\"` for a form")
}

pub(super) fn fingerprint_varies(text: &LitStr, template: &Template) -> Result<(), Mistake> {
    if !template.0.is_empty() && template.is_constant() {
        let written = text.value();
        return Err(Mistake::new(text.span(), format!("unknown `fingerprint`: `{written}`"))
            .suggest(&written, ["request", "none"])
            .note("`fingerprint` is `request`, `none` or a template such as `{order.sku}`"));
    }
    Ok(())
}

pub(super) fn scope_varies(text: &LitStr, template: &Template) -> Result<(), Mistake> {
    if !template.0.is_empty() && template.is_constant() {
        return Err(Mistake::new(text.span(), "the scope is the same for every caller")
            .suggest(&text.value(), ["shared"])
            .help("put a placeholder into it: `scope = \"{header.Authorization}\"`")
            .note("to let all callers share keys and responses on purpose: `scope = \"shared\"`"));
    }
    Ok(())
}

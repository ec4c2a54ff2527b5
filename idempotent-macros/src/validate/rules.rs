//! Rules between arguments: what needs, excludes or contradicts what.

use crate::diagnostics::Mistake;
use crate::model::{
    Fingerprint, KeyRequirement, OnDuplicate, OnInFlight, OnStoreError, Policy, Segment, Setting,
    Strategy, Template,
};
use crate::parse::{Argument, Value};
use crate::validate::{Reader, Subject, unique, uses};
use proc_macro2::Span;
use std::time::Duration;
use syn::{Lit, LitStr};

type Rule = fn(&Reader<'_>, &Policy, &Template) -> Option<Mistake>;

const RULES: [Rule; 15] = [
    cache_needs_ttl,
    key_varies,
    token_is_one_placeholder,
    token_is_required,
    token_is_checked,
    wait_needs_waiting,
    tx_needs_transaction,
    accepting_needs_version,
    timestamp_needs_window,
    first_sent_needs_time,
    function_is_compared_by_template,
    lease_can_be_renewed,
    lease_below_ttl,
    wait_below_ttl,
    headers_need_replay,
];

pub(super) fn check(reader: &mut Reader<'_>, policy: &Policy, key: &Template) {
    uses::check(reader, policy.strategy);
    for rule in RULES {
        if let Some(mistake) = rule(reader, policy, key) {
            reader.mistakes.add(mistake);
        }
    }
}

/// How long an answer is good for, nobody else can know.
fn cache_needs_ttl(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("strategy")?;
    (policy.strategy == Strategy::Cache && reader.find("ttl").is_none()).then(|| {
        Mistake::new(
            written.span(),
            "`strategy = \"cache\"` needs to know how long an answer is read",
        )
        .help("add `ttl = \"30s\"`, and `stale = \"30s\"` to read it while a new one is computed")
    })
}

/// The key must tell requests apart; a lock or an answer may be the only one of its kind.
fn key_varies(reader: &Reader<'_>, policy: &Policy, key: &Template) -> Option<Mistake> {
    let written = reader.find("key")?;
    let alone = matches!(policy.strategy, Strategy::Lock | Strategy::Cache);
    (!alone && !key.0.is_empty() && key.is_constant()).then(|| {
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
    (policy.strategy == Strategy::Token && policy.key_requirement == KeyRequirement::Optional).then(
        || {
            Mistake::new(written.span(), "`strategy = \"token\"` cannot do without the token")
                .help("leave `required` out, or use `strategy = \"request_id\"`")
        },
    )
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
        Strategy::Message if takes_tx(reader) => true,
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

pub(super) fn takes_tx(reader: &Reader<'_>) -> bool {
    reader.parameters.iter().any(|parameter| unique::tx(parameter).is_some())
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

/// What is left of a record's life, less what clocks may differ, must be worth having.
fn first_sent_needs_time(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    reader.find("first_sent")?;
    let written = reader.find("ttl")?;
    let Setting::Own(ttl) = policy.ttl else { return None };
    (ttl < SHORTEST_TO_RETRY).then(|| {
        Mistake::new(written.span(), "with `first_sent`, `ttl` must be a minute or longer")
            .help("write `ttl = \"24h\"`, or as long as clients may retry")
            .note("a request is refused once it is older than its `ttl` less 30 seconds, by which clocks may differ")
    })
}

/// Twice what clocks may differ.
const SHORTEST_TO_RETRY: Duration = Duration::from_mins(1);

/// As the runtime has it.
const SHORTEST_LEASE: Duration = Duration::from_millis(100);

fn lease_can_be_renewed(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("lease")?;
    let Setting::Own(lease) = policy.lease else { return None };
    (lease < SHORTEST_LEASE).then(|| {
        Mistake::new(written.span(), "`lease` is shorter than 100 milliseconds")
            .help("write at least `lease = \"100ms\"`")
            .note("a lease is renewed at a third of its length, which takes a round trip to the store")
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
    setting: Setting<Duration>,
) -> Option<Mistake> {
    let written = reader.find(name)?;
    if policy.strategy == Strategy::Cache {
        // How long computing takes has nothing to do with how long its answer is read.
        return None;
    }
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

//! Rules between arguments: one needs, excludes or contradicts another.

use crate::diagnostics::Mistake;
use crate::limits::{CLOCK_SKEW, SHORTEST_LEASE};
use crate::model::{
    Fingerprint, KeyRequirement, OnDuplicate, OnInFlight, OnStoreError, Policy, Segment, Setting,
    Template,
};
use crate::parse::{Argument, Value};
use crate::strategy::{GuardPlace, KeyForm, RowCondition, Subject, TtlOf};
use crate::validate::reader::Reader;
use crate::validate::{tx, uses};
use proc_macro2::Span;
use std::time::Duration;
use syn::Lit;

type Rule = fn(&Reader<'_>, &Policy, &Template) -> Option<Mistake>;

const RULES: [Rule; 21] = [
    key_varies,
    token_is_one_placeholder,
    token_is_required,
    token_is_checked,
    wait_needs_waiting,
    tx_needs_transaction,
    record_needs_tx,
    accepting_needs_version,
    duplicates_need_key,
    accepting_excludes_a_key,
    owner_is_one_placeholder,
    owner_column_needs_owner,
    if_match_reads_the_header,
    timestamp_needs_window,
    first_sent_needs_time,
    function_is_compared_by_template,
    lease_can_be_renewed,
    lease_below_ttl,
    wait_below_ttl,
    headers_need_replay,
    header_is_kept_or_dropped,
];

/// Adds the mistake of every rule that is broken.
pub(super) fn check(reader: &mut Reader<'_>, policy: &Policy, key: &Template) {
    for rule in RULES {
        if let Some(mistake) = rule(reader, policy, key) {
            reader.mistakes.add(mistake);
        }
    }
}

/// The key must tell requests apart; a lock or an answer may be the only one of its kind.
fn key_varies(reader: &Reader<'_>, _: &Policy, key: &Template) -> Option<Mistake> {
    let written = reader.find("key")?;
    let varies = reader.strategy.key_form != KeyForm::MayBeConstant;
    (varies && !key.0.is_empty() && key.is_constant()).then(|| {
        let (what, example) = match reader.strategy.subject {
            Subject::Handler => ("request", "{header.Idempotency-Key}"),
            Subject::Function => ("call", "{message.id}"),
        };
        Mistake::new(written.span(), format!("the key is the same for every {what}"))
            .help(format!("put a placeholder into it: `key = \"{example}\"`"))
    })
}

/// A token is compared and verified as a whole.
fn token_is_one_placeholder(reader: &Reader<'_>, _: &Policy, key: &Template) -> Option<Mistake> {
    let written = reader.find("key")?;
    let is_one = matches!(key.0.as_slice(), [] | [Segment::Request(..) | Segment::Value(..)]);
    (reader.strategy.key_form == KeyForm::Token && !is_one && !key.is_constant()).then(|| {
        Mistake::new(written.span(), "the key of a token is the token and nothing else")
            .help("write one placeholder: `key = \"{header.token}\"`")
    })
}

/// Without its token a request of this strategy has no meaning.
fn token_is_required(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("required")?;
    (reader.strategy.key_form == KeyForm::Token
        && policy.key_requirement == KeyRequirement::Optional)
        .then(|| {
            Mistake::new(written.span(), "`strategy = \"token\"` cannot do without the token")
                .help("leave `required` out, or use `strategy = \"request_id\"`")
        })
}

/// Without the store, every token would be accepted.
fn token_is_checked(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("on_store_error")?;
    let unchecked = policy.on_store_error == OnStoreError::Run;
    (reader.strategy.key_form == KeyForm::Token && unchecked).then(|| {
        Mistake::new(written.span(), "`strategy = \"token\"` cannot run without its store")
            .help("leave `on_store_error` out")
            .note("only the store knows which tokens were issued, and which are used up")
    })
}

/// A wait has an effect only if a duplicate is not rejected at once.
fn wait_needs_waiting(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("wait")?;
    let may_reject = uses::takes(reader, "on_in_flight");
    let waits = !may_reject || policy.on_in_flight == OnInFlight::Wait;
    (!waits).then(|| {
        Mistake::new(written.name.span(), "`wait` has no effect: duplicates in flight are rejected")
            .help("add `on_in_flight = \"wait\"`, or leave `wait` out")
    })
}

/// Only a version tells whether an update went through.
fn accepting_needs_version(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("on_duplicate")?;
    let accepts = policy.on_duplicate == OnDuplicate::Accept;
    (accepts && reader.strategy.row != RowCondition::HasVersion).then(|| {
        Mistake::new(written.span(), "`on_duplicate = \"accept\"` is for `strategy = \"version\"`")
            .help("choose `\"replay\"` or `\"reject\"`")
    })
}

/// Without a key no request is known as a duplicate; a version alone tells that an update went through.
fn duplicates_need_key(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("on_duplicate")?;
    let is_unkeyed = policy.key_requirement == KeyRequirement::Unkeyed;
    let accepts = policy.on_duplicate == OnDuplicate::Accept;
    (is_unkeyed && !accepts && uses::takes(reader, "on_duplicate"))
        .then(|| uses::not_without_key(written))
}

/// A key already tells who repeats a request, and another client's update is not its own.
fn accepting_excludes_a_key(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("on_duplicate")?;
    let accepts = policy.on_duplicate == OnDuplicate::Accept;
    (accepts && reader.find("key").is_some()).then(|| {
        Mistake::new(written.span(), "`on_duplicate = \"accept\"` does not go with a `key`")
            .help("leave `on_duplicate` out: a retry with the same key gets the first answer")
            .note("without a key, every client that sent the version before the current one gets a success, even one whose update was not applied")
    })
}

/// Two values side by side could be read as two others.
fn owner_is_one_placeholder(reader: &Reader<'_>, _: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("owner")?;
    let Value::Literal(Lit::Str(text)) = &written.value else { return None };
    (text.value().matches('{').count() != 1).then(|| {
        Mistake::new(written.span(), "the owner of a row is one value of the request")
            .help("write one placeholder that names the caller: `owner = \"{account.id}\"`")
    })
}

/// A column of owners has no effect without an owner.
fn owner_column_needs_owner(reader: &Reader<'_>, _: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("owner_column")?;
    reader.find("owner").is_none().then(|| {
        Mistake::new(written.name.span(), "`owner_column` has no effect without `owner`")
            .help("add `owner = \"{account.id}\"`, or leave `owner_column` out")
    })
}

/// A version that is read elsewhere than in `If-Match` has no tags.
fn if_match_reads_the_header(reader: &Reader<'_>, _: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("if_match")?;
    let version = reader.find("version")?;
    let Value::Literal(Lit::Str(text)) = &version.value else { return None };
    (!text.value().eq_ignore_ascii_case("{header.If-Match}")).then(|| {
        Mistake::new(written.name.span(), "`if_match` has no effect: `version` is read elsewhere")
            .help("leave `version` out for the header `If-Match`, or leave `if_match` out")
    })
}

/// A `Tx` exists only with a strategy whose guard can stand in a transaction.
fn tx_needs_transaction(reader: &Reader<'_>, _: &Policy, _: &Template) -> Option<Mistake> {
    let tx = tx::taken(reader.parameters)?;
    (reader.strategy.guard == GuardPlace::Lease).then(|| {
        Mistake::new(tx, "`Tx` needs a strategy whose guard stands in a transaction")
            .help("choose `strategy = \"dedup_table\"`: effect and record then commit together")
            .note("`row_lock`, `version`, `state` and `unique` stand in a transaction, too")
            .note("with other strategies, begin a transaction on your own pool")
            .note("if it is a type of your own, mark the parameter: `#[tx(false)]`")
    })
}

/// A record commits with the effects of a handler that works in its transaction.
fn record_needs_tx(reader: &Reader<'_>, _: &Policy, _: &Template) -> Option<Mistake> {
    let is_record = reader.strategy.guard == GuardPlace::Transaction
        && reader.strategy.row == RowCondition::NoRow;
    (is_record && tx::is_impossible(reader.parameters)).then(|| {
        let span = reader.find("strategy").map_or_else(Span::call_site, Argument::span);
        let name = reader.strategy.name;
        Mistake::new(span, format!("`strategy = \"{name}\"` needs a transaction for its record"))
            .help("add a parameter `mut tx: Tx<Sqlite>` (`Tx<Postgres>`, `Tx<MySql>`), and write in it")
            .note("what is written elsewhere does not commit with the record")
            .note("an extractor of your own may hold the `Tx`: if a parameter is one, mark it by `#[tx]`")
    })
}

/// Of a function's call only the fingerprint that it names is compared.
fn function_is_compared_by_template(
    reader: &Reader<'_>,
    policy: &Policy,
    _: &Template,
) -> Option<Mistake> {
    let written = reader.find("fingerprint")?;
    let of_request = matches!(policy.fingerprint, Fingerprint::Request)
        && matches!(&written.value, Value::Literal(Lit::Str(text)) if text.value() == "request");
    (reader.strategy.subject == Subject::Function && of_request).then(|| {
        Mistake::new(written.span(), "a function has no request that could be compared")
            .help("name what must be equal: `fingerprint = \"{message.amount}\"`, or leave it out")
    })
}

/// A timestamp is compared only with a window.
fn timestamp_needs_window(reader: &Reader<'_>, _: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("timestamp")?;
    (!reader.is_written("within")).then(|| {
        Mistake::new(written.name.span(), "`timestamp` has no effect without `within`")
            .help("add `within = \"5m\"`, or leave `timestamp` out")
    })
}

/// A client must have time to retry, although the clocks may differ.
fn first_sent_needs_time(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    reader.find("first_sent")?;
    let written = reader.find("ttl")?;
    let Setting::Own(ttl) = policy.ttl else { return None };
    (ttl < CLOCK_SKEW * 2).then(|| {
        Mistake::new(written.span(), "with `first_sent`, `ttl` must be a minute or longer")
            .help("write `ttl = \"24h\"`, or as long as clients may retry")
            .note("a request is refused once it is older than its `ttl`, less the 30 seconds by which clocks may differ")
    })
}

/// A renewal must reach the store before the lease expires.
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

/// A duplicate that waits must find the record at the end.
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
    if reader.strategy.ttl == TtlOf::Answer {
        // The time that computing takes does not depend on how long the answer is read.
        return None;
    }
    let (Setting::Own(setting), Setting::Own(ttl)) = (setting, policy.ttl) else { return None };
    (setting >= ttl).then(|| {
        Mistake::new(written.span(), format!("`{name}` must be shorter than `ttl`"))
            .help(format!("shorten `{name}` or lengthen `ttl`"))
            .note("`ttl` is how long a finished request is remembered")
    })
}

/// A rejected duplicate gets no stored headers.
fn headers_need_replay(reader: &Reader<'_>, policy: &Policy, _: &Template) -> Option<Mistake> {
    let written = reader.find("headers").or(reader.find("drop_headers"))?;
    (policy.on_duplicate == OnDuplicate::Reject).then(|| {
        let name = &written.name;
        Mistake::new(name.span(), format!("`{name}` has no effect: duplicates are rejected"))
            .help(format!("leave `{name}` out, or replay: `on_duplicate = \"replay\"`"))
    })
}

/// A header cannot be both kept and left out.
fn header_is_kept_or_dropped(
    reader: &Reader<'_>,
    policy: &Policy,
    _: &Template,
) -> Option<Mistake> {
    let written = reader.find("drop_headers")?;
    let both = policy.drop_headers.iter().find(|name| policy.headers.contains(name))?;
    Some(
        Mistake::new(written.span(), format!("`{both}` is both kept and left out"))
            .help(format!("name `{both}` in `headers` or in `drop_headers`")),
    )
}

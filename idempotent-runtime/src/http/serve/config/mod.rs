//! The policy of a middleware, read from a config file.

mod written;

use crate::http::answer::kept_headers::is_never_kept;
use crate::http::serve::config::written::{PolicyField, WrittenPolicy, WrongField};
use crate::policy::{
    FingerprintOf, KeyRequirement, OnAbandoned, OnDuplicate, OnInFlight, OnStoreError, Policy,
    SHORTEST_LEASE, Statuses, Strategy,
};
use serde::Deserialize;
use std::time::Duration;

/// The policy of a [`Middleware`](crate::Middleware), read from a config file by serde.
///
/// Its fields are arguments of [`idempotent`](macro@crate::idempotent), with their values and units: `strategy`
/// (`"request_id"` or `"token"`), `operation`, `ttl`, `lease`, `on_duplicate`, `on_in_flight`, `wait`,
/// `on_abandoned`, `on_store_error`, `fingerprint` (`"request"` or `"none"`), `store`, `headers`, `drop_headers`,
/// `max_body`, `message`, `required` and `within`. Each of them may be left out, and then has its default. A
/// field that is unknown, cannot be read or contradicts another is an error that names it.
///
/// ```
/// use idempotent_runtime::{Idempotency, MemoryStore, Middleware, MiddlewareConfig, Scope};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let file = r#"{"ttl": "48h", "on_in_flight": "wait", "wait": "5s", "max_body": "64KiB"}"#;
/// // `file` holds {"ttl": "48h", "on_in_flight": "wait", "wait": "5s", "max_body": "64KiB"}
/// let config: MiddlewareConfig = serde_json::from_str(file)?;
/// let idempotency = Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).build()?;
/// let guard = Middleware::new(&idempotency, config.policy());
/// # let wrong = serde_json::from_str::<MiddlewareConfig>(r#"{"ttl": "48 hours"}"#).unwrap_err();
/// # assert!(wrong.to_string().starts_with("`ttl`: `48 hours` is not a duration"), "{wrong}");
/// # let _ = guard;
/// # Ok(())
/// # }
/// ```
///
/// A policy lives as long as the process, so read it once, before the server starts its workers.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(try_from = "WrittenPolicy")]
pub struct MiddlewareConfig(&'static Policy);

impl MiddlewareConfig {
    /// The policy itself.
    #[must_use]
    pub const fn policy(self) -> &'static Policy {
        self.0
    }
}

impl TryFrom<WrittenPolicy> for MiddlewareConfig {
    type Error = WrongField;

    fn try_from(written: WrittenPolicy) -> Result<Self, WrongField> {
        let strategies = [("request_id", Strategy::RequestId), ("token", Strategy::Token)];
        let strategy = PolicyField("strategy", written.strategy.as_ref()).choice(&strategies)?;
        let mut policy = Policy::of_routes(strategy.unwrap_or(Strategy::RequestId));
        set_identity(&mut policy, &written)?;
        set_times(&mut policy, &written)?;
        set_choices(&mut policy, &written)?;
        set_answers(&mut policy, &written)?;
        check_token(&policy)?;
        Ok(Self(Box::leak(Box::new(policy))))
    }
}

fn set_identity(policy: &mut Policy, written: &WrittenPolicy) -> Result<(), WrongField> {
    let operation = PolicyField("operation", written.operation.as_ref());
    if let Some(name) = operation.text()? {
        if name.len() > 100 || name.chars().any(char::is_control) {
            return Err(operation.wrong("an operation's name is at most 100 bytes of text"));
        }
        *policy = policy.operation(leaked(name));
    }
    if let Some(bytes) = PolicyField("max_body", written.max_body.as_ref()).size()? {
        *policy = policy.max_body(bytes);
    }
    let choices = [("request", FingerprintOf::Request), ("none", FingerprintOf::Nothing)];
    if let Some(choice) =
        PolicyField("fingerprint", written.fingerprint.as_ref()).choice(&choices)?
    {
        *policy = policy.fingerprint(choice);
    }
    let required = PolicyField("required", written.required.as_ref());
    if required.flag()? == Some(false) {
        *policy = policy.key_requirement(KeyRequirement::Optional);
    }
    Ok(())
}

fn set_times(policy: &mut Policy, written: &WrittenPolicy) -> Result<(), WrongField> {
    let (lease, wait) =
        (PolicyField("lease", written.lease.as_ref()), PolicyField("wait", written.wait.as_ref()));
    let ttl = PolicyField("ttl", written.ttl.as_ref()).duration()?;
    let below_ttl = |field: &PolicyField<'_>| -> Result<Option<Duration>, WrongField> {
        let duration = field.duration()?;
        if duration.zip(ttl).is_some_and(|(duration, ttl)| duration >= ttl) {
            return Err(field.wrong("it must be shorter than `ttl`"));
        }
        Ok(duration)
    };
    if let Some(ttl) = ttl {
        *policy = policy.ttl(ttl);
    }
    if let Some(duration) = below_ttl(&lease)? {
        if duration < SHORTEST_LEASE {
            return Err(lease.wrong("it is shorter than 100 milliseconds"));
        }
        *policy = policy.lease(duration);
    }
    if let Some(duration) = below_ttl(&wait)? {
        *policy = policy.wait(duration);
    }
    if let Some(window) = PolicyField("within", written.within.as_ref()).duration()? {
        *policy = policy.within(window);
    }
    Ok(())
}

fn set_choices(policy: &mut Policy, written: &WrittenPolicy) -> Result<(), WrongField> {
    let choices = [("replay", OnDuplicate::Replay), ("reject", OnDuplicate::Reject)];
    if let Some(choice) =
        PolicyField("on_duplicate", written.on_duplicate.as_ref()).choice(&choices)?
    {
        *policy = policy.on_duplicate(choice);
    }
    let choices = [("reject", OnInFlight::Reject), ("wait", OnInFlight::Wait)];
    if let Some(choice) =
        PolicyField("on_in_flight", written.on_in_flight.as_ref()).choice(&choices)?
    {
        *policy = policy.on_in_flight(choice);
    }
    if policy.wait.is_some() && policy.on_in_flight != OnInFlight::Wait {
        let why = "it has no effect without `on_in_flight` = `wait`";
        return Err(PolicyField("wait", None).wrong(why));
    }
    let choices = [("retry", OnAbandoned::Retry), ("hold", OnAbandoned::Hold)];
    if let Some(choice) =
        PolicyField("on_abandoned", written.on_abandoned.as_ref()).choice(&choices)?
    {
        *policy = policy.on_abandoned(choice);
    }
    let choices = [("refuse", OnStoreError::Refuse), ("run", OnStoreError::Run)];
    if let Some(choice) =
        PolicyField("on_store_error", written.on_store_error.as_ref()).choice(&choices)?
    {
        *policy = policy.on_store_error(choice);
    }
    Ok(())
}

fn set_answers(policy: &mut Policy, written: &WrittenPolicy) -> Result<(), WrongField> {
    if let Some(text) = PolicyField("message", written.message.as_ref()).text()? {
        *policy = policy.message(leaked(text));
    }
    if let Some(ranges) = PolicyField("store", written.store.as_ref()).statuses()? {
        *policy = policy.statuses(Statuses::ranges(Vec::leak(ranges)));
    }
    let kept = PolicyField("headers", written.headers.as_ref());
    let dropped = PolicyField("drop_headers", written.drop_headers.as_ref());
    for field in [&kept, &dropped] {
        if field.1.is_some() && policy.on_duplicate == OnDuplicate::Reject {
            return Err(field.wrong("it has no effect: duplicates are rejected"));
        }
    }
    let (names, left_out) = (kept.names()?, dropped.names()?);
    if let Some(name) = names.iter().find(|name| is_never_kept(name)) {
        return Err(kept.wrong(&format!("`{name}` is never replayed")));
    }
    if let Some(name) = left_out.iter().find(|name| names.contains(*name)) {
        return Err(dropped.wrong(&format!("`{name}` is in `headers`, too")));
    }
    let leaked = |names: Vec<String>| -> &'static [&'static str] {
        Vec::leak(names.into_iter().map(leaked).collect())
    };
    *policy = policy.headers(leaked(names)).drop_headers(leaked(left_out));
    Ok(())
}

/// Tokens need an operation for which they are issued, a token in each request, and a store that is asked.
fn check_token(policy: &Policy) -> Result<(), WrongField> {
    if policy.strategy != Strategy::Token {
        return Ok(());
    }
    if policy.operation.is_none() {
        return Err(
            PolicyField("operation", None).wrong("`token` needs the operation of its tokens")
        );
    }
    if policy.key_requirement == KeyRequirement::Optional {
        return Err(PolicyField("required", None).wrong("`token` cannot do without the token"));
    }
    if policy.on_store_error == OnStoreError::Run {
        return Err(
            PolicyField("on_store_error", None).wrong("`token` cannot run without its store")
        );
    }
    Ok(())
}

/// A policy lives as long as the program, and so do its texts.
fn leaked(text: String) -> &'static str {
    String::leak(text)
}

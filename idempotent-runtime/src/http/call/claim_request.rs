//! From a request to its claim request: its time window, its scope, its key and its fingerprint.

#![expect(clippy::result_large_err, reason = "a box for each exit would cost more than its moves")]

use crate::engine::{ClaimRequest, Refusal};
use crate::fingerprint::Fingerprint;
use crate::http::answer::problem::ProblemKind;
use crate::http::answer::refusal;
use crate::http::app::scope::Unscoped;
use crate::http::call::call::{Call, Exit};
use crate::http::request::timestamp::{self, Untimely};
use crate::http::request::{host, target};
use crate::key::KeyParts;
use crate::policy::{CLOCK_SKEW, DefaultScope, FingerprintOf, Identity, KeyRequirement, Policy};
use crate::strategy::{self, RequestIdentity, Settings, lock, task, token};
use crate::template_value::Unfilled;
use std::borrow::Cow;

/// The claim request; `None` if the request has no key and needs none.
pub(crate) async fn claim_request(call: &Call) -> Result<Option<ClaimRequest>, Exit> {
    if call.policy.within.is_some() {
        check_window(call)?;
    }
    if call.policy.key_requirement == KeyRequirement::Unkeyed {
        return Ok(None);
    }
    let key = match call.values.key.segments() {
        Ok(key) => key,
        Err(Unfilled::Absent(_)) if call.policy.key_requirement == KeyRequirement::Optional => {
            return Ok(None);
        }
        Err(_) => call.filled(&call.values.key, ProblemKind::KeyInvalid)?,
    };
    check_first_sent(call)?;
    let scope = scope(call).await?;
    let path = target::path(&call.request);
    let place = match call.policy.strategy.traits().identity {
        Identity::Route | Identity::Task => place(call, &path)?,
        Identity::Token | Identity::Name => Cow::Borrowed(&*path),
    };
    let identity = RequestIdentity {
        guard: call.guard,
        scope: &scope,
        route: (call.request.method().as_str(), &place),
        operation: call.policy.operation,
        shown: &call.shown,
        key,
        fingerprint: fingerprint(call, &path)?,
        clock: call.app.engine().clock(),
    };
    let request = of_strategy(call.policy, call.app.settings(), &identity);
    call.state.scope.replace(scope);
    request
        .map(Some)
        .map_err(|refused| call.exit(&refusal::problem(&call.request, call.policy, refused)))
}

/// The claim request that the policy's strategy makes, or the reason why the key cannot be claimed.
fn of_strategy(
    policy: &Policy,
    settings: &Settings,
    request: &RequestIdentity<'_>,
) -> Result<ClaimRequest, Refusal> {
    match policy.strategy.traits().identity {
        Identity::Route => Ok(strategy::by_route(policy, settings, request)),
        Identity::Token => token::claim_request(policy, settings, request),
        Identity::Name => Ok(lock::claim_request(policy, settings, request)),
        Identity::Task => Ok(task::claim_request(policy, settings, request)),
    }
}

fn check_window(call: &Call) -> Result<(), Exit> {
    let (Some(window), Some(sent)) = (call.policy.within, &call.values.timestamp) else {
        return Ok(());
    };
    call.filled(sent, ProblemKind::StaleRequest)?;
    let now = call.app.engine().clock().wall();
    timestamp::check(sent.value(), now, window)
        .map_err(|why| call.problem(ProblemKind::StaleRequest, why))
}

/// Refuses a retry that comes so late that its record may be forgotten: it would run again.
fn check_first_sent(call: &Call) -> Result<(), Exit> {
    let Some(sent) = &call.values.first_sent else { return Ok(()) };
    let life = call.app.settings().ttl(call.policy);
    if life <= CLOCK_SKEW {
        // The attribute and the middleware check their own ttl. The ttl of the app is known only here.
        let why =
            "the handler's `first_sent` needs a `ttl` of over 30 seconds, by which clocks differ";
        return Err(call.misconfigured(why));
    }
    call.filled(sent, ProblemKind::StaleRequest)?;
    let now = call.app.engine().clock().wall();
    timestamp::check_first(sent.value(), now, life).map_err(|why| match why {
        Untimely::Unusable(why) => call.problem(ProblemKind::StaleRequest, why),
        Untimely::TooLate(why) => call.problem(ProblemKind::RetryTooLate, why),
    })
}

/// The scope of a request, from the handler's own template or by the app's rule.
pub(crate) async fn scope(call: &Call) -> Result<KeyParts, Exit> {
    if let Some(value) = &call.values.scope {
        return call.filled(value, ProblemKind::ScopeMissing).cloned();
    }
    if call.policy.strategy.traits().scope == DefaultScope::Global {
        return Ok(KeyParts::new());
    }
    call.app.scope().read(&call.request).await.map_err(|none| match none {
        Unscoped::Refused(error) => Exit::Refused(error),
        Unscoped::Missing(why) => call.problem(ProblemKind::ScopeMissing, why),
    })
}

/// The place of a request as a part of its identity: its path, and its host if the app keeps hosts apart.
pub(crate) fn place<'a>(call: &Call, path: &'a str) -> Result<Cow<'a, str>, Exit> {
    let place = host::place(call.app.settings().host_role, &call.request, path);
    place.map_err(|why| call.problem(ProblemKind::HostInvalid, why.to_owned()))
}

fn fingerprint(call: &Call, path: &str) -> Result<Fingerprint, Exit> {
    if let Some(value) = &call.values.fingerprint {
        return Ok(Fingerprint::of_segments(call.filled(value, ProblemKind::KeyInvalid)?));
    }
    Ok(match call.policy.fingerprint {
        FingerprintOf::Nothing | FingerprintOf::Template => Fingerprint::NONE,
        FingerprintOf::Request => Fingerprint::of_request(
            call.request.method().as_str(),
            path,
            &target::query(&call.request),
            &call.body.comparable(),
        ),
    })
}

//! Makes the claim requests for the answer of a read.

#![expect(clippy::result_large_err, reason = "a box for each exit would cost more than its moves")]

use crate::fingerprint::Fingerprint;
use crate::http::answer::caching::Audience;
use crate::http::answer::problem::ProblemKind;
use crate::http::call::call::{Call, Exit};
use crate::http::call::claim_request::{place, scope};
use crate::http::request::target;
use crate::key::{Guard, KeyParts};
use crate::policy::KeyRequirement;
use crate::strategy::RequestIdentity;
use crate::strategy::cache::{CacheRequests, requests};
use actix_web::HttpRequest;
use std::borrow::Cow;

/// The claim requests of a read, and the audience of its answer.
pub(super) async fn cache_requests(call: &Call) -> Result<(CacheRequests, Audience), Exit> {
    check_key(call)?;
    let (key, scope) = (read_key(call)?, scope(call).await?);
    let audience = if scope.is_empty() { Audience::All } else { Audience::OneScope };
    let pattern = pattern(&call.request);
    // A named operation does not belong to a route, so it does not belong to a host.
    let owner = match call.policy.operation {
        None => place(call, &pattern)?,
        Some(_) => Cow::Borrowed(&*pattern),
    };
    let identity = RequestIdentity {
        guard: Guard::Cache,
        scope: &scope,
        route: ("", &owner),
        operation: call.policy.operation,
        shown: &call.shown,
        key: &key,
        fingerprint: Fingerprint::NONE,
        clock: call.app.engine().clock(),
    };
    let requests = requests(call.policy, call.app.settings(), &identity);
    call.state.scope.replace(scope);
    Ok((requests, audience))
}

/// Checks that the key of an answer reads all parameters of its route's path. Without `{path.id}` in the key,
/// all users would get the answer of one.
fn check_key(call: &Call) -> Result<(), Exit> {
    let Some(read) = call.policy.key_paths else { return Ok(()) };
    let mut parameters = call.request.match_info().iter();
    let Some((name, _)) = parameters.find(|(name, _)| !read.contains(name)) else { return Ok(()) };
    let why = format!(
        "the key of a cache does not read the path parameter `{name}` of `{}`: add `{{path.{name}}}` \
         to the key, or name the `operation` if all its values share one answer",
        pattern(&call.request),
    );
    Err(call.misconfigured(&why))
}

/// The handler's own template; without one the path and the query.
fn read_key(call: &Call) -> Result<Cow<'_, KeyParts>, Exit> {
    if call.policy.key_requirement == KeyRequirement::Unkeyed {
        let path = target::path(&call.request);
        let key = KeyParts::new().value(&place(call, &path)?);
        return Ok(Cow::Owned(key.value(&target::query(&call.request))));
    }
    call.filled(&call.values.key, ProblemKind::KeyInvalid).map(Cow::Borrowed)
}

/// The pattern of the request's route; the path, if no route matched.
fn pattern(request: &HttpRequest) -> String {
    request.match_pattern().unwrap_or_else(|| target::path(request).into_owned())
}

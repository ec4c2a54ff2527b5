//! The definition behind a request, and the operation that it claims.

#![expect(clippy::result_large_err, reason = "a box for each exit would cost more than its moves")]

use crate::engine::RecordPlace;
use crate::http::call::call::{Call, Exit};
use crate::http::request::target;
use crate::key::Guard;
use crate::policy::{GuardPlace, Identity, KeyRequirement};
use actix_web::HttpRequest;

/// Refuses a handler if another one would answer with its records.
pub(crate) fn check_definition(call: &Call) -> Result<(), Exit> {
    let policy = call.policy;
    let traits = policy.strategy.traits();
    let is_read = traits.guard == GuardPlace::Cache;
    let keeps_nothing = policy.key_requirement == KeyRequirement::Unkeyed && !is_read;
    // A lock's name is global on purpose, and a middleware guards whatever is inside.
    if keeps_nothing || traits.identity == Identity::Name || call.guard.is_middleware() {
        return Ok(());
    }
    let guard = match traits.identity {
        Identity::Token => Guard::Token,
        _ if is_read => Guard::Cache,
        _ => call.guard,
    };
    let pattern = call.request.match_pattern();
    // The only handler where no route matched; paths that outsiders make up are not remembered.
    let Some(found_by) = policy.operation.or(pattern.as_deref()) else { return Ok(()) };
    let method = match policy.operation {
        None if !is_read => Some(call.request.method().as_str()),
        Some(_) | None => None,
    };
    let place = RecordPlace { guard, method, found_by };
    call.app.engine().definitions().claim(place, policy).map_err(|taken| {
        tracing::error!(
            operation = found_by,
            refused = %policy.definition,
            first = %taken.by,
            "two handlers have one operation; name the `operation` of each, or say \
             `shared_operation = true` in both",
        );
        let why = "another handler has the same operation: name the `operation` of each";
        call.misconfigured(why)
    })
}

/// The pattern of the request's route; its path, where none matched.
pub(crate) fn pattern(request: &HttpRequest) -> String {
    request.match_pattern().unwrap_or_else(|| target::path(request).into_owned())
}

//! A guarded operation, as its description has it.

use crate::http::answer::problem::ProblemKind;
use crate::http::openapi::refusals::{named, refusals};
use crate::policy::Policy;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::openapi::Required;
use utoipa::openapi::path::ParameterIn;

/// The extension of an operation that is guarded.
pub(super) const EXTENSION: &str = "x-idempotency";

/// The guard of an operation: the value of its extension `x-idempotency`.
///
/// An attribute above `#[utoipa::path]` writes it by itself. For a handler behind a
/// [`Middleware`](crate::Middleware) write it by hand; [`Guards`](crate::openapi::Guards) does the rest:
///
/// ```
/// use idempotent_runtime::openapi::GuardedOperation;
/// use idempotent_runtime::policy::{Policy, Strategy};
/// use utoipa::openapi::{Required, path::ParameterIn};
///
/// static POLICY: Policy = Policy::of_routes(Strategy::RequestId);
///
/// fn guard() -> GuardedOperation {
///     let guard = GuardedOperation::of(&POLICY);
///     guard.parameter(ParameterIn::Header, "Idempotency-Key", Required::True)
/// }
///
/// #[utoipa::path(post, path = "/orders", extensions(("x-idempotency" = json!(guard()))))]
/// async fn create_order() {}
/// ```
#[derive(Clone, Serialize, Deserialize)]
pub struct GuardedOperation {
    strategy: Cow<'static, str>,
    parameters: Vec<GuardParameter>,
    problems: Vec<Cow<'static, str>>,
}

/// A part of the request that the guard reads.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct GuardParameter {
    pub(super) name: Cow<'static, str>,
    #[serde(rename = "in")]
    pub(super) place: ParameterIn,
    pub(super) required: Required,
}

impl GuardedOperation {
    /// The guard of an operation with this policy, and with every problem that the policy can give.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let problems = refusals(policy).into_iter().map(|kind| kind.name().into()).collect();
        Self { strategy: policy.strategy.name().into(), parameters: Vec::new(), problems }
    }

    /// Adds a part of the request that the guard reads.
    #[must_use]
    pub fn parameter(mut self, place: ParameterIn, name: &'static str, required: Required) -> Self {
        self.parameters.push(GuardParameter { name: name.into(), place, required });
        self
    }

    /// Adds a problem that it can answer with.
    #[must_use]
    pub fn also(mut self, kind: ProblemKind) -> Self {
        if !self.problems.iter().any(|name| name == kind.name()) {
            self.problems.push(kind.name().into());
        }
        self
    }

    /// Removes a problem that it never answers with.
    #[must_use]
    pub fn never(mut self, kind: ProblemKind) -> Self {
        self.problems.retain(|name| name != kind.name());
        self
    }

    /// The problems that it can answer with. Names that this version does not know are left out.
    pub fn problems(&self) -> impl Iterator<Item = ProblemKind> {
        self.problems.iter().filter_map(|name| named(name))
    }

    pub(super) fn parameters(&self) -> &[GuardParameter] {
        &self.parameters
    }

    /// Whether a request becomes a task, and is answered at once with the task's address.
    pub(super) fn is_task(&self) -> bool {
        self.strategy == "async"
    }

    /// Whether a repeated request gets the first response.
    pub(super) fn replays(&self) -> bool {
        self.is_task() || self.problems().any(|kind| kind == ProblemKind::NotReplayable)
    }
}

//! A guarded operation, as its description tells of it.

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
/// An attribute above `#[utoipa::path]` writes it by itself. Behind a [`Middleware`](crate::Middleware) it is
/// written by hand, and [`Guards`](crate::openapi::Guards) does the rest:
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
    /// An operation of this policy, with every problem that the policy can give.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let problems = refusals(policy).into_iter().map(|kind| kind.name().into()).collect();
        Self { strategy: policy.strategy.name().into(), parameters: Vec::new(), problems }
    }

    /// Reads this of its request.
    #[must_use]
    pub fn parameter(mut self, place: ParameterIn, name: &'static str, required: Required) -> Self {
        self.parameters.push(GuardParameter { name: name.into(), place, required });
        self
    }

    /// Can answer with this problem, too.
    #[must_use]
    pub fn also(mut self, kind: ProblemKind) -> Self {
        if !self.problems.iter().any(|name| name == kind.name()) {
            self.problems.push(kind.name().into());
        }
        self
    }

    /// Never answers with this problem.
    #[must_use]
    pub fn never(mut self, kind: ProblemKind) -> Self {
        self.problems.retain(|name| name != kind.name());
        self
    }

    /// The problems that it can answer with, as far as this version knows them.
    pub fn problems(&self) -> impl Iterator<Item = ProblemKind> {
        self.problems.iter().filter_map(|name| named(name))
    }

    pub(super) fn parameters(&self) -> &[GuardParameter] {
        &self.parameters
    }

    /// Whether a request is answered at once with the address of a task.
    pub(super) fn is_task(&self) -> bool {
        self.strategy == "async"
    }

    /// Whether a repeated request gets the first response.
    pub(super) fn replays(&self) -> bool {
        self.is_task() || self.problems().any(|kind| kind == ProblemKind::NotReplayable)
    }
}

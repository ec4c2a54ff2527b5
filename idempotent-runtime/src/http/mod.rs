//! Guarded handlers of actix-web: the only room that knows it.
//!
//! Its rooms import downwards, in this order: `serve`, `guard`, `task`, `extract`, `call`, `app`, `answer`,
//! `request`, `header_names`.

mod answer;
mod app;
#[cfg(feature = "browser")]
mod browser;
mod call;
mod extract;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod guard;
mod header_names;
mod health;
#[cfg(feature = "inspector")]
pub(crate) mod inspector;
mod methods;
#[cfg(feature = "openapi")]
pub(crate) mod openapi;
mod request;
mod serve;
mod task;
#[cfg(feature = "testing")]
pub(crate) mod testing;

pub use answer::problem::{Problem, ProblemKind};
pub use answer::stored_response::StoreResponse;
pub use app::builder::IdempotencyBuilder;
pub use app::idempotency::Idempotency;
pub use app::scope::Scope;
pub use app::scope_id::ScopeId;
#[cfg(feature = "browser")]
pub use browser::browser_script;
pub use call::call::Call;
pub use call::steps::{
    Arguments, Extract, Returned, borrowed, extract, respond, respond_in_its_place,
    respond_unless_there, taken,
};
pub use extract::attempt::Attempt;
pub use extract::downstream::DownstreamKey;
pub use extract::form::FormToken;
pub use extract::invalidate::Invalidation;
pub use extract::token::{TokenIssuer, issue_token};
pub use header_names::{
    IDEMPOTENCY_KEY, IDEMPOTENCY_PROBLEM, IDEMPOTENCY_REPLAYED, IDEMPOTENCY_STORED,
};
pub use health::health_route;
pub use request::key_header::KeyForm;
pub use request::template::Template;
pub use serve::config::MiddlewareConfig;
pub use serve::driver::{Serving, serve};
pub use serve::handler::{CallHandler, Fill, Handler};
pub use serve::middleware::{Middleware, MiddlewareService};
pub use serve::routed::{TestsCallItsUnguardedForm, called_directly};
pub use task::arguments::TaskSteps;
pub use task::{Progress, TaskArgument, TaskRunner, task_routes};

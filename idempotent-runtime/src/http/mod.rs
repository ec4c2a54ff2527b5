//! Guarded handlers of actix-web: the only room that knows it.

mod accept;
mod app;
mod ask;
mod attempt;
mod body;
#[cfg(feature = "browser")]
mod browser;
mod builder;
mod cached;
mod call;
mod caller;
mod commit;
mod downstream;
mod extractors;
mod form;
mod freshness;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod handler;
mod html;
mod invalidate;
mod issue;
mod key_header;
mod middleware;
mod multipart;
mod open;
mod page;
mod path;
mod problem;
mod refusal;
mod response;
mod row;
mod scope;
mod serving;
mod settle;
mod task;
mod template;
mod timestamp;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
mod tx;
mod unique;

pub use app::Idempotency;
pub use attempt::Attempt;
#[cfg(feature = "browser")]
pub use browser::browser_script;
pub use builder::Builder;
pub use call::Call;
pub use downstream::DownstreamKey;
pub use form::FormToken;
pub use handler::{
    Arguments, Extract, Fill, Handler, Returned, Run, borrowed, extract, respond,
    respond_unless_there, taken,
};
pub use invalidate::Invalidation;
pub use issue::{TokenIssuer, issue_token};
pub use key_header::KeyForm;
pub use middleware::{Middleware, MiddlewareService};
pub use problem::{Problem, ProblemKind};
pub use response::StoreResponse;
pub use scope::Scope;
pub use serving::{Serving, serve};
pub use task::{Progress, TaskArgument, TaskRunner, TaskSteps, task_routes};
pub use template::Template;

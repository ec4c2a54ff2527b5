//! Guarded handlers of actix-web: the only room that knows it.

mod app;
mod call;
mod detach;
mod issue;
mod key_header;
mod problem;
mod refusal;
mod response;
mod scope;
mod serve;
mod template;
mod timestamp;

pub use app::{BuildError, Builder, Idempotency, NoScope};
pub use call::{Call, Exit};
pub use issue::{TokenIssuer, issue_token};
pub use key_header::KeyForm;
pub use problem::{Problem, ProblemKind};
pub use response::StoreResponse;
pub use scope::Scope;
pub use serve::{HttpResult, Operation, serve};
pub use template::Template;

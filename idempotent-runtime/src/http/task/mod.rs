//! Requests that are answered at once and run later: `strategy = "async"`.
//!
//! A request becomes a task: the arguments of its handler are stored, and the answer is the task's address. A
//! runner, in this process or in another, runs the task: it sends a request of its own through the app's
//! routes, which carries the stored arguments instead of a body and credentials. So a run after a crash goes
//! the same way as every run.
//!
//! Files import downwards: `runner`, `routes`, `document`; `arguments`, `argument`, `progress`; `carried`.

mod argument;
pub(super) mod arguments;
pub(super) mod carried;
mod document;
mod progress;
pub(super) mod routes;
mod runner;

pub use argument::TaskArgument;
pub use progress::Progress;
pub use routes::task_routes;
pub use runner::TaskRunner;

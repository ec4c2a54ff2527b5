//! Requests that are answered at once and run later: `strategy = "async"`.
//!
//! A request becomes a task: what its handler needs is stored, and the answer is the task's address.
//! A runner takes the task up, in this process or in another, by sending a request of its own
//! through the app's routes, which carries the stored arguments in place of a body and credentials.
//! So what runs after a crash is what runs always.

mod accept;
mod argument;
mod arguments;
mod document;
mod ending;
mod progress;
mod resumed;
mod routes;
mod runner;

pub use argument::TaskArgument;
pub use arguments::TaskSteps;
pub use progress::Progress;
pub use routes::task_routes;
pub use runner::TaskRunner;

pub(super) use arguments::Kept;
pub(super) use ending::end;
pub(super) use resumed::is_run;

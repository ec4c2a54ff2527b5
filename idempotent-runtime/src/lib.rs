//! Makes a handler safe to retry.
//!
//! A client that double-clicks, times out or repeats a request gets one effect and the same answer:
//!
//! ```
//! # #[cfg(all(feature = "macros", feature = "actix"))]
//! # mod shop {
//! use actix_web::{App, HttpResponse, Responder, post, web};
//! use idempotent_runtime::{BuildError, Idempotency, MemoryStore, Scope, idempotent};
//!
//! #[post("/orders")]
//! #[idempotent(key = "{header.Idempotency-Key}", ttl = "24h")]
//! async fn create_order(order: web::Json<u32>) -> impl Responder {
//!     HttpResponse::Created().json(order)
//! }
//!
//! # fn main() -> Result<(), BuildError> {
//! let idempotency = Idempotency::builder(MemoryStore::new())
//!     .scope(Scope::header("Authorization"))
//!     .build()?;
//! let app = App::new().app_data(idempotency.clone()).service(create_order);
//! # let _ = app;
//! # Ok(())
//! # }
//! # }
//! ```
//!
//! - [`idempotent`](macro@idempotent) is the attribute, and all its arguments.
//! - [`Idempotency`] is what an app is given, [`IdempotencyBuilder`] what can be set.
//! - [`Messages`] guards functions that no request calls, with `strategy = "message"`; `Consumer` feeds
//!   them from a queue (features `redis`, `amqp`).
//! - [`MemoryStore`], `SqliteStore` (feature `sqlite`), `RedisStore` (`redis`), `PostgresStore`
//!   (`postgres`) and `MySqlStore` (`mysql`) keep records; [`Store`] is the contract for one of your own.
//! - [`TokenIssuer`] and [`issue_token`] give out tokens, [`FormToken`] renders one into a form,
//!   [`Attempt`] is the fence of a run, [`Idempotency::lock`] takes a lock in code.
//!
//! # Order of work
//! Extract the handler's arguments → scope → key → fingerprint → claim → run → store → respond. What
//! an extractor refuses claims nothing, and a stored response is only sent after the same extractors
//! passed again: authorization belongs into an extractor or a middleware. Under
//! [`Middleware`] the claim comes before the extractors, and a replay does not ask them:
//! authenticate outside of it.
//!
//! # Features
//! `macros` and `actix` are on by default. `sqlite`, `redis`, `postgres` and `mysql` bring those
//! stores, `redis-cluster` and `redis-sentinel` a Redis store on many servers; `browser` brings
//! `browser_script`, a route that serves a small script for forms and `fetch`; `zookeeper` brings
//! `ZooKeeperLocks`, for locks alone; `amqp` brings `AmqpQueue`, for consumers of `RabbitMQ`, and
//! `redis` also `RedisStream`; `conformance` brings the tests that every store passes.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod clock;
pub mod engine;
mod error;
mod fingerprint;
#[cfg(all(any(test, fuzzing), feature = "actix"))]
#[doc(hidden)]
pub mod fuzz;
#[cfg(feature = "actix")]
mod http;
mod key;
mod message;
pub mod observe;
pub mod outcome;
pub mod policy;
#[doc(hidden)]
pub mod private;
mod setup;
pub mod store;
mod strategy;
mod sync;
mod template_value;
mod transaction;

pub use engine::{OnDrainTimeout, Resolution, Resolved};
pub use error::{StoreError, StoreErrorKind};
pub use fingerprint::Fingerprint;
#[cfg(feature = "browser")]
pub use http::browser_script;
#[cfg(feature = "actix")]
pub use http::{
    Attempt, DownstreamKey, FormToken, Idempotency, IdempotencyBuilder, Invalidation, KeyForm,
    Middleware, MiddlewareService, Problem, ProblemKind, Progress, Scope, StoreResponse,
    TaskArgument, TaskRunner, TokenIssuer, issue_token, task_routes,
};
#[cfg(feature = "macros")]
pub use idempotent_macros::{States, idempotent};
pub use key::{Address, KeyParts, ParseStorageKeyError, StorageKey};
#[cfg(feature = "redis")]
pub use message::RedisStream;
#[cfg(feature = "amqp")]
pub use message::{AmqpQueue, QueueKind};
#[cfg(any(feature = "amqp", feature = "redis"))]
pub use message::{ConsumeError, Consumer, Failure, Incoming, Source};
pub use message::{MessageEngine, MessageError, Messages, MessagesBuilder};
pub use setup::{BuildError, NoScope};
#[cfg(feature = "mysql")]
pub use store::MySqlStore;
#[cfg(feature = "postgres")]
pub use store::PostgresStore;
#[cfg(feature = "redis")]
pub use store::RedisStore;
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;
#[cfg(feature = "zookeeper")]
pub use store::ZooKeeperLocks;
pub use store::{MemoryStore, Store};
#[cfg(feature = "actix")]
pub use strategy::{Lock, LockError, LockGuard};
pub use transaction::Database;
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub use transaction::Tx;

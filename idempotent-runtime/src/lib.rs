//! Makes a handler safe to retry.
//!
//! A client that double-clicks, times out or repeats a request gets one effect and the same answer:
//!
//! ```
//! # #[cfg(all(feature = "macros", feature = "actix"))]
//! # mod shop {
//! use actix_web::{App, HttpResponse, Responder, post, web};
//! use idempotent_runtime::{BuildError, Idempotency, MemoryStore, Scope, ScopeId, idempotent};
//! use std::fmt::Display;
//!
//! /// The caller: your authentication puts it into the request's extensions.
//! struct Customer {
//!     id: u64,
//! }
//!
//! impl ScopeId for Customer {
//!     fn scope_id(&self) -> impl Display {
//!         self.id
//!     }
//! }
//!
//! #[post("/orders")]
//! #[idempotent(key = "{header.Idempotency-Key}", ttl = "24h")]
//! async fn create_order(order: web::Json<u32>) -> impl Responder {
//!     HttpResponse::Created().json(order)
//! }
//!
//! # fn main() -> Result<(), BuildError> {
//! let idempotency =
//!     Idempotency::builder(MemoryStore::new()).scope(Scope::of::<Customer>()).build()?;
//! let app = App::new().app_data(idempotency.clone()).service(create_order);
//! # let _ = app;
//! # Ok(())
//! # }
//! # }
//! ```
//!
//! # Contents
//! **Start here**: [`idempotent`](macro@idempotent) is the attribute, with all its arguments, and
//! [`strategies`] has a page for each strategy, with an example that runs;
//! [`Idempotency`] is the object that an app is given, built by [`IdempotencyBuilder`]; [`Scope`] says whose
//! a request is, by a type of the app's that implements [`ScopeId`]; [`Middleware`] guards whole scopes of
//! handlers without the attribute, and [`MiddlewareConfig`] reads their policy from a file.
//!
//! **Parameters of a handler**: [`extract`] has the fence of a run and keys for calls to other systems,
//! [`transaction`] the business transaction, [`token`] one-time tokens.
//!
//! **Answers**: [`response`] has the problems that clients get, and the choice whether a response is stored;
//! [`header`] has the names of headers; [`cache`] forgets answers that many read.
//!
//! **Beyond one request**: [`task`] runs requests later, [`lock`] takes a lock in code, [`message`] guards
//! functions that no request calls, and `consume` feeds them from a queue (features `redis`, `amqp`).
//!
//! The feature `compress` compares bodies with a `Content-Encoding` by what they contain. It has the extractors
//! of actix-web decode them, too.
//!
//! **For operators**: [`records`] finds and lists records, and forgets what is in the way.
//!
//! **Stores**: [`MemoryStore`], `SqliteStore` (feature `sqlite`), `RedisStore` (`redis`), `PostgresStore`
//! (`postgres`) and `MySqlStore` (`mysql`) keep records; [`store`] has the contract for one of your own.
//!
//! **Underneath**: [`policy`], [`key`], [`outcome`] and [`engine`] for who builds on them, [`clock`] for tests,
//! [`observe`] for counters, [`health`] for readiness probes.
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
//! `lock::ZooKeeperLocks`, for locks alone; `amqp` brings `consume::AmqpQueue`, for consumers of `RabbitMQ`,
//! and `redis` also `consume::RedisStream`; `conformance` brings the tests that every store passes, `testing`
//! what tests of an app need. `compress`
//! compares what clients compress by its content, and sends stored bodies decoded to clients that refuse their
//! coding. `tls` encrypts the way to whichever servers are built. `metrics` tells the recorder of the `metrics`
//! facade what [`observe`] counts, and more. `openapi` brings `openapi`, which adds to a document of utoipa what guards
//! ask for and refuse.
//!
//! Types of other crates that an app hands in or gets are those of actix-web 4, sqlx 0.9, redis 1 and lapin 4,
//! the recorder of metrics is that of metrics 0.24, and documents are those of utoipa 6.
#![cfg_attr(docsrs, feature(doc_cfg))]

pub mod clock;
mod credential;
pub mod engine;
mod error;
mod fingerprint;
#[cfg(all(any(test, fuzzing), feature = "actix"))]
#[doc(hidden)]
pub mod fuzz;
#[cfg(feature = "actix")]
mod http;
pub mod key;
pub mod message;
pub mod observe;
pub mod outcome;
pub mod policy;
#[doc(hidden)]
pub mod private;
mod readiness;
pub mod records;
mod setup;
mod shared_methods;
pub mod store;
#[cfg(all(feature = "macros", feature = "actix"))]
pub mod strategies;
mod strategy;
mod switch;
mod sync;
mod template_value;

#[cfg(feature = "actix")]
pub use http::{
    Idempotency, IdempotencyBuilder, KeyForm, Middleware, MiddlewareConfig, MiddlewareService,
    Scope, ScopeId,
};
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/states.md")]
pub use idempotent_macros::States;
#[cfg(feature = "macros")]
#[doc = include_str!("../docs/attribute.md")]
pub use idempotent_macros::idempotent;
pub use readiness::NotReady;
pub use setup::{BuildError, GivenScope, NoScope};
pub use store::MemoryStore;
#[cfg(feature = "mysql")]
pub use store::MySqlStore;
#[cfg(feature = "postgres")]
pub use store::PostgresStore;
#[cfg(feature = "redis")]
pub use store::RedisStore;
#[cfg(feature = "sqlite")]
pub use store::SqliteStore;

pub mod transaction;

/// Parameters of a handler that tell it of its run.
#[cfg(feature = "actix")]
pub mod extract {
    pub use crate::http::{Attempt, DownstreamKey};
}

/// One-time tokens, for `strategy = "token"`, and the script for forms that carry them.
#[cfg(feature = "actix")]
pub mod token {
    #[cfg(feature = "browser")]
    pub use crate::http::browser_script;
    pub use crate::http::{FormToken, TokenIssuer, issue_token};
}

/// Names of the headers that clients send and get, as constants.
#[cfg(feature = "actix")]
pub mod header {
    pub use crate::http::{
        IDEMPOTENCY_KEY, IDEMPOTENCY_PROBLEM, IDEMPOTENCY_REPLAYED, IDEMPOTENCY_STORED,
    };
}

/// Answers to clients: problems, and the choice whether a response is stored.
#[cfg(feature = "actix")]
pub mod response {
    pub use crate::http::{Problem, ProblemKind, StoreResponse};
}

/// Answers that many read, for `strategy = "cache"`.
#[cfg(feature = "actix")]
pub mod cache {
    pub use crate::http::Invalidation;
}

/// Requests that run later, for `strategy = "async"`.
#[cfg(feature = "actix")]
pub mod task {
    pub use crate::http::{Progress, TaskArgument, TaskRunner, task_routes};
}

/// A route for readiness probes.
#[cfg(feature = "actix")]
pub mod health {
    pub use crate::http::health_route;
}

/// Descriptions of guarded handlers for documents of utoipa; the chapter `docs/openapi.md` of the repository
/// shows them.
///
/// ```
/// # #[cfg(feature = "macros")]
/// # {
/// use actix_web::{HttpResponse, Responder, post};
/// use idempotent_runtime::idempotent;
/// use idempotent_runtime::openapi::GUARDS;
/// use utoipa::OpenApi;
///
/// #[idempotent]
/// #[utoipa::path(responses((status = 201, description = "It is ordered")))]
/// #[post("/orders")]
/// async fn create_order() -> impl Responder {
///     HttpResponse::Created()
/// }
///
/// #[derive(OpenApi)]
/// #[openapi(paths(create_order), modifiers(&GUARDS))]
/// struct Document;
///
/// let document = Document::openapi();
/// let order = document.paths.paths["/orders"].post.as_ref().expect("it is there");
/// // 400, 409, 413, 422, 500 and 503 beside the handler's own 201.
/// assert!(order.responses.responses.contains_key("422"));
/// # }
/// ```
#[cfg(feature = "openapi")]
pub mod openapi {
    pub use crate::http::openapi::{GUARDS, GuardedOperation, Guards};
}

/// Locks that are taken in code; handlers take them with `strategy = "lock"`.
#[cfg(feature = "actix")]
pub mod lock {
    #[cfg(feature = "zookeeper")]
    pub use crate::store::ZooKeeperLocks;
    pub use crate::strategy::{Lock, LockError, LockGuard};
}

/// For tests of an app; the chapter `docs/testing.md` of the repository shows how.
///
/// ```
/// # #[cfg(all(feature = "macros", feature = "actix"))]
/// # actix_web::rt::System::new().block_on(async {
/// use actix_web::test::{TestRequest, call_service, init_service};
/// use actix_web::{App, HttpResponse, Responder, post};
/// use idempotent_runtime::idempotent;
/// use idempotent_runtime::testing::{InMemory, assert_replayed};
///
/// #[post("/orders")]
/// #[idempotent]
/// async fn create_order() -> impl Responder {
///     HttpResponse::Created()
/// }
///
/// let test = InMemory::new();
/// let app = init_service(App::new().app_data(test.idempotency()).service(create_order)).await;
/// let order = || TestRequest::post().uri("/orders").insert_header(("Idempotency-Key", "k"));
/// call_service(&app, order().to_request()).await;
/// assert_replayed(&call_service(&app, order().to_request()).await);
/// test.assert_ran_once();
/// # });
/// ```
#[cfg(feature = "testing")]
pub mod testing {
    #[cfg(feature = "actix")]
    pub use crate::http::testing::{
        Answer, InMemory, assert_fresh, assert_problem, assert_replayed,
    };
    pub use crate::store::faulty::{FaultyStore, LostPart};
}

/// Consumers of queues, which feed guarded functions.
#[cfg(any(feature = "amqp", feature = "redis"))]
pub mod consume {
    #[cfg(feature = "redis")]
    pub use crate::message::consume::RedisStream;
    #[cfg(feature = "amqp")]
    pub use crate::message::consume::{AmqpQueue, QueueKind};
    pub use crate::message::consume::{ConsumeError, Consumer, Failure, Incoming, Source};
}

#![doc = include_str!("../docs/crate.md")]
#![cfg_attr(
    all(
        feature = "macros",
        feature = "actix",
        feature = "conformance",
        feature = "inspector",
        feature = "openapi",
        feature = "postgres",
        feature = "redis",
        feature = "seal",
        feature = "sqlite",
        feature = "testing"
    ),
    doc = "\n**The book** has a chapter for each subject: [`book`]."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

#[cfg(all(
    feature = "macros",
    feature = "actix",
    feature = "conformance",
    feature = "inspector",
    feature = "openapi",
    feature = "postgres",
    feature = "redis",
    feature = "seal",
    feature = "sqlite",
    feature = "testing"
))]
pub mod book;
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
pub mod seal;
mod setup;
mod shared_methods;
pub mod store;
#[cfg(all(feature = "macros", feature = "actix"))]
pub mod strategies;
mod strategy;
mod stripes;
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

/// Parameters of a handler with facts about its run.
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

/// Names of the headers that clients send and receive, as constants.
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

/// Answers that many requests get, for `strategy = "cache"`.
#[cfg(feature = "actix")]
pub mod cache {
    pub use crate::http::Invalidation;
}

/// Requests that run later, for `strategy = "async"`.
#[cfg(feature = "actix")]
pub mod task {
    pub use crate::http::{Progress, TaskArgument, TaskRunner, task_routes};
}

/// A page for operators, made by [`Idempotency::inspector`].
#[cfg(feature = "inspector")]
pub mod inspector {
    pub use crate::http::inspector::{Inspector, Operator};
}

/// A route for readiness probes.
#[cfg(feature = "actix")]
pub mod health {
    pub use crate::http::health_route;
}

/// Descriptions of guarded handlers for documents of utoipa; the chapter `book::openapi` shows them.
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

/// Helpers for tests of an app. The chapter `book::testing` shows how to use them.
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

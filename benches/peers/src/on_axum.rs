//! Servers on axum: a bare handler, and other crates as their documentation sets them up.

use crate::Order;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use axum_idempotent::{IdempotentLayer, IdempotentOptions};
use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::types::config::Config;
use idempotent::IdempotencyStore;
use idempotent::memory::MemoryStore;
use idempotent::middleware::IdempotencyLayer;
use idempotent::valkey::ValkeyStore;
use ruts::store::moka::MokaStore;
use ruts::store::redis::RedisStore;
use ruts::store::{SessionStore, Ttl};
use ruts::{CookieOptions, Session, SessionLayer};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::runtime;
use tower_cookies::CookieManagerLayer;

/// Serves on one thread, until it is killed.
fn serve(address: &str, router: impl AsyncFnOnce() -> Router) {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let router = router().await;
        let listener = TcpListener::bind(address).await.expect("a free port");
        let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
            stream.set_nodelay(true).expect("a TCP connection");
        });
        axum::serve(listener, router).await.expect("it serves");
    });
}

async fn create(Json(order): Json<Order>) -> (StatusCode, Json<Order>) {
    (StatusCode::CREATED, Json(order))
}

fn orders() -> Router {
    Router::new().route("/orders", post(create))
}

pub(crate) fn bare(address: &str, _redis: &str) {
    serve(address, async || orders());
}

pub(crate) fn idempotent_on_redis(address: &str, redis: &str) {
    serve(address, async || {
        guarded(ValkeyStore::with_url(redis).try_build().await.expect("it connects"))
    });
}

pub(crate) fn idempotent_in_memory(address: &str, _redis: &str) {
    serve(address, async || guarded(MemoryStore::builder().try_build().expect("defaults fit")));
}

fn guarded<S: IdempotencyStore + Clone + Send + Sync + 'static>(store: S) -> Router {
    orders().layer(IdempotencyLayer::new(store))
}

pub(crate) fn axum_idempotent_on_redis(address: &str, redis: &str) {
    serve(address, async || {
        let client = Client::new(Config::from_url(redis).expect("a URL"), None, None, None);
        client.init().await.expect("it connects");
        in_session(RedisStore::new(Arc::new(client)).await.expect("it connects"))
    });
}

pub(crate) fn axum_idempotent_in_memory(address: &str, _redis: &str) {
    serve(address, async || in_session(MokaStore::builder().build()));
}

/// The route that gives a session. `axum-idempotent` keeps nothing for a client without one.
fn in_session<S: SessionStore>(store: S) -> Router {
    let options = IdempotentOptions::default()
        .use_idempotency_key_header(Some("Idempotency-Key"), true)
        .expire_after(86_400);
    let cookie = CookieOptions::build().name("session").max_age(86_400).path("/");
    orders()
        .layer(IdempotentLayer::<S>::new(options))
        .route("/session", post(begin_session::<S>))
        .layer(SessionLayer::new(Arc::new(store)).with_cookie_options(cookie))
        .layer(CookieManagerLayer::new())
}

async fn begin_session<S: SessionStore>(session: Session<S>) -> StatusCode {
    let day = Ttl::new(86_400).expect("a day");
    session.set("begun", &true, day, None).await.expect("it is stored");
    StatusCode::CREATED
}

//! Behaviour that only a real Redis server shows: its commands, its connections, its end.

mod commands;
mod connections;
mod dropped_locks;
mod foreign;
mod keys;
mod losses;
mod monitor;
mod outages;
mod pages;
mod refusals;
mod rights;
mod tasks;
mod tls;
mod watches;

use actix_web::{Responder, route, web};
use idempotent_runtime::token::issue_token;
use idempotent_runtime::{Idempotency, IdempotencyBuilder, RedisStore, Scope, idempotent};
use tests::{ControlledHandler, RedisServer, Reply, Sender, Server};

/// A guarded app on a Redis server of its own.
struct Shop {
    handler: ControlledHandler,
    idempotency: Idempotency,
    app: Server,
    /// Ends last.
    redis: RedisServer,
}

impl Shop {
    async fn open() -> Self {
        Self::on(RedisServer::start()).await
    }

    async fn on(redis: RedisServer) -> Self {
        Self::with(redis, |builder| builder).await
    }

    async fn with(
        redis: RedisServer,
        settings: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
    ) -> Self {
        let url = redis.url();
        Self::connected(&url, redis, settings).await
    }

    /// On a server that is reached by this URL.
    async fn at(url: &str, redis: RedisServer) -> Self {
        Self::connected(url, redis, |builder| builder).await
    }

    async fn connected(
        url: &str,
        redis: RedisServer,
        settings: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
    ) -> Self {
        let store = RedisStore::connect(url).await.expect("it connects");
        // The app remembers no answers, so it asks the server, unless a test says otherwise.
        let guard = Idempotency::builder(store).scope(Scope::header("Authorization")).remember(0);
        let guard = settings(guard);
        let (idempotency, handler) =
            (guard.build().expect("settings that fit"), ControlledHandler::new());
        let app = Server::start(&idempotency, &handler, routes);
        Self { handler, idempotency, app, redis }
    }

    /// A POST by alice.
    fn post(&self, path: &str) -> Sender {
        self.app.post(path)
    }

    async fn order(&self, key: &str) -> Reply {
        self.post("/orders").key(key).send().await
    }

    async fn token(&self) -> String {
        let url = format!("http://{}/tokens/token", self.app.address());
        let reply = Sender::new(reqwest::Method::GET, url).send().await;
        String::from_utf8(reply.body.to_vec()).expect("a token")
    }

    /// The names of all keys.
    fn names(&self) -> Vec<String> {
        self.redis.command(&["KEYS", "*"])
    }
}

type Handler = web::Data<ControlledHandler>;

fn routes(config: &mut web::ServiceConfig) {
    let tokens = issue_token("token");
    config.service(orders).service(waiting).service(hasty).service(lasting).service(token);
    config.service(lasting_wait).service(thing);
    config.route("/tokens/token", tokens);
}

#[route("/orders", method = "POST")]
#[idempotent]
async fn orders(handler: Handler, _body: web::Bytes) -> impl Responder {
    handler.run().await
}

#[route("/thing", method = "GET")]
#[idempotent(strategy = "cache", ttl = "1m")]
async fn thing(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/waiting", method = "POST")]
#[idempotent(on_in_flight = "wait")]
async fn waiting(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/hasty", method = "POST")]
#[idempotent(lease = "300ms")]
async fn hasty(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/lasting", method = "POST")]
#[idempotent(lease = "3s")]
async fn lasting(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/lasting-wait", method = "POST")]
#[idempotent(on_in_flight = "wait", lease = "5m", wait = "5m")]
async fn lasting_wait(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/token", method = "POST")]
#[idempotent(
    strategy = "token",
    key = "{header.token}",
    operation = "token",
    on_duplicate = "reject"
)]
async fn token(handler: Handler) -> impl Responder {
    handler.run().await
}

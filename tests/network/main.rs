//! Requests while a real network between the app and its store freezes, drops, refuses, lags and
//! cuts.

mod answers;
mod cluster;
mod databases;
mod failover;
mod lag;
mod runs;
mod sentinels;
mod silence;
mod undelayed;

use actix_web::{Responder, route, web};
use idempotent_runtime::store::open;
use idempotent_runtime::{Idempotency, Scope, idempotent};
use std::time::{Duration, Instant};
use tests::{ControlledHandler, Proxy, RedisServer, Reply, Sender, Server};

/// The time in which every request must be answered, with every fault of the network: a few times the
/// engine's patience of two seconds, for a busy host.
const BOUND: Duration = Duration::from_secs(10);

/// How long records are kept beyond their lease: the default ttl.
const KEEP: Duration = Duration::from_hours(24);

/// An app whose Redis server is behind the network, and an app next to the server. They share the handler.
struct Net {
    handler: ControlledHandler,
    idempotency: Idempotency,
    far: Server,
    near: Server,
    proxy: Proxy,
    /// The server, which is dropped last.
    redis: RedisServer,
}

impl Net {
    async fn open() -> Self {
        let (redis, handler) = (RedisServer::start(), ControlledHandler::new());
        let proxy = Proxy::to(&redis).await;
        let idempotency = guard(&proxy.url()).await;
        let far = Server::start(&idempotency, &handler, routes);
        let near = Server::start(&guard(&redis.url()).await, &handler, routes);
        let net = Self { handler, idempotency, far, near, proxy, redis };
        // Both workers of the far app are connected, and know which commands the server has.
        for n in 0..8 {
            assert_eq!(net.far("/orders", &format!("warm-{n}")).await.status, 201);
        }
        let () = net.redis.command(&["FLUSHALL"]);
        net
    }

    /// A request by alice to the far app.
    async fn far(&self, path: &str, key: &str) -> Reply {
        self.far.post(path).key(key).send().await
    }

    /// The same request to the app next to the server.
    async fn near(&self, path: &str, key: &str) -> Reply {
        self.near.post(path).key(key).send().await
    }

    /// The number of runs that began, without those of `open`.
    fn runs(&self) -> usize {
        self.handler.runs() - 8
    }

    /// Sends a request to the far app, whose handler is paused.
    async fn held(&self, path: &str) -> tokio::task::JoinHandle<Reply> {
        self.handler.pause();
        let running = tokio::spawn(self.far.post(path).key("k").send());
        self.handler.runs_reach(9).await;
        running
    }

    /// How long the lease of the only key holds, by the server's clock.
    fn lease_left(&self) -> Option<Duration> {
        let names: Vec<String> = self.redis.command(&["KEYS", "*"]);
        let [name] = &names[..] else { panic!("one key, and not {names:?}") };
        let left: u64 = self.redis.command(&["PTTL", name]);
        Duration::from_millis(left).checked_sub(KEEP).filter(|left| !left.is_zero())
    }
}

async fn guard(url: &str) -> Idempotency {
    let store = open(url).await.expect("it connects");
    // Answers are not remembered, so each request asks the store behind the network.
    let guard = Idempotency::builder(store).scope(Scope::header("Authorization")).remember(0);
    guard.build().expect("settings that fit")
}

/// Checks that a request is refused in time.
async fn refused(request: Sender) {
    let began = Instant::now();
    let reply = request.send().await;
    reply.is_problem(503, "store-unavailable");
    let seconds: u64 =
        reply.header("Retry-After").expect("when to retry").parse().expect("seconds");
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
}

/// Checks that an answer is a stored one, and this one.
#[track_caller]
fn assert_replays(again: &Reply, body: &str) {
    let body = body.as_bytes();
    assert_eq!((again.status, again.is_replay(), &again.body[..]), (201, true, body), "{again:?}");
}

/// Checks that a handler's response was stored before it was sent, or says that it was not.
#[track_caller]
fn assert_ran(reply: &Reply, stored: Option<&str>) {
    assert_eq!((reply.status, reply.is_replay()), (201, false), "{reply:?}");
    assert_eq!(reply.header("Idempotency-Stored"), stored, "{reply:?}");
}

fn routes(config: &mut web::ServiceConfig) {
    config.service((orders, brief, brief_held, lasting, slow, waiting, patient));
}

type Handler = web::Data<ControlledHandler>;

#[route("/orders", method = "POST")]
#[idempotent]
async fn orders(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/brief", method = "POST")]
#[idempotent(lease = "1s")]
async fn brief(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/brief-held", method = "POST")]
#[idempotent(lease = "1s", on_abandoned = "hold")]
async fn brief_held(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/lasting", method = "POST")]
#[idempotent(lease = "3s")]
async fn lasting(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/slow", method = "POST")]
#[idempotent(lease = "10m")]
async fn slow(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/waiting", method = "POST")]
#[idempotent(on_in_flight = "wait", wait = "2s")]
async fn waiting(handler: Handler) -> impl Responder {
    handler.run().await
}

#[route("/patient", method = "POST")]
#[idempotent(on_in_flight = "wait", wait = "5m")]
async fn patient(handler: Handler) -> impl Responder {
    handler.run().await
}

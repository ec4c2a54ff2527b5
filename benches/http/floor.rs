//! The least that is written by hand: no fingerprint, no scope, no explanation of a refusal.

use crate::Order;
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, Responder, post, web};
use redis::aio::MultiplexedConnection;
use redis::{Client, Script, cmd};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::OnceCell;

/// The handler alone.
#[post("/orders")]
pub(crate) async fn bare(order: web::Json<Order>) -> impl Responder {
    HttpResponse::Created().json(order)
}

/// The connection of one worker, and the script that completes a claim.
pub(crate) struct Server {
    client: Client,
    connection: OnceCell<MultiplexedConnection>,
    complete: Script,
}

static OWNERS: AtomicU64 = AtomicU64::new(0);

impl Server {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            client: Client::open(url).expect("a URL"),
            connection: OnceCell::new(),
            complete: Script::new(
                "if redis.call('GET', KEYS[1]) == ARGV[1] then
                     redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
                     return 1
                 end
                 return 0",
            ),
        }
    }

    async fn connection(&self) -> MultiplexedConnection {
        let connect =
            async || self.client.get_multiplexed_async_connection().await.expect("it connects");
        self.connection.get_or_init(connect).await.clone()
    }

    /// Claims by one native command; returns the value that is there already, if there is one.
    pub(crate) async fn claim(&self, key: &str, owner: &[u8]) -> Option<Vec<u8>> {
        let mut claim = cmd("SET");
        claim.arg(key).arg(owner).arg("NX").arg("GET").arg("PX").arg(60_000);
        claim.query_async(&mut self.connection().await).await.expect("it answers")
    }

    /// Completes by one script, which compares the owner.
    pub(crate) async fn complete(&self, key: &str, owner: &[u8], answer: &[u8]) {
        let mut complete = self.complete.key(key);
        complete.arg(owner).arg(answer).arg(86_400_000);
        let held = complete.invoke_async::<i64>(&mut self.connection().await).await;
        assert_eq!(held.expect("it answers"), 1, "it is ours");
    }
}

pub(crate) fn on_redis(config: &mut ServiceConfig, url: &str) {
    config.app_data(web::Data::new(Server::new(url))).service(create);
}

/// Claim, run, complete.
#[post("/orders")]
async fn create(
    request: HttpRequest,
    order: web::Json<Order>,
    server: web::Data<Server>,
) -> impl Responder {
    let key = request.headers().get("Idempotency-Key").and_then(|key| key.to_str().ok());
    let key = format!("by-hand:{}", key.expect("a key"));
    let owner = format!("running:{}", OWNERS.fetch_add(1, Ordering::Relaxed));
    match server.claim(&key, owner.as_bytes()).await {
        None => {
            let answer = serde_json::to_string(&order).expect("JSON");
            server.complete(&key, owner.as_bytes(), answer.as_bytes()).await;
            HttpResponse::Created().content_type("application/json").body(answer)
        }
        Some(running) if running.starts_with(b"running:") => HttpResponse::Conflict().finish(),
        Some(answer) => HttpResponse::Created().content_type("application/json").body(answer),
    }
}

//! What somebody would write by hand: no fingerprint, no scope, no refusal spelled out.

use crate::Order;
use actix_web::web::ServiceConfig;
use actix_web::{HttpRequest, HttpResponse, Responder, post, web};
use redis::aio::MultiplexedConnection;
use redis::{Client, Script, cmd};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::OnceCell;

/// Nothing but the handler.
#[post("/orders")]
pub(crate) async fn bare(order: web::Json<Order>) -> impl Responder {
    HttpResponse::Created().json(order)
}

/// The connection of one worker, and what completes a claim.
struct ByHand {
    client: Client,
    connection: OnceCell<MultiplexedConnection>,
    complete: Script,
}

static OWNERS: AtomicU64 = AtomicU64::new(0);

pub(crate) fn on_redis(config: &mut ServiceConfig, url: &str) {
    let by_hand = ByHand {
        client: Client::open(url).expect("a URL"),
        connection: OnceCell::new(),
        complete: Script::new(
            "if redis.call('GET', KEYS[1]) == ARGV[1] then
                 redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
                 return 1
             end
             return 0",
        ),
    };
    config.app_data(web::Data::new(by_hand)).service(create);
}

/// Claim by one native command, run, complete by one script that compares the owner.
#[post("/orders")]
async fn create(
    request: HttpRequest,
    order: web::Json<Order>,
    by_hand: web::Data<ByHand>,
) -> impl Responder {
    let connection = by_hand
        .connection
        .get_or_init(async || {
            by_hand.client.get_multiplexed_async_connection().await.expect("it connects")
        })
        .await;
    let mut connection = connection.clone();
    let key = request.headers().get("Idempotency-Key").and_then(|key| key.to_str().ok());
    let key = format!("by-hand:{}", key.expect("a key"));
    let owner = format!("running:{}", OWNERS.fetch_add(1, Ordering::Relaxed));
    let mut claim = cmd("SET");
    claim.arg(&key).arg(&owner).arg("NX").arg("GET").arg("PX").arg(60_000);
    let there: Option<String> = claim.query_async(&mut connection).await.expect("it answers");
    match there {
        None => {
            let answer = serde_json::to_string(&order).expect("JSON");
            let mut complete = by_hand.complete.key(&key);
            complete.arg(&owner).arg(&answer).arg(86_400_000);
            let held: i64 = complete.invoke_async(&mut connection).await.expect("it answers");
            assert_eq!(held, 1, "it is ours");
            HttpResponse::Created().content_type("application/json").body(answer)
        }
        Some(running) if running.starts_with("running:") => HttpResponse::Conflict().finish(),
        Some(answer) => HttpResponse::Created().content_type("application/json").body(answer),
    }
}

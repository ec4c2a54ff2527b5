//! Servers that are written by hand for one handler, on actix-web and the `redis` crate.
//!
//! None of them renews a lease, settles a lost answer of Redis, or goes on when its client has left.

use crate::Order;
use crate::on_actix::serve;
use actix_web::http::header::HeaderValue;
use actix_web::web::{Bytes, Data, Json, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, post};
use redis::aio::MultiplexedConnection;
use redis::{Script, cmd};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

const LEASE: u64 = 60_000;
const LIFE: u64 = 86_400_000;

/// A connection, and the script that completes only the caller's own claim.
struct Server {
    connection: MultiplexedConnection,
    complete: Script,
}

impl Server {
    async fn connect(url: &str) -> Data<Self> {
        let client = redis::Client::open(url).expect("a URL");
        let config = redis::AsyncConnectionConfig::new();
        let connection = client.get_multiplexed_async_connection_with_config(&config).await;
        Data::new(Self {
            connection: connection.expect("it connects"),
            complete: Script::new(
                "if redis.call('GET', KEYS[1]) == ARGV[1] then
                     redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
                     return 1
                 end
                 return 0",
            ),
        })
    }

    /// The value that is there already, if there is one.
    async fn claim(&self, key: &str, owner: &[u8]) -> Option<Vec<u8>> {
        let mut claim = cmd("SET");
        claim.arg(key).arg(owner).arg("NX").arg("GET").arg("PX").arg(LEASE);
        claim.query_async(&mut self.connection.clone()).await.expect("it answers")
    }

    async fn complete(&self, key: &str, answer: &[u8]) {
        let mut complete = cmd("SET");
        complete.arg(key).arg(answer).arg("PX").arg(LIFE);
        complete.query_async::<()>(&mut self.connection.clone()).await.expect("it answers");
    }
}

/// Values in Redis: a claim is replaced by its answer.
trait Claims {
    /// The value that is there already, if there is one.
    async fn claim(&self, key: &str, owner: &[u8]) -> Option<Vec<u8>>;

    async fn complete_ours(&self, key: &str, owner: &[u8], answer: &[u8]);
}

impl Claims for Server {
    async fn claim(&self, key: &str, owner: &[u8]) -> Option<Vec<u8>> {
        self.claim(key, owner).await
    }

    async fn complete_ours(&self, key: &str, owner: &[u8], answer: &[u8]) {
        let mut complete = self.complete.key(key);
        complete.arg(owner).arg(answer).arg(LIFE);
        let held = complete.invoke_async::<i64>(&mut self.connection.clone()).await;
        assert_eq!(held.expect("it answers"), 1, "it is ours");
    }
}

/// Values in memory, each with its end.
#[derive(Default)]
struct Nearby(Mutex<HashMap<String, (Instant, Vec<u8>)>>);

impl Claims for Nearby {
    async fn claim(&self, key: &str, owner: &[u8]) -> Option<Vec<u8>> {
        let now = Instant::now();
        let claim = (now + Duration::from_millis(LEASE), owner.to_vec());
        match self.0.lock().expect("nobody panics").entry(key.to_owned()) {
            Entry::Occupied(there) if there.get().0 > now => return Some(there.get().1.clone()),
            Entry::Occupied(mut over) => drop(over.insert(claim)),
            Entry::Vacant(free) => drop(free.insert(claim)),
        }
        None
    }

    async fn complete_ours(&self, key: &str, owner: &[u8], answer: &[u8]) {
        let done = (Instant::now() + Duration::from_millis(LIFE), answer.to_vec());
        let mut all = self.0.lock().expect("nobody panics");
        let ours = all.get_mut(key).filter(|(_, there)| there == owner);
        *ours.expect("it is ours") = done;
    }
}

fn key(request: &HttpRequest) -> String {
    let key = request.headers().get("Idempotency-Key").and_then(|key| key.to_str().ok());
    format!("by-hand:{}", key.expect("a key"))
}

fn created(answer: impl Into<Bytes>) -> HttpResponse {
    HttpResponse::Created().content_type("application/json").body(answer.into())
}

pub(crate) fn plain(address: &str, redis: &str) {
    serve(address, async || {
        let server = Server::connect(redis).await;
        move |config: &mut ServiceConfig| {
            config.app_data(server.clone()).service(create);
        }
    });
}

#[post("/orders")]
async fn create(request: HttpRequest, order: Json<Order>, server: Data<Server>) -> HttpResponse {
    let key = key(&request);
    match server.claim(&key, b"running").await {
        None => {
            let answer = serde_json::to_vec(&order).expect("JSON");
            server.complete(&key, &answer).await;
            created(answer)
        }
        Some(running) if running == b"running" => HttpResponse::Conflict().finish(),
        Some(answer) => created(answer),
    }
}

static OWNERS: AtomicU64 = AtomicU64::new(0);

pub(crate) fn compared(address: &str, redis: &str) {
    serve(address, async || {
        let server = Server::connect(redis).await;
        move |config: &mut ServiceConfig| {
            config.app_data(server.clone()).service(create_by_owner);
        }
    });
}

#[post("/orders")]
async fn create_by_owner(
    request: HttpRequest,
    order: Json<Order>,
    server: Data<Server>,
) -> HttpResponse {
    let key = key(&request);
    let owner = format!("running:{}", OWNERS.fetch_add(1, Ordering::Relaxed));
    match server.claim(&key, owner.as_bytes()).await {
        None => {
            let answer = serde_json::to_vec(&order).expect("JSON");
            server.complete_ours(&key, owner.as_bytes(), &answer).await;
            created(answer)
        }
        Some(running) if running.starts_with(b"running:") => HttpResponse::Conflict().finish(),
        Some(answer) => created(answer),
    }
}

pub(crate) fn careful(address: &str, redis: &str) {
    serve(address, async || {
        let server = Server::connect(redis).await;
        move |config: &mut ServiceConfig| {
            config.app_data(server.clone()).service(create_carefully);
        }
    });
}

pub(crate) fn careful_in_memory(address: &str, _redis: &str) {
    serve(address, async || {
        let nearby = Data::new(Nearby::default());
        move |config: &mut ServiceConfig| {
            config.app_data(nearby.clone()).service(create_carefully_in_memory);
        }
    });
}

const RUNNING: u8 = 0;
const DONE: u8 = 1;

#[post("/orders")]
async fn create_carefully(request: HttpRequest, body: Bytes, server: Data<Server>) -> HttpResponse {
    carefully(&request, &body, &**server).await
}

#[post("/orders")]
async fn create_carefully_in_memory(
    request: HttpRequest,
    body: Bytes,
    nearby: Data<Nearby>,
) -> HttpResponse {
    carefully(&request, &body, &**nearby).await
}

/// No key is shared by callers or paths, a key that was used for another request is refused, and a replay says
/// that it is one.
async fn carefully(request: &HttpRequest, body: &[u8], claims: &impl Claims) -> HttpResponse {
    let Ok(order) = serde_json::from_slice::<Order>(body) else {
        return HttpResponse::BadRequest().finish();
    };
    let header = |name| request.headers().get(name).map(HeaderValue::as_bytes);
    let (Some(caller), Some(key)) = (header("Authorization"), header("Idempotency-Key")) else {
        return HttpResponse::BadRequest().finish();
    };
    let (method, path) = (request.method().as_str().as_bytes(), request.path().as_bytes());
    let name = blake3::Hash::from_bytes(hashed(&[method, path, caller, key])).to_hex();
    let fingerprint = hashed(&[method, path, request.query_string().as_bytes(), body]);
    let owner: [u8; 16] = rand::random();
    let running = [&[RUNNING][..], &fingerprint, &owner].concat();
    let Some(there) = claims.claim(&name, &running).await else {
        let answer = serde_json::to_vec(&order).expect("JSON");
        let done = [&[DONE][..], &fingerprint, &answer].concat();
        claims.complete_ours(&name, &running, &done).await;
        return created(answer);
    };
    let there = Bytes::from(there);
    match there[0] {
        _ if there[1..33] != fingerprint => HttpResponse::UnprocessableEntity().finish(),
        RUNNING => HttpResponse::Conflict().finish(),
        _ => HttpResponse::Created()
            .content_type("application/json")
            .insert_header(("Cache-Control", "no-store"))
            .insert_header(("Idempotency-Replayed", "true"))
            .body(there.slice(33..)),
    }
}

/// A hash of parts with their lengths, so that no two lists of parts have the same hash.
fn hashed(parts: &[&[u8]]) -> [u8; 32] {
    let mut joined = Vec::with_capacity(256);
    for part in parts {
        joined.extend_from_slice(&part.len().to_le_bytes());
        joined.extend_from_slice(part);
    }
    *blake3::hash(&joined).as_bytes()
}

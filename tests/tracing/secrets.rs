//! No line at any level holds a key, a body, a credential or a secret.

use crate::Traced;
use actix_web::web::{Data, Json, ServiceConfig};
use actix_web::{HttpResponse, Responder, get, post};
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::task::{TaskRunner, task_routes};
use idempotent_runtime::token::issue_token;
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{Idempotency, MemoryStore, idempotent};
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Sqlite, SqlitePool};
use tests::{ControlledHandler, eventually};

/// The beginning of every secret value.
const TELL_TALE: &str = "tell-tale";

#[post("/orders")]
#[idempotent]
async fn order(handler: Data<ControlledHandler>, body: Json<Value>) -> impl Responder {
    drop(body);
    handler.run().await
}

#[post("/careless")]
#[idempotent(on_store_error = "run", key = "{header.X-Other}")]
async fn careless(handler: Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

#[post("/once")]
#[idempotent(strategy = "token", key = "{header.Token}", operation = "once")]
async fn once(handler: Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

#[post("/locked")]
#[idempotent(strategy = "lock", key = "{header.X-Other}")]
async fn locked(handler: Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

#[get("/read")]
#[idempotent(strategy = "cache", key = "{header.X-Other}{query.q}", ttl = "1m")]
async fn read(handler: Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

#[post("/moves")]
#[idempotent(strategy = "dedup_table")]
async fn moves(handler: Data<ControlledHandler>, tx: Tx<Sqlite>) -> impl Responder {
    drop(tx);
    handler.run().await
}

#[post("/report")]
#[idempotent(strategy = "async", task_headers = "X-Other")]
async fn report(handler: Data<ControlledHandler>, body: Json<Value>) -> impl Responder {
    drop(body);
    handler.run().await
}

fn routes(config: &mut ServiceConfig) {
    config
        .service((order, careless, once, locked, read, moves, report))
        .route("/token", issue_token("once"))
        .service(task_routes("/tasks"));
}

#[idempotent(strategy = "message", key = "{id}", engine = "messages")]
async fn book(messages: &Messages, id: String) -> Result<String, MessageError> {
    Ok(format!("{TELL_TALE}-value"))
}

impl Traced {
    fn ask(&self, method: Method, path: &str) -> tests::Sender {
        self.server
            .send(method, path)
            .only("authorization", "Bearer tell-tale-caller")
            .key("tell-tale-key")
            .header("X-Other", "tell-tale-header")
    }

    async fn posted(&self, path: &str) -> u16 {
        self.ask(Method::POST, path).json(&json!("tell-tale-body")).send().await.status
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_line_at_any_level_holds_what_a_client_or_an_app_keeps_to_itself() {
    let pool = SqlitePool::connect("sqlite::memory:").await.unwrap();
    let set = |builder: idempotent_runtime::IdempotencyBuilder| {
        let builder = builder.key_secret("tell-tale-secret-of-keys-32-bytes-long");
        builder.token_secret("tell-tale-secret-of-tokens-32-bytes-long").database(pool)
    };
    let shop = Traced::open(set, routes).await;
    let runner = TaskRunner::start(&shop.idempotency, {
        let handler = Data::new(shop.handler.clone());
        move |config| {
            config.app_data(handler).configure(routes);
        }
    });
    shop.handler.answers(|_| {
        let header = ("X-Answer", "tell-tale-answer-header");
        HttpResponse::Created().insert_header(header).body("tell-tale-answer")
    });
    for path in ["/orders", "/careless", "/locked", "/moves", "/report"] {
        for _ in 0..2 {
            let status = shop.posted(path).await;
            assert!([201, 202].contains(&status), "{path}: {status}");
        }
    }
    let other = json!({"another": "tell-tale-body"});
    let reused = shop.ask(Method::POST, "/orders").json(&other).send().await;
    reused.is_problem(422, "key-reused");
    for _ in 0..2 {
        let reply = shop.ask(Method::GET, "/read?q=tell-tale-query").send().await;
        assert_eq!(reply.status, 201);
    }
    let token = shop.ask(Method::GET, "/token").send().await;
    let token = String::from_utf8(token.body.to_vec()).unwrap();
    for _ in 0..2 {
        let bought = shop.ask(Method::POST, "/once").header("Token", &token).send().await;
        assert_eq!(bought.status, 201);
    }
    eventually("the task ran", async || (shop.handler.runs() >= 8).then_some(())).await;

    // These requests go wrong in different ways.
    shop.backend.store.set_down(true);
    for path in ["/orders", "/careless", "/locked", "/report"] {
        assert!([201, 503].contains(&shop.posted(path).await), "{path}");
    }
    shop.ask(Method::GET, "/read?q=tell-tale-query").send().await;
    shop.backend.store.set_down(false);
    shop.handler.answers(|_| panic!("tell"));
    let panicked = shop.ask(Method::POST, "/careless").header("X-Other", "tell-tale-two");
    assert!(panicked.send().await.status >= 400);
    shop.backend.store.corrupt(|_| b"tell-tale-record".to_vec()).await;
    for path in ["/orders", "/careless", "/locked", "/moves"] {
        shop.posted(path).await;
    }

    let messages = Messages::builder(MemoryStore::new()).scope("tell-tale-scope").build().unwrap();
    for _ in 0..2 {
        book(&messages, "tell-tale-message".to_owned()).await.unwrap();
    }
    let app: &Idempotency = &shop.idempotency;
    app.lock("tell-tale-lock").acquire().await.unwrap().release().await;
    drop(runner);

    let all = shop.lines.all();
    for event in ["a key is claimed", "a stored response is sent again", "an outcome is stored"] {
        assert!(all.contains(event), "{event}");
    }
    let told: Vec<_> = all.lines().filter(|line| line.contains(TELL_TALE)).collect();
    assert!(told.is_empty(), "{told:#?}");
    assert!(!all.contains(&token), "a token");
}

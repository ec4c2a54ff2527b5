use actix_web::{App, HttpResponse, Responder, get, post, test, web};
use idempotent_runtime::{Idempotency, MemoryStore, Scope, idempotent};
use serde::Deserialize;

#[derive(Deserialize)]
struct NewOrder { sku: String }

#[post("/orders")]
#[idempotent]
async fn create(order: web::Json<NewOrder>) -> impl Responder {
    HttpResponse::Created().body(format!("made {}", order.sku))
}

#[idempotent(key = "sku:{order.sku}", on_in_flight = "wait", wait = "3s", ttl = "1h")]
#[get("/other")]
async fn other(order: web::Json<NewOrder>, mut _x: web::Query<NewOrder>) -> Result<impl Responder, actix_web::Error> {
    Ok(HttpResponse::Created().body(format!("made {}", order.sku)))
}

#[actix_web::test]
async fn smoke() {
    let i = Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).build().unwrap();
    let app = test::init_service(App::new().app_data(i).service(create).service(other)).await;
    for _ in 0..2 {
        let req = test::TestRequest::post().uri("/orders").insert_header(("Idempotency-Key", "a")).set_json(serde_json::json!({"sku":"x"})).to_request();
        let res = test::call_service(&app, req).await;
        println!("{:?}", res.response());
        println!("{:?}", test::read_body(res).await);
    }
}

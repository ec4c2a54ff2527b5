//! Servers on actix-web: a bare handler, and this project's guard.

use crate::Order;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpResponse, HttpServer, Responder, post, web};
use idempotent_runtime::store::Store;
use idempotent_runtime::{Idempotency, MemoryStore, RedisStore, Scope, idempotent};

/// Serves on one worker, until it is killed.
pub(crate) fn serve<C>(address: &str, configure: impl AsyncFnOnce() -> C)
where
    C: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    actix_web::rt::System::new().block_on(async {
        let configure = configure().await;
        let app = move || App::new().configure(&configure);
        let server = HttpServer::new(app).workers(1).bind(address).expect("a free port");
        server.run().await.expect("it serves");
    });
}

pub(crate) fn bare(address: &str, _redis: &str) {
    serve(address, async || {
        |config: &mut ServiceConfig| {
            config.service(create);
        }
    });
}

#[post("/orders")]
async fn create(order: web::Json<Order>) -> impl Responder {
    HttpResponse::Created().json(order)
}

#[post("/orders")]
#[idempotent]
async fn guarded(order: web::Json<Order>) -> impl Responder {
    HttpResponse::Created().json(order)
}

pub(crate) fn ours_in_memory(address: &str, _redis: &str) {
    serve(address, async || ours(MemoryStore::new(), None));
}

pub(crate) fn ours_on_redis(address: &str, redis: &str) {
    serve(address, async || ours(RedisStore::connect(redis).await.expect("it connects"), None));
}

pub(crate) fn ours_unremembered(address: &str, redis: &str) {
    serve(address, async || ours(RedisStore::connect(redis).await.expect("it connects"), Some(0)));
}

fn ours(
    store: impl Store,
    remembered: Option<usize>,
) -> impl Fn(&mut ServiceConfig) + Clone + Send {
    let builder = Idempotency::builder(store).scope(Scope::shared());
    let builder = match remembered {
        Some(bytes) => builder.remember(bytes),
        None => builder,
    };
    let idempotency = builder.build().expect("defaults fit");
    move |config: &mut ServiceConfig| {
        config.app_data(idempotency.clone()).service(guarded);
    }
}

//! A guarded app on a database.

use crate::store;
use actix_web::{Responder, route, web};
use idempotent_runtime::{Idempotency, Scope, idempotent};
use tests::{ControlledHandler, Reply, Server};

pub(crate) struct Shop {
    pub(crate) handler: ControlledHandler,
    app: Server,
}

impl Shop {
    pub(crate) async fn open(database: &str) -> Self {
        let guard = Idempotency::builder(store(database).await);
        let guard = guard.scope(Scope::header("Authorization")).without_check();
        let handler = ControlledHandler::new();
        let app = Server::start(&guard.build().expect("settings that fit"), &handler, routes);
        Self { handler, app }
    }

    pub(crate) async fn order(&self, key: &str) -> Reply {
        self.app.post("/orders").key(key).send().await
    }
}

fn routes(config: &mut web::ServiceConfig) {
    config.service(orders);
}

#[route("/orders", method = "POST")]
#[idempotent]
async fn orders(handler: web::Data<ControlledHandler>, _body: web::Bytes) -> impl Responder {
    handler.run().await
}

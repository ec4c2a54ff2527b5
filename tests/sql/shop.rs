//! A guarded app on a database.

use crate::store;
use actix_web::{Responder, route, web};
use idempotent_runtime::store::Store;
use idempotent_runtime::{Idempotency, IdempotencyBuilder, Scope, idempotent};
use std::sync::Arc;
use tests::{ControlledHandler, Reply, Server};

pub(crate) struct Shop {
    pub(crate) handler: ControlledHandler,
    pub(crate) idempotency: Idempotency,
    app: Server,
}

impl Shop {
    pub(crate) async fn open(database: &str) -> Self {
        Self::guarded_by(store(database).await, |builder| builder)
    }

    /// Opens a shop with other settings.
    pub(crate) fn guarded_by(
        store: Arc<dyn Store>,
        settings: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
    ) -> Self {
        // The app remembers no answers, so it asks the store.
        let guard = Idempotency::builder(store).remember(0);
        let guard = settings(guard.scope(Scope::header("Authorization")).without_check());
        let handler = ControlledHandler::new();
        let idempotency = guard.build().expect("settings that fit");
        let app = Server::start(&idempotency, &handler, routes);
        Self { handler, idempotency, app }
    }

    pub(crate) async fn order(&self, key: &str) -> Reply {
        self.app.post("/orders").key(key).send().await
    }

    /// The answer to the first order. This future runs while its handler runs.
    pub(crate) async fn ordered_while(&self, happens: impl Future<Output = ()>) -> Reply {
        self.handler.pause();
        let meanwhile = async {
            self.handler.runs_reach(1).await;
            happens.await;
            self.handler.resume();
        };
        tokio::join!(self.order("k"), meanwhile).0
    }

    /// Another process on the same database, whose handler is the same.
    pub(crate) fn beside(&self, store: Arc<dyn Store>) -> Server {
        let guard = Idempotency::builder(store).scope(Scope::header("Authorization"));
        let idempotency = guard.without_check().build().expect("settings that fit");
        Server::start(&idempotency, &self.handler, routes)
    }

    /// A request whose duplicates wait.
    pub(crate) async fn patient(&self, key: &str) -> Reply {
        self.app.post("/patient").key(key).send().await
    }

    pub(crate) async fn brief(&self, key: &str) -> Reply {
        self.app.post("/brief").key(key).send().await
    }
}

fn routes(config: &mut web::ServiceConfig) {
    config.service(orders).service(brief).service(patient);
}

#[route("/orders", method = "POST")]
#[idempotent]
async fn orders(handler: web::Data<ControlledHandler>, _body: web::Bytes) -> impl Responder {
    handler.run().await
}

#[route("/brief", method = "POST")]
#[idempotent(lease = "3s")]
async fn brief(handler: web::Data<ControlledHandler>, _body: web::Bytes) -> impl Responder {
    handler.run().await
}

#[route("/patient", method = "POST")]
#[idempotent(on_in_flight = "wait", wait = "10m")]
async fn patient(handler: web::Data<ControlledHandler>, _body: web::Bytes) -> impl Responder {
    handler.run().await
}

//! Spans and events, as the subscriber of an app gets them.

mod lines;
mod secrets;
mod spans;

use actix_web::web::ServiceConfig;
use idempotent_runtime::{Idempotency, IdempotencyBuilder, Scope};
use lines::Lines;
use tests::{Backend, ControlledHandler, Server};

/// A guarded server whose traces are read.
struct Traced {
    backend: Backend,
    handler: ControlledHandler,
    idempotency: Idempotency,
    server: Server,
    lines: &'static Lines,
}

impl Traced {
    async fn open(
        set: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
        routes: fn(&mut ServiceConfig),
    ) -> Self {
        let (lines, backend) = (Lines::read(), Backend::memory_in_real_time().await);
        let builder = Idempotency::builder(backend.store.clone());
        let builder = builder.scope(Scope::header("Authorization"));
        let idempotency = set(builder).build().expect("settings that fit");
        let handler = ControlledHandler::new();
        let server = Server::start(&idempotency, &handler, routes);
        Self { backend, handler, idempotency, server, lines }
    }
}

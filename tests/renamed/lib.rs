//! A crate that renames the runtime in its `Cargo.toml`, and needs nothing else.

#[cfg(test)]
mod tests {
    use actix_web::test::{TestRequest, call_service, init_service};
    use actix_web::{App, Responder, post};
    use guard::message::{MessageError, Messages};
    use guard::policy::StateTable;
    use guard::{Idempotency, MemoryStore, Scope, States, idempotent};

    #[post("/x")]
    #[idempotent]
    async fn handler(#[cfg(test)] method: actix_web::http::Method) -> impl Responder {
        method.to_string()
    }

    #[idempotent(strategy = "message", key = "{id}", engine = "messages")]
    async fn function(messages: &Messages, id: u8) -> Result<u8, MessageError> {
        Ok(id)
    }

    #[derive(States)]
    enum Status {
        #[to(Paid)]
        Created,
        Paid,
    }

    #[actix_web::test]
    async fn everything_finds_the_runtime() {
        let guard = Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).build();
        let guard = guard.expect("settings that fit");
        let app = init_service(App::new().app_data(guard.clone()).service(handler)).await;
        for _ in 0..2 {
            let request = TestRequest::post().uri("/x").insert_header(("Idempotency-Key", "k"));
            assert!(call_service(&app, request.to_request()).await.status().is_success());
        }
        assert_eq!((guard.counts().ran, guard.counts().replayed), (1, 1));
        let messages = Messages::builder(MemoryStore::new()).scope("app").build();
        assert_eq!(function(&messages.expect("settings that fit"), 7).await.expect("it ran"), 7);
        let states = [Status::Created, Status::Paid];
        assert_eq!(Status::STATES.len(), states.len());
    }
}

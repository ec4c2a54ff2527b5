//! The crate by another path than its own.

use crate::{post, says};
use actix_web::{Responder, post as on_post};
use facade::web::guard::{self, States, idempotent};
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::policy::StateTable;

/// The crate, re-exported by another one.
mod facade {
    pub(crate) mod web {
        pub(crate) use ::idempotent_runtime as guard;
    }
}

/// A module in which the crate's own name means something else.
mod renamed {
    use super::{MessageError, Messages, Responder, guard, idempotent, on_post};

    #[on_post("/x")]
    #[idempotent(crate = guard)]
    pub(super) async fn handler(#[cfg(test)] method: actix_web::http::Method) -> impl Responder {
        method.to_string()
    }

    #[idempotent(crate = super::guard, strategy = "message", key = "{id}", engine = "messages")]
    pub(super) async fn function(messages: &Messages, id: u8) -> Result<u8, MessageError> {
        Ok(id)
    }
}

#[allow(dead_code, reason = "its table is all that is looked at")]
#[derive(States)]
#[states(crate = facade::web::guard, rename_all = "UPPERCASE")]
enum Status {
    #[to(Paid)]
    Created,
    Paid,
}

#[actix_web::test]
async fn the_crate_by_another_path() {
    says("POST", |app| app.service(renamed::handler), || post("/x")).await;
    let messages = Messages::builder(guard::MemoryStore::new()).scope("app").build();
    let messages = messages.expect("settings that fit");
    assert_eq!(renamed::function(&messages, 7).await.expect("it ran"), 7);
    let names: Vec<_> = Status::STATES.iter().map(|state| state.name).collect();
    assert_eq!(names, ["CREATED", "PAID"]);
}

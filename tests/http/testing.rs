//! The feature `testing`; `docs/testing.md` shows it, and its code is run.

use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, Responder, post};
use idempotent_runtime::header::{IDEMPOTENCY_PROBLEM, IDEMPOTENCY_REPLAYED};
use idempotent_runtime::response::ProblemKind;
use idempotent_runtime::testing::{
    InMemory, LostPart, assert_fresh, assert_problem, assert_replayed,
};
use idempotent_runtime::{Scope, idempotent};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

#[post("/orders")]
#[idempotent]
async fn order() -> impl Responder {
    HttpResponse::Created()
}

/// The message of a failed check.
fn failed(check: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(check)).expect_err("it fails");
    *panic.downcast::<String>().expect("a text")
}

#[test]
fn a_check_fails_on_another_answer_and_shows_it() {
    let plain = HttpResponse::Created().insert_header(("X-Kind", "plain")).finish();
    let replay = HttpResponse::Created().insert_header((IDEMPOTENCY_REPLAYED, "true")).finish();
    let problem = ProblemKind::Duplicate;
    let refusal =
        HttpResponse::Conflict().insert_header((IDEMPOTENCY_PROBLEM, problem.name())).finish();
    assert_fresh(&plain);
    assert_replayed(&replay);
    assert_problem(&refusal, problem);
    let shown = failed(|| assert_replayed(&plain));
    assert!(
        shown.starts_with("it is not a replay: 201 Created") && shown.contains("plain"),
        "{shown}"
    );
    failed(|| assert_replayed(&refusal));
    failed(|| assert_fresh(&replay));
    failed(|| assert_fresh(&refusal));
    let shown = failed(|| assert_problem(&refusal, ProblemKind::InProgress));
    assert!(shown.starts_with("it is not `in-progress`: 409 Conflict"), "{shown}");
    failed(|| assert_problem(&plain, problem));
}

#[actix_web::test]
async fn runs_are_counted_whatever_the_store_does() {
    let patience = Duration::from_millis(500);
    let test = InMemory::with(|builder| builder.scope(Scope::shared()).store_patience(patience));
    let app = init_service(App::new().app_data(test.idempotency()).service(order)).await;
    let send = async |key: &str| {
        let request = TestRequest::post().uri("/orders").insert_header(("Idempotency-Key", key));
        call_service(&app, request.to_request()).await
    };
    assert!(failed(|| test.assert_ran_once()).starts_with("0 guarded requests ran, and not 1"));
    // Neither a lost request nor a lost answer of the store causes a second run.
    for (key, loss) in [("a", LostPart::Request), ("b", LostPart::Answer)] {
        test.store().lose(loss, 0);
        assert_fresh(&send(key).await);
        assert_replayed(&send(key).await);
    }
    test.assert_ran(2);
    assert!(failed(|| test.assert_ran_once()).starts_with("2 guarded requests ran, and not 1"));
    test.advance(Duration::from_hours(24));
    assert_fresh(&send("a").await);
    test.store().hang();
    assert_problem(&send("c").await, ProblemKind::StoreUnavailable);
    test.store().resume();
    test.assert_ran(3);
}

#[test]
fn settings_that_do_not_fit_together_fail_the_test() {
    let shown = failed(|| {
        drop(InMemory::with(|builder| builder.scope(Scope::shared()).ttl(Duration::ZERO)));
    });
    assert!(shown.contains("`ttl` is zero"), "{shown}");
}

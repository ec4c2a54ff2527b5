//! Mistakes in templates that only a request shows: nothing runs, and the log and the answer say why.

use crate::{Answer, answer, guard, post};
use actix_web::test::init_service;
use actix_web::web::{self, Json};
use actix_web::{App, Responder, post as on_post};
use idempotent_runtime::idempotent;
use tests::Log;

#[on_post("/shops/{shop}/things/{id}")]
#[idempotent(key = "{path.idd}", required = false)]
async fn misspelt() -> impl Responder {
    "ran"
}

#[on_post("/header-first/{id}")]
#[idempotent(key = "{header.X-Absent}{path.idd}", required = false)]
async fn misspelt_behind_a_header() -> impl Responder {
    "ran"
}

#[on_post("/things/{id}")]
#[idempotent(key = "{path.shop}/{path.id}")]
async fn of_a_shop() -> impl Responder {
    "ran"
}

/// The route has no parameter of that name, so no request ever has it.
#[actix_web::test]
async fn a_path_parameter_that_the_route_does_not_have_is_a_mistake_of_the_app() {
    let (log, guard) = (Log::listen(), guard());
    let shop = web::scope("/shops/{shop}").service(of_a_shop);
    let routes = App::new().app_data(guard.clone()).service(misspelt);
    let routes = routes.service(misspelt_behind_a_header).service(of_a_shop);
    let app = init_service(routes.service(shop)).await;
    for (path, named, pattern) in [
        ("/shops/a/things/1", "{path.idd}", "/shops/{shop}/things/{id}"),
        ("/header-first/1", "{path.idd}", "/header-first/{id}"),
        ("/things/1", "{path.shop}", "/things/{id}"),
    ] {
        let got = answer(&app, post(path).to_request()).await;
        assert_eq!(got.status.as_u16(), 500, "{path}");
        let body = String::from_utf8_lossy(&got.body);
        for told in ["misconfigured", named, pattern] {
            assert!(body.contains(told), "{body}");
        }
        assert!(log.lines(named).iter().any(|line| line.contains(pattern)), "{path}");
    }
    assert_eq!(guard.counts().ran, 0);
}

/// A parameter of a `web::scope` around the handler belongs to the route.
#[actix_web::test]
async fn a_path_parameter_of_a_scope_around_is_there() {
    let shop = web::scope("/shops/{shop}").service(of_a_shop);
    let app = init_service(App::new().app_data(guard()).service(shop)).await;
    for (shop, is_replay) in [("a", false), ("b", false), ("a", true)] {
        let got = answer(&app, post(&format!("/shops/{shop}/things/1")).to_request()).await;
        assert_eq!((&got.body[..], got.is_replay), (&b"ran"[..], is_replay));
    }
}

#[on_post("/first-of")]
#[idempotent(key = "first:{numbers[0]}", scope = "{numbers.len()}")]
async fn first_of(numbers: Json<Vec<u8>>) -> impl Responder {
    format!("{}", numbers[0])
}

/// The first request shows the mistake, and its answer says that nothing ran; the next one is served normally.
#[actix_web::test]
async fn an_expression_that_panics_is_told_by_its_text_and_nothing_runs() {
    let (log, guard) = (Log::listen(), guard());
    let app = init_service(App::new().app_data(guard.clone()).service(first_of)).await;
    let send = async |numbers: &'static str| -> Answer {
        answer(&app, post("/first-of").set_payload(numbers).to_request()).await
    };
    let refused = send("[]").await;
    let body = String::from_utf8_lossy(&refused.body).into_owned();
    assert_eq!(refused.status.as_u16(), 500, "{body}");
    assert!(body.contains("the handler did not run"), "{body}");
    let lines = log.lines("an expression of a template panicked");
    assert!(lines.iter().any(|line| line.contains("numbers[0]")), "{lines:?}");
    assert_eq!(guard.counts().ran, 0);
    assert_eq!((send("[7]").await.body, send("[7]").await.is_replay), ("7".into(), true));
}

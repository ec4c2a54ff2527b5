//! Return types of handlers.

use crate::{Answer, answer, guard, post, twice};
use actix_web::http::StatusCode;
use actix_web::test::init_service;
use actix_web::web;
use actix_web::{App, Either, HttpResponse, Responder, ResponseError, post as on_post};
use idempotent_runtime::idempotent;
use std::fmt;
use std::sync::atomic::{AtomicU16, Ordering};

/// An error of the user's own.
#[derive(Debug)]
pub(crate) struct Refused(StatusCode);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("refused")
    }
}

impl ResponseError for Refused {
    fn status_code(&self) -> StatusCode {
        self.0
    }
}

macro_rules! returns {
    ($($name:ident -> $kind:ty { $value:expr } is $status:literal, $body:literal;)*) => {
        $(
            #[on_post("/x")]
            #[idempotent]
            async fn $name() -> $kind {
                $value
            }
        )*

        #[actix_web::test]
        async fn every_return_type_replays() {
            $(
                let Answer { status, body, .. } =
                    twice(|app| app.service($name), || post("/x")).await;
                assert_eq!(
                    (status.as_u16(), &body[..]),
                    ($status, &$body[..]),
                    stringify!($kind),
                );
            )*
        }
    };
}

returns! {
    a_responder -> impl Responder { "text" } is 200, b"text";
    a_response -> HttpResponse { HttpResponse::Created().body("made") } is 201, b"made";
    an_owned_text -> String { "text".to_owned() } is 200, b"text";
    a_text -> &'static str { "text" } is 200, b"text";
    bytes -> web::Bytes { web::Bytes::from_static(b"\xff\x00") } is 200, b"\xff\x00";
    a_body_with_a_status -> (String, StatusCode) {
        ("text".to_owned(), StatusCode::ACCEPTED)
    } is 202, b"text";
    json -> web::Json<Vec<u8>> { web::Json(vec![1, 2]) } is 200, b"[1,2]";
    either -> Either<HttpResponse, &'static str> { Either::Right("right") } is 200, b"right";
    a_redirect -> web::Redirect { web::Redirect::to("/y").see_other() } is 303, b"";
    something -> Option<&'static str> { Some("some") } is 200, b"some";
    nothing -> Option<&'static str> { None } is 404, b"";
    a_result -> Result<HttpResponse, Refused> { Ok(HttpResponse::NoContent().finish()) } is 204, b"";
    a_result_of_a_responder -> Result<impl Responder + use<>, Refused> {
        Ok::<_, Refused>("fine")
    } is 200, b"fine";
    a_result_of_actix -> actix_web::Result<String> { Ok("fine".to_owned()) } is 200, b"fine";
    an_error_that_would_repeat -> Result<String, Refused> {
        Err(Refused(StatusCode::CONFLICT))
    } is 409, b"refused";
    an_error_by_question_mark -> Result<String, Refused> {
        Err(Refused(StatusCode::GONE))?
    } is 410, b"refused";
}

static NEXT: AtomicU16 = AtomicU16::new(500);

#[on_post("/x")]
#[idempotent]
async fn failing_at_first() -> Result<&'static str, Refused> {
    match NEXT.swap(200, Ordering::SeqCst) {
        200 => Ok("fine"),
        status => Err(Refused(StatusCode::from_u16(status).expect("a status"))),
    }
}

/// A user's error is rendered as without the attribute, and the key is free after a temporary error.
#[actix_web::test]
async fn an_error_that_may_pass_is_not_kept() {
    let guard = guard();
    let app = init_service(App::new().app_data(guard.clone()).service(failing_at_first)).await;
    let first = answer(&app, post("/x").to_request()).await;
    assert_eq!((first.status.as_u16(), &first.body[..]), (500, &b"refused"[..]));
    let second = answer(&app, post("/x").to_request()).await;
    assert_eq!((&second.body[..], second.is_replay), (&b"fine"[..], false));
    assert!(answer(&app, post("/x").to_request()).await.is_replay);
}

//! A request that an extractor refuses gets the same answer as without the attribute, and uses up no key.

use crate::{Answer, Order, answer, guard, post};
use actix_web::dev::Payload;
use actix_web::error::{ErrorForbidden, ErrorUnauthorized, InternalError};
use actix_web::http::header::HeaderValue;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, Error, FromRequest, HttpRequest, HttpResponse, web};
use idempotent_runtime::idempotent;
use std::future::{Ready, ready};

/// Refuses a request without a session.
struct SignedIn;

impl FromRequest for SignedIn {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(match request.headers().get("session").map(HeaderValue::as_bytes) {
            Some(b"over") => Err(ErrorForbidden("it is over")),
            Some(_) => Ok(Self),
            None => Err(ErrorUnauthorized("who are you?")),
        })
    }
}

/// The same function, with and without the attribute.
macro_rules! both {
    ($guarded:ident, $bare:ident($($parameter:ident: $kind:ty),*)) => {
        #[idempotent]
        async fn $guarded($($parameter: $kind),*) -> HttpResponse {
            $bare($($parameter),*).await
        }

        async fn $bare($($parameter: $kind),*) -> HttpResponse {
            $(let _ = $parameter;)*
            HttpResponse::Created().body("made")
        }
    };
}

both!(guarded_json, bare_json(order: web::Json<Order>));
both!(guarded_path, bare_path(path: web::Path<u32>));
both!(guarded_query, bare_query(query: web::Query<Order>));
both!(guarded_form, bare_form(form: web::Form<Order>));
both!(guarded_text, bare_text(text: String));
both!(guarded_data, bare_data(data: web::Data<u128>));
both!(guarded_user, bare_user(user: SignedIn, order: web::Json<Order>));

fn routes(app: &mut web::ServiceConfig) {
    app.route("/guarded/json", web::post().to(guarded_json))
        .route("/bare/json", web::post().to(bare_json))
        .route("/guarded/path/{n}", web::post().to(guarded_path))
        .route("/bare/path/{n}", web::post().to(bare_path))
        .route("/guarded/query", web::post().to(guarded_query))
        .route("/bare/query", web::post().to(bare_query))
        .route("/guarded/form", web::post().to(guarded_form))
        .route("/bare/form", web::post().to(bare_form))
        .route("/guarded/text", web::post().to(guarded_text))
        .route("/bare/text", web::post().to(bare_text))
        .route("/guarded/data", web::post().to(guarded_data))
        .route("/bare/data", web::post().to(bare_data))
        .route("/guarded/user", web::post().to(guarded_user))
        .route("/bare/user", web::post().to(bare_user));
}

/// Sends a request to both, and checks that the answers are the same refusal.
async fn same_refusal(status: u16, path: &str, change: impl Fn(TestRequest) -> TestRequest) {
    let guard = guard();
    let app = init_service(App::new().app_data(guard.clone()).configure(routes)).await;
    let send =
        async |at: &str| answer(&app, change(post(&format!("/{at}{path}"))).to_request()).await;
    let (guarded, bare): (Answer, Answer) = (send("guarded").await, send("bare").await);
    assert_eq!(guarded, bare, "{path}");
    assert_eq!(guarded.status.as_u16(), status, "{path}");
    assert_eq!(guard.counts().ran, 0, "{path}");
}

#[actix_web::test]
async fn a_refusal_of_every_extractor_is_the_same_as_without_us() {
    let body = |text: &'static str| move |request: TestRequest| request.set_payload(text);
    let kind = |kind: &'static str| {
        move |request: TestRequest| request.insert_header(("Content-Type", kind))
    };
    same_refusal(400, "/json", body("{\"sku\":")).await;
    same_refusal(400, "/json", body("{\"sku\":7}")).await;
    same_refusal(400, "/json", body("")).await;
    same_refusal(400, "/json", kind("text/plain")).await;
    same_refusal(413, "/text", |request| request.set_payload(vec![b' '; 300 << 10])).await;
    same_refusal(404, "/path/none", |request| request).await;
    same_refusal(400, "/query?x=1", |request| request).await;
    same_refusal(415, "/form", kind("text/plain")).await;
    same_refusal(400, "/text", |request| request.set_payload(&b"\xff\xfe"[..])).await;
    same_refusal(500, "/data", |request| request).await;
    same_refusal(401, "/user", |request| request).await;
    same_refusal(403, "/user", |request| request.insert_header(("session", "over"))).await;
}

/// The key of a refused request can be used by one that is accepted.
#[actix_web::test]
async fn a_refused_request_spends_no_key() {
    let guard = guard();
    let app = init_service(App::new().app_data(guard.clone()).configure(routes)).await;
    let refused = post("/guarded/json").set_payload("{").to_request();
    assert_eq!(answer(&app, refused).await.status.as_u16(), 400);
    let accepted = answer(&app, post("/guarded/json").to_request()).await;
    assert_eq!((accepted.status.as_u16(), accepted.is_replay), (201, false));
    // A refused request learns nothing about a key that was used.
    let refused = post("/guarded/json").set_payload("{").to_request();
    assert_eq!(answer(&app, refused).await.status.as_u16(), 400);
}

/// A caller whose credential was revoked is refused before any look at the store.
#[actix_web::test]
async fn a_credential_that_is_over_replays_nothing() {
    let guard = guard();
    let app = init_service(App::new().app_data(guard.clone()).configure(routes)).await;
    let as_of = |session| post("/guarded/user").insert_header(("session", session)).to_request();
    assert_eq!(answer(&app, as_of("open")).await.status.as_u16(), 201);
    let refused = answer(&app, as_of("over")).await;
    assert_eq!((refused.status.as_u16(), &refused.body[..]), (403, &b"it is over"[..]));
    assert!(answer(&app, as_of("open")).await.is_replay);
    assert_eq!((guard.counts().ran, guard.counts().replayed), (1, 1));
}

/// The app's own way to refuse bodies is kept.
#[actix_web::test]
async fn an_error_handler_of_the_app_is_asked() {
    let teapot = web::JsonConfig::default().error_handler(|error, _| {
        InternalError::from_response(error, HttpResponse::ImATeapot().body("no JSON")).into()
    });
    let app = App::new().app_data(guard()).app_data(teapot).configure(routes);
    let app = init_service(app).await;
    for at in ["/guarded/json", "/bare/json"] {
        let got = answer(&app, post(at).set_payload("{").to_request()).await;
        assert_eq!((got.status.as_u16(), &got.body[..]), (418, &b"no JSON"[..]));
    }
}

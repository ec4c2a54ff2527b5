//! Keys made of parameters: equal keys have one record, and different keys have different records.

use crate::{Order, Routes, answer, guard, post};
use actix_web::dev::Payload;
use actix_web::test::{TestRequest, init_service};
use actix_web::web;
use actix_web::{App, Error, FromRequest, HttpRequest, Responder, post as on_post};
use idempotent_runtime::idempotent;
use serde::Deserialize;
use std::future::{Ready, ready};

/// Sends each request twice. Requests of one group have one key, requests of different groups have different keys.
async fn tells_apart(routes: Routes, groups: &[&[&str]]) {
    let guard = guard();
    let app =
        init_service(App::new().app_data(guard.clone()).configure(|app| _ = routes(app))).await;
    for (n, group) in groups.iter().enumerate() {
        for (m, path) in group.iter().enumerate() {
            let got = answer(&app, post(path).to_request()).await;
            assert_eq!((got.status.as_u16(), got.is_replay), (200, m > 0), "{path}: {got:?}");
            assert!(answer(&app, post(path).to_request()).await.is_replay, "{path}");
        }
        assert_eq!(guard.counts().ran, n as u64 + 1, "{group:?}");
    }
}

/// The caller, named in the query.
struct User {
    name: String,
    roles: Vec<String>,
}

impl User {
    fn id(&self) -> String {
        format!("id-{}", self.name)
    }

    fn role(&self, at: usize) -> &str {
        &self.roles[at]
    }
}

#[derive(Deserialize)]
struct Who {
    name: String,
    role: String,
}

impl FromRequest for User {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let who = web::Query::<Who>::from_query(request.query_string());
        ready(
            who.map_err(Error::from)
                .map(|web::Query(Who { name, role })| Self { name, roles: vec![role] }),
        )
    }
}

/// With the default fingerprint, any other change of the query would be another request with the same key.
macro_rules! keyed {
    ($($name:ident($($parameter:ident: $kind:ty),*) by $key:literal;)*) => {
        $(
            #[on_post("/x")]
            #[idempotent(key = $key, fingerprint = "none")]
            async fn $name($($parameter: $kind),*) -> impl Responder {
                $(let _ = &$parameter;)*
                "ran"
            }
        )*
    };
}

keyed! {
    by_a_method(user: User) by "{user.id()}";
    by_a_method_with_arguments(user: User) by "{user.role(0).to_uppercase()}";
    by_an_index(user: User) by "{ user.roles[0] }";
    by_a_field(user: User) by "{user.name}";
    by_braces(user: User) by "{{{user.name}}}{{name}}";
    by_two(user: User) by "{user.name}{user.roles[0]}";
    by_one_and_text(user: User) by "é:{user.name}:{query.role}";
}

#[actix_web::test]
async fn an_expression_on_a_parameter_is_the_key() {
    let by_name: &[&[&str]] = &[&["/x?name=a&role=b", "/x?name=a&role=c"], &["/x?name=b&role=b"]];
    tells_apart(|app| app.service(by_a_method), by_name).await;
    tells_apart(|app| app.service(by_a_field), by_name).await;
    tells_apart(|app| app.service(by_braces), by_name).await;
    let by_role: &[&[&str]] = &[&["/x?name=a&role=b", "/x?name=b&role=b"], &["/x?name=a&role=c"]];
    tells_apart(|app| app.service(by_an_index), by_role).await;
    let in_capitals: &[&[&str]] =
        &[&["/x?name=a&role=b", "/x?name=b&role=B"], &["/x?name=a&role=c"]];
    tells_apart(|app| app.service(by_a_method_with_arguments), in_capitals).await;
}

#[actix_web::test]
async fn segments_do_not_run_together() {
    let apart: &[&[&str]] =
        &[&["/x?name=ab&role=c"], &["/x?name=a&role=bc"], &["/x?name=abc&role=d"]];
    tells_apart(|app| app.service(by_two), apart).await;
    let apart: &[&[&str]] = &[&["/x?name=a:b&role=c"], &["/x?name=a&role=b:c"]];
    tells_apart(|app| app.service(by_one_and_text), apart).await;
}

/// A parameter wins over a request source of the same name.
#[on_post("/x")]
#[idempotent(key = "{header.name}", fingerprint = "none")]
async fn shadowing(header: User) -> impl Responder {
    header.name
}

#[on_post("/x")]
#[idempotent(key = "{query.name}", fingerprint = "none")]
async fn shadowing_by_a_pattern(web::Query(query): web::Query<Who>) -> impl Responder {
    query.name + &query.role
}

#[actix_web::test]
async fn a_parameter_shadows_a_source() {
    let by_name: &[&[&str]] = &[&["/x?name=a&role=b", "/x?name=a&role=c"], &["/x?name=b&role=b"]];
    tells_apart(|app| app.service(shadowing), by_name).await;
    tells_apart(|app| app.service(shadowing_by_a_pattern), by_name).await;
}

#[on_post("/{part}")]
#[idempotent(key = "{order.sku()}{path}", scope = "{user.name}", fingerprint = "{user.roles[0]}")]
async fn everywhere(
    web::Json(order): web::Json<Order>,
    path: web::Path<String>,
    user: User,
) -> impl Responder {
    format!("{} {path} {}", order.sku, user.name)
}

/// Parameters are used in every template at once, one of them bound by a pattern.
#[actix_web::test]
async fn parameters_in_every_template() {
    let guard = guard();
    let app = App::new().app_data(guard.clone()).service(everywhere);
    let app = init_service(app).await;
    let send = async |path: &str| answer(&app, post(path).to_request()).await;
    assert_eq!(send("/p?name=a&role=r").await.body, "book p a");
    assert!(send("/p?name=a&role=r").await.is_replay);
    assert_eq!(send("/p?name=a&role=s").await.status.as_u16(), 422, "another fingerprint");
    assert_eq!(send("/p?name=b&role=r").await.body, "book p b", "another scope");
    assert_eq!(send("/q?name=a&role=r").await.body, "book q a", "another key");
}

/// The text of an expression is bounded, and an empty text is not a key.
#[actix_web::test]
async fn an_expression_that_is_empty_or_too_long_is_refused() {
    let app = init_service(App::new().app_data(guard()).service(by_a_field)).await;
    let name = |length: usize| format!("/x?role=r&name={}", "n".repeat(length));
    for (length, status) in [(0, 400), (1, 200), (1024, 200), (1025, 400)] {
        let got = answer(&app, TestRequest::post().uri(&name(length)).to_request()).await;
        assert_eq!(got.status.as_u16(), status, "{length}");
    }
}

#[on_post("/x/{id}")]
#[idempotent(key = concat!("{path.id}", ':', 7, "{user.id()}"), ttl = concat!(1, "h"))]
async fn in_parts(user: User) -> impl Responder {
    user.name
}

#[actix_web::test]
async fn a_template_of_literals_in_a_row() {
    let groups: [&[&str]; 3] =
        [&["/x/a?role=r&name=b"], &["/x/b?role=r&name=b"], &["/x/a?role=r&name=c"]];
    tells_apart(|app| app.service(in_parts), &groups).await;
}

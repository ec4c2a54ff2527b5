//! Guarded handlers, one for each policy that the behaviours need.

use actix_web::http::header::HeaderName;
use actix_web::{Error, HttpResponse, Responder, error, route, web};
use idempotent_runtime::extract::Attempt;
use idempotent_runtime::idempotent;
use idempotent_runtime::token::{FormToken, TokenIssuer, browser_script, issue_token};
use serde::Deserialize;
use tests::ControlledHandler;

pub(crate) fn all(config: &mut web::ServiceConfig) {
    config
        .service(orders)
        .service(nested)
        .service(short)
        .service(waiting)
        .service(impatient)
        .service(optional)
        .service(optional_parts)
        .service(rejecting)
        .service(holding)
        .service(lasting)
        .service(in_any_case)
        .service(locked)
        .service(also_locked)
        .service(locked_impatiently)
        .service(everything_stored)
        .service(extra_headers)
        .service(small)
        .service(small_json)
        .service(unread)
        .service(by_template)
        .service(by_fingerprint)
        .service(by_sources)
        .service(by_form)
        .service(by_credentials)
        .service(everybodys)
        .service(personal)
        .service(messages)
        .service(recent)
        .service(first_sent)
        .service(token)
        .service(token_replayed)
        .service(token_rendered)
        .service(form_rendered)
        .service(form_sent)
        .service(form_small)
        .configure(crate::tasks::handlers)
        .route("/idempotent.js", browser_script())
        .route("/tokens/form", issue_token("form"))
        .route("/tokens/token", issue_token("token"))
        .route("/tokens/token_replayed", issue_token("token_replayed"));
}

type Handler = web::Data<ControlledHandler>;

/// Handlers that only run, by name, path and the arguments of their attribute.
macro_rules! stubs {
    ($($name:ident $path:tt: $($argument:ident = $value:tt),*;)*) => {$(
        #[route($path, method = "POST")]
        #[idempotent($($argument = $value),*)]
        async fn $name(handler: Handler) -> impl Responder {
            handler.run().await
        }
    )*};
}

stubs! {
    short "/short": ttl = "1s", lease = "500ms";
    waiting "/waiting": on_in_flight = "wait", wait = "1m";
    impatient "/impatient": on_in_flight = "wait", wait = "50ms";
    optional "/optional": required = false;
    optional_parts "/optional-parts":
        key = "{header.X-Part}{query.part}{form.part}",
        required = false,
        fingerprint = "none";
    rejecting "/rejecting": on_duplicate = "reject";
    holding "/holding": on_abandoned = "hold", lease = "500ms";
    lasting "/lasting": lease = "2s";
    in_any_case "/in-any-case/{who}": on_store_error = "run";
    everything_stored "/everything-stored": store = "2xx, 404, 5xx";
    extra_headers "/extra-headers":
        headers = "X-Total, X-Page, X-Request-Id, Date",
        drop_headers = "X-Other";
    by_sources "/by-sources/{id}": key = "{query.q}-{cookie.sid}-{header.X-Part}-{path.id}";
    by_form "/by-form": key = "{form.token}", fingerprint = "none";
    by_credentials "/by-credentials/{session}":
        key = "{path.session}{header.X-Api-Key}{header.X-CSRF}{query.reset_token}{form.client_secret}",
        fingerprint = "none";
    everybodys "/everybodys": scope = "shared";
    personal "/personal": scope = "{header.X-Tenant}:{header.X-User}";
    messages "/messages": on_duplicate = "reject", message = "重复的请求 (duplicate request)";
    recent "/recent": within = "5m";
    first_sent "/first-sent": first_sent = "{header.Repeatability-First-Sent}", ttl = "1h";
    token_replayed "/token-replayed":
        strategy = "token",
        key = "{header.token}",
        operation = "token_replayed";
    form_small "/form-small": key = "{form.token}", max_body = "200B";
}

#[route("/orders", method = "POST", method = "PUT")]
#[idempotent]
async fn orders(handler: Handler, _body: web::Bytes) -> impl Responder {
    handler.run().await
}

#[idempotent]
#[route("/orders/{id}/items", method = "POST")]
async fn nested(handler: Handler, id: web::Path<String>) -> impl Responder {
    let _ = id;
    handler.run().await
}

#[route("/locked/{id}", method = "POST")]
#[idempotent(strategy = "lock", key = "thing:{path.id}", lease = "2s", wait = "1m")]
async fn locked(handler: Handler, attempt: Attempt) -> impl Responder {
    fenced(handler.run().await, &attempt)
}

#[route("/also-locked/{id}", method = "POST")]
#[idempotent(strategy = "lock", key = "thing:{path.id}", lease = "2s", wait = "1m")]
async fn also_locked(handler: Handler, attempt: Attempt) -> impl Responder {
    fenced(handler.run().await, &attempt)
}

#[route("/locked-impatiently/{id}", method = "POST")]
#[idempotent(strategy = "lock", key = "thing:{path.id}", lease = "2s", wait = "50ms")]
async fn locked_impatiently(handler: Handler, attempt: Attempt) -> impl Responder {
    fenced(handler.run().await, &attempt)
}

fn fenced(mut response: HttpResponse, attempt: &Attempt) -> HttpResponse {
    response.headers_mut().insert(HeaderName::from_static("x-attempt"), attempt.number().into());
    response
}

#[route("/small", method = "POST")]
#[idempotent(max_body = "1KiB")]
async fn small(handler: Handler, _body: web::Bytes) -> impl Responder {
    handler.run().await
}

#[derive(Deserialize)]
struct Order {
    sku: String,
}

#[route("/json", method = "POST")]
#[idempotent]
async fn small_json(handler: Handler, order: web::Json<Order>) -> impl Responder {
    let _ = &order.sku;
    handler.run().await
}

#[route("/unread", method = "POST")]
#[idempotent(fingerprint = "none", max_body = "1KiB")]
async fn unread(handler: Handler, body: web::Payload) -> Result<impl Responder, Error> {
    let bytes = body.to_bytes_limited(1 << 20).await.map_err(error::ErrorPayloadTooLarge)??;
    handler.run().await;
    Ok(HttpResponse::Created().body(format!("{} bytes", bytes.len())))
}

#[route("/by-template/{part}", method = "POST")]
#[idempotent(key = "sku:{order.sku}{path.part}")]
async fn by_template(
    handler: Handler,
    web::Json(mut order): web::Json<Order>,
    _part: web::Path<String>,
) -> impl Responder {
    order.sku.push('!');
    handler.run().await
}

#[route("/by-fingerprint", method = "POST")]
#[idempotent(fingerprint = "{order.sku}")]
async fn by_fingerprint(handler: Handler, order: web::Json<Order>) -> impl Responder {
    let _ = order;
    handler.run().await
}

#[route("/token", method = "POST")]
#[idempotent(
    strategy = "token",
    key = "{header.token}",
    operation = "token",
    on_duplicate = "reject"
)]
async fn token(handler: Handler, _body: web::Bytes) -> impl Responder {
    handler.run().await
}

#[route("/token-rendered", method = "GET")]
async fn token_rendered(tokens: TokenIssuer) -> Result<impl Responder, Error> {
    Ok(format!("<input name=\"token\" value=\"{}\">", tokens.issue("token").await?))
}

#[route("/form", method = "GET")]
async fn form_rendered(tokens: FormToken) -> Result<impl Responder, Error> {
    let tokens = tokens.named("\"t\"");
    Ok(format!("{}\n{}", tokens.field("form").await?, tokens.field("form").await?))
}

/// Redirects to the new thing, and shows that the whole body came.
#[route("/form", method = "POST")]
#[idempotent(strategy = "token", key = "{form.token}", operation = "form")]
async fn form_sent(handler: Handler, body: web::Bytes) -> impl Responder {
    let run = handler.run().await;
    if !run.status().is_success() {
        return run;
    }
    let place = format!("/orders/{}", handler.runs());
    HttpResponse::SeeOther().insert_header(("Location", place)).body(body.len().to_string())
}

//! The scope of a request is its caller, and not the credential that the caller shows.

use crate::{guard, routes};
use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::error::ErrorUnauthorized;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ReqData, ServiceConfig};
use actix_web::{Error, FromRequest, HttpMessage, HttpRequest, HttpResponse, Responder, route};
use futures_util::future::LocalBoxFuture;
use idempotent_runtime::policy::{Policy, Strategy};
use idempotent_runtime::token::TokenIssuer;
use idempotent_runtime::{Idempotency, Middleware, Scope, ScopeId, idempotent};
use reqwest::Method;
use std::fmt::Display;
use std::rc::Rc;
use tests::{Backend, ControlledHandler, Sender, Server};

on_every_store! {
    a_refreshed_credential_replays_and_another_account_runs,
    a_refreshed_credential_uses_the_token_of_before,
    a_refreshed_credential_reads_the_task_of_before,
    a_refreshed_credential_reads_and_forgets_the_answer_of_before,
    behind_a_middleware_a_refreshed_credential_replays,
    who_is_not_known_claims_nothing,
    what_the_extractor_refuses_is_the_response,
    a_caller_may_be_kept_in_any_way,
}

static WRITES: Policy = Policy::of_routes(Strategy::RequestId);

/// The caller, by any of the tokens of one account: `Bearer alice.1` and `Bearer alice.2` are alice.
#[derive(Clone)]
struct Customer(String);

impl Customer {
    fn of(request: &HttpRequest) -> Option<Self> {
        let credential = request.headers().get("Authorization")?.to_str().ok()?;
        let (name, _) = credential.strip_prefix("Bearer ")?.split_once('.')?;
        Some(Self(name.to_owned()))
    }
}

impl ScopeId for Customer {
    fn scope_id(&self) -> impl Display {
        &self.0
    }
}

impl FromRequest for Customer {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            // The extractor waits once, like one that asks a database.
            tokio::task::yield_now().await;
            Self::of(&request).ok_or_else(|| ErrorUnauthorized("sign in"))
        })
    }
}

/// Puts the caller into the request's extensions, in several ways.
async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    if let Some(customer) = Customer::of(request.request()) {
        request.extensions_mut().insert(Rc::new(customer.clone()));
        request.extensions_mut().insert(customer);
    }
    next.call(request).await
}

#[route("/profile", method = "GET")]
#[idempotent(strategy = "cache", operation = "profile", ttl = "1h")]
async fn profile(handler: web::Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

#[route("/profile/forgotten", method = "POST")]
async fn forget_profile(app: Idempotency, request: HttpRequest) -> Result<HttpResponse, Error> {
    app.invalidate("profile", ["/profile", ""]).of(&request).await?;
    Ok(HttpResponse::NoContent().finish())
}

#[route("/two/tokens", method = "GET")]
async fn token_beside(_: Customer, tokens: TokenIssuer) -> Result<String, Error> {
    tokens.issue("token").await
}

async fn plain(handler: web::Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

fn all(guard: &Idempotency, config: &mut ServiceConfig) {
    let behind = web::scope("/behind").wrap(Middleware::new(guard, &WRITES));
    config.service(
        web::scope("")
            .wrap(from_fn(authenticate))
            .service(behind.route("/orders", web::post().to(plain)))
            .service(profile)
            .service(forget_profile)
            .service(token_beside)
            .configure(routes::all),
    );
}

/// A server with this rule for scopes.
struct Shop {
    handler: ControlledHandler,
    idempotency: Idempotency,
    server: Server,
}

/// A shop for each rule, on one store.
fn shops(backend: &Backend) -> [Shop; 2] {
    [("of", Scope::of::<Customer>()), ("extract", Scope::extract::<Customer>())]
        .map(|(name, scope)| Shop::open(backend, name, scope))
}

impl Shop {
    fn open(backend: &Backend, name: &str, scope: Scope) -> Self {
        let handler = ControlledHandler::new();
        let builder = guard(backend).scope(scope).namespace(name);
        let idempotency = builder.build().expect("settings that fit");
        let guard = idempotency.clone();
        let server = Server::start(&idempotency, &handler, move |config| all(&guard, config));
        Self { handler, idempotency, server }
    }

    /// A request with this bearer token.
    fn by(&self, token: &str, method: Method, path: &str) -> Sender {
        self.server.send(method, path).only("authorization", &format!("Bearer {token}"))
    }

    fn post_by(&self, token: &str, path: &str) -> Sender {
        self.by(token, Method::POST, path)
    }
}

async fn a_refreshed_credential_replays_and_another_account_runs(backend: Backend) {
    for shop in shops(&backend) {
        let send = |token: &'static str| shop.post_by(token, "/orders").key("k").body("b").send();
        assert_eq!(send("alice.1").await.body, "run 1");
        let again = send("alice.2").await;
        assert_eq!((again.is_replay(), &again.body[..]), (true, &b"run 1"[..]));
        let other = send("bob.1").await;
        assert_eq!((other.is_replay(), &other.body[..]), (false, &b"run 2"[..]));
        assert!(send("bob.2").await.is_replay());
        assert_eq!(shop.handler.runs(), 2);
    }
}

async fn a_refreshed_credential_uses_the_token_of_before(backend: Backend) {
    for shop in shops(&backend) {
        // This holds even if an extractor that waits comes before the one that issues tokens.
        for issued in ["/tokens/token", "/two/tokens"] {
            let token = shop.by("alice.1", Method::GET, issued).send().await;
            assert_eq!(token.status, 200, "{token:?}");
            let send = |who: &'static str| {
                shop.post_by(who, "/token").header("token", &token.body[..]).send()
            };
            send("bob.1").await.is_problem(412, "token-invalid");
            assert_eq!(send("alice.2").await.status, 201);
        }
    }
}

async fn a_refreshed_credential_reads_the_task_of_before(backend: Backend) {
    for shop in shops(&backend) {
        let accepted = shop.post_by("alice.1", "/reports").key("k").send().await;
        assert_eq!(accepted.status, 202, "{accepted:?}");
        let location = accepted.header("Location").expect("an address");
        assert_eq!(shop.by("alice.2", Method::GET, location).send().await.status, 200);
        let other = shop.by("bob.1", Method::GET, location).send().await;
        other.is_problem(404, "task-missing");
    }
}

async fn a_refreshed_credential_reads_and_forgets_the_answer_of_before(backend: Backend) {
    for shop in shops(&backend) {
        let read = |token: &'static str| shop.by(token, Method::GET, "/profile").send();
        assert_eq!(read("alice.1").await.body, "run 1");
        assert_eq!(read("alice.2").await.body, "run 1");
        assert_eq!(read("bob.1").await.body, "run 2");
        assert_eq!(shop.post_by("alice.3", "/profile/forgotten").send().await.status, 204);
        assert_eq!(read("alice.1").await.body, "run 3");
        assert_eq!(read("bob.1").await.body, "run 2");
    }
}

async fn behind_a_middleware_a_refreshed_credential_replays(backend: Backend) {
    for shop in shops(&backend) {
        let send = |token: &'static str| shop.post_by(token, "/behind/orders").key("k").send();
        assert_eq!(send("alice.1").await.body, "run 1");
        let again = send("alice.2").await;
        assert_eq!((again.is_replay(), &again.body[..]), (true, &b"run 1"[..]));
        assert_eq!(send("bob.1").await.body, "run 2");
    }
}

/// There is no caller, or a caller without an id.
async fn who_is_not_known_claims_nothing(backend: Backend) {
    let [of, extract] = shops(&backend);
    for (shop, token) in [(&of, ""), (&of, "expired"), (&of, ".1"), (&extract, ".1")] {
        let before = shop.idempotency.counts();
        for path in ["/orders", "/behind/orders", "/reports"] {
            let reply = shop.post_by(token, path).key("k").send().await;
            reply.is_problem(400, "scope-missing");
        }
        let issued = shop.by(token, Method::GET, "/tokens/token").send().await;
        issued.is_problem(400, "scope-missing");
        let task = shop.by(token, Method::GET, "/tasks/AAAAAAAAAAAAAAAAAAAAAA").send().await;
        task.is_problem(400, "scope-missing");
        assert_eq!((shop.idempotency.counts(), shop.handler.runs()), (before, 0));
    }
}

async fn what_the_extractor_refuses_is_the_response(backend: Backend) {
    let [_, shop] = shops(&backend);
    shop.post_by("alice.1", "/orders").key("k").send().await;
    let before = shop.idempotency.counts();
    for path in ["/orders", "/behind/orders", "/reports", "/profile/forgotten"] {
        let refused = shop.post_by("expired", path).key("k").send().await;
        assert_eq!((refused.status, &refused.body[..]), (401, &b"sign in"[..]), "{path}");
    }
    let issued = shop.by("expired", Method::GET, "/tokens/token").send().await;
    assert_eq!(issued.status, 401);
    assert_eq!((shop.idempotency.counts(), shop.handler.runs()), (before, 1));
}

async fn a_caller_may_be_kept_in_any_way(backend: Backend) {
    let scopes = [
        Scope::of::<Customer>(),
        Scope::of::<Rc<Customer>>(),
        Scope::extract::<ReqData<Customer>>(),
        Scope::extract::<Customer>(),
    ];
    for (place, scope) in scopes.into_iter().enumerate() {
        let shop = Shop::open(&backend, "one", scope);
        let reply = shop.post_by(&format!("alice.{place}"), "/orders").key("k").send().await;
        assert_eq!((reply.status, reply.is_replay()), (201, place > 0));
    }
}

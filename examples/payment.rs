//! A handler that charges a card at another company: `cargo run --example payment`
//!
//! The company has idempotency of its own. The handler derives the key of its charge from its own
//! record. If a run is killed after the charge, the next run sends the same key, and charges nothing.

use actix_web::dev::Payload;
use actix_web::{
    App, Error, FromRequest, HttpRequest, HttpResponse, HttpServer, Responder, error, get, post,
    web,
};
use idempotent_runtime::extract::DownstreamKey;
use idempotent_runtime::{Idempotency, Scope, ScopeId, idempotent};
use serde_json::json;
use std::collections::HashMap;
use std::fmt::Display;
use std::future::{Ready, ready};
use std::sync::{Arc, Mutex, PoisonError};

/// The other company. It remembers its answer for each key.
#[derive(Clone, Default)]
struct Provider(Arc<Mutex<HashMap<String, usize>>>);

impl Provider {
    /// The number of the charge: the same for the same key.
    fn charge(&self, key: String) -> usize {
        let mut charges = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let next = charges.len() + 1;
        *charges.entry(key).or_insert(next)
    }

    fn charges(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// The payer. It is the same customer, although its access token changes.
struct Customer(String);

impl ScopeId for Customer {
    fn scope_id(&self) -> impl Display {
        &self.0
    }
}

/// Your authentication stands here, and checks the token.
impl FromRequest for Customer {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let token = request.headers().get("Authorization").and_then(|token| token.to_str().ok());
        let name = token.and_then(|token| token.strip_prefix("Bearer ")?.split('.').next());
        ready(match name {
            Some(name) => Ok(Self(name.to_owned())),
            None => Err(error::ErrorUnauthorized("sign in")),
        })
    }
}

/// Charges, and fails the first time, as if the process had died before its record was stored.
#[post("/payments")]
#[idempotent]
async fn pay(
    _: Customer,
    provider: web::Data<Provider>,
    failures: web::Data<Mutex<usize>>,
    downstream: DownstreamKey,
) -> Result<impl Responder, Error> {
    let charge = provider.charge(downstream.key("provider", "charge"));
    let mut failures = failures.lock().unwrap_or_else(PoisonError::into_inner);
    if *failures > 0 {
        *failures -= 1;
        return Err(error::ErrorServiceUnavailable("charged, and then failed"));
    }
    Ok(HttpResponse::Created().json(json!({"charge": charge})))
}

#[get("/charges")]
async fn list_charges(provider: web::Data<Provider>) -> impl Responder {
    web::Json(json!({"charges": provider.charges()}))
}

fn routes(
    provider: &Provider,
    failures: usize,
) -> impl Fn(&mut web::ServiceConfig) + Clone + use<> {
    let (provider, failures) =
        (web::Data::new(provider.clone()), web::Data::new(Mutex::new(failures)));
    move |config| {
        config
            .app_data(provider.clone())
            .app_data(failures.clone())
            .service(pay)
            .service(list_charges);
    }
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = Idempotency::connect("memory:").await?;
    let idempotency = builder.scope(Scope::extract::<Customer>()).build()?;
    let routes = routes(&Provider::default(), 1);
    println!("Pay twice. The first request fails after it charged; still there is one charge:");
    println!(
        "curl -i -X POST http://127.0.0.1:8080/payments -H 'Authorization: Bearer alice.1' \
         -H 'Idempotency-Key: order-1'"
    );
    println!("curl http://127.0.0.1:8080/charges");
    HttpServer::new(move || App::new().app_data(idempotency.clone()).configure(routes.clone()))
        .bind(("127.0.0.1", 8080))?
        .run()
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::{TestRequest, call_service, init_service};

    #[actix_web::test]
    async fn a_payment_that_runs_again_charges_once_and_another_one_charges_again() {
        let idempotency = Idempotency::connect("memory:").await.unwrap();
        let idempotency = idempotency.scope(Scope::extract::<Customer>()).build().unwrap();
        let provider = Provider::default();
        let app = App::new().app_data(idempotency).configure(routes(&provider, 1));
        let app = init_service(app).await;
        let request = |key: &'static str, token: &'static str| {
            TestRequest::post()
                .uri("/payments")
                .insert_header(("Authorization", token))
                .insert_header(("Idempotency-Key", key))
                .to_request()
        };
        for (key, token, status, charges) in [
            ("a", "Bearer alice.1", 503, 1),
            ("a", "Bearer alice.1", 201, 1),
            ("a", "Bearer alice.2", 201, 1),
            ("b", "Bearer alice.2", 201, 2),
            ("b", "Bearer bob.1", 201, 3),
        ] {
            assert_eq!(call_service(&app, request(key, token)).await.status(), status);
            assert_eq!(provider.charges(), charges);
        }
    }
}

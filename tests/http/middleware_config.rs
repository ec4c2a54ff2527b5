//! A middleware's policy from a config file.

use crate::Shop;
use actix_web::web::{self, Data};
use idempotent_runtime::policy::{OnInFlight, Policy, Statuses, Strategy};
use idempotent_runtime::{Middleware, MiddlewareConfig};
use std::time::Duration;
use tests::{Backend, ControlledHandler};

on_every_store! {
    a_policy_of_a_file_guards_as_it_says,
}

async fn a_policy_of_a_file_guards_as_it_says(backend: Backend) {
    let shop = Shop::serving(
        backend,
        |builder| builder,
        |idempotency, config| {
            let file = r#"{
                "strategy": "request_id", "ttl": "2h", "lease": "30s", "on_duplicate": "reject",
                "store": "2xx, 500", "max_body": "16B", "message": "said before", "fingerprint": "none",
                "required": false, "on_abandoned": "hold", "on_store_error": "refuse"
            }"#;
            let of_file: MiddlewareConfig = serde_json::from_str(file).expect("a policy");
            let handler = async |handler: Data<ControlledHandler>| handler.run().await;
            let guard = Middleware::new(idempotency, of_file.policy());
            config.service(web::scope("/v1").wrap(guard).route("/orders", web::post().to(handler)));
        },
    );
    shop.handler.answers(|_| actix_web::HttpResponse::InternalServerError().finish());
    assert_eq!(shop.post("/v1/orders").key("k").body("first").send().await.status, 500);
    let again = shop.post("/v1/orders").key("k").body("other").send().await;
    again.is_problem(409, "duplicate");
    assert_eq!(again.json()["detail"], "said before");
    assert_eq!(shop.post("/v1/orders").send().await.status, 500);
    assert_eq!(shop.handler.runs(), 2);
}

#[test]
fn every_mistake_names_its_field() {
    let told = |file: &str| {
        let read = serde_json::from_str::<MiddlewareConfig>(file);
        read.map(|config| format!("{config:?}")).expect_err(file).to_string()
    };
    for (file, expected) in [
        (r#"{"ttl": "48 hours"}"#, "`ttl`: `48 hours` is not a duration: write a whole number and"),
        (r#"{"ttl": 48}"#, "`ttl`: `48` is not a duration"),
        (r#"{"ttl": "0s"}"#, "`ttl`: a duration of zero"),
        (r#"{"ttl": "4000d"}"#, "`ttl`: `4000d` is longer than ten years"),
        (r#"{"lease": "50ms"}"#, "`lease`: it is shorter than 100 milliseconds"),
        (r#"{"lease": "1h", "ttl": "1h"}"#, "`lease`: it must be shorter than `ttl`"),
        (r#"{"wait": "5s"}"#, "`wait`: it has no effect without `on_in_flight` = `wait`"),
        (r#"{"wait": "1h", "ttl": "1m", "on_in_flight": "wait"}"#, "`wait`: it must be shorter"),
        (r#"{"max_body": "64KB"}"#, "`max_body`: `64KB` is not a size"),
        (r#"{"max_body": 0}"#, "`max_body`: it is zero, or over 1024 MiB"),
        (r#"{"max_body": "2000MiB"}"#, "`max_body`: it is zero, or over 1024 MiB"),
        (r#"{"required": "false"}"#, "`required`: `false` is neither `true` nor `false`"),
        (r#"{"on_duplicate": "accept"}"#, "`on_duplicate`: `accept` is none of `replay`, `reject`"),
        (r#"{"strategy": "cache"}"#, "`strategy`: `cache` is none of `request_id`, `token`"),
        (r#"{"strategy": "token"}"#, "`operation`: `token` needs the operation of its tokens"),
        (
            r#"{"strategy": "token", "operation": "pay", "required": false}"#,
            "`required`: `token` cannot do without the token",
        ),
        (
            r#"{"strategy": "token", "operation": "pay", "on_store_error": "run"}"#,
            "`on_store_error`: `token` cannot run without its store",
        ),
        (r#"{"operation": " "}"#, "`operation`: it is empty"),
        (r#"{"message": ["a"]}"#, "`message`: a list is not text"),
        (r#"{"store": "2xx, 600"}"#, "`store`: `600` is not a status"),
        (r#"{"headers": "X Total"}"#, "`headers`: `X Total` is not the name of a header"),
        (r#"{"headers": "Set-Cookie"}"#, "`headers`: `set-cookie` is never replayed"),
        (
            r#"{"headers": "X-Total", "on_duplicate": "reject"}"#,
            "`headers`: it has no effect: duplicates are rejected",
        ),
        (
            r#"{"headers": "X-Total", "drop_headers": "x-total"}"#,
            "`drop_headers`: `x-total` is in `headers`, too",
        ),
        (r#"{"tll": "1h"}"#, "unknown field `tll`, expected one of `strategy`, `operation`, `ttl`"),
        (r#"{"ttl": "1h", "ttl": "2h"}"#, "duplicate field `ttl`"),
    ] {
        let told = told(file);
        assert!(told.starts_with(expected), "{file}: {told}");
    }
}

#[test]
fn an_empty_file_is_the_default_and_units_are_those_of_the_attribute() {
    static DEFAULT: Policy = Policy::of_routes(Strategy::RequestId);
    static ALL: Policy = Policy::of_routes(Strategy::Token)
        .operation("pay")
        .ttl(Duration::from_hours(48))
        .lease(Duration::from_millis(1500))
        .on_in_flight(OnInFlight::Wait)
        .wait(Duration::from_mins(2))
        .within(Duration::from_hours(24))
        .max_body(64 << 10)
        .statuses(Statuses::ranges(&[(200, 299), (404, 404)]))
        .headers(&["x-total", "date"]);
    let shown = |file: &str| {
        format!("{:?}", serde_json::from_str::<MiddlewareConfig>(file).expect(file).policy())
    };
    assert_eq!(shown("{}"), format!("{:?}", &DEFAULT));
    let all = r#"{
        "strategy": "token", "operation": "pay", "ttl": "48h", "lease": "1500ms", "on_in_flight": "wait",
        "wait": "2m", "within": "1d", "max_body": "64KiB", "store": "2xx, 404", "headers": "X-Total, Date"
    }"#;
    assert_eq!(shown(all), format!("{:?}", &ALL));
}

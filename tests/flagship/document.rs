//! The `OpenAPI` document of the flagship is valid, and agrees with its answers.

use crate::shop::book;
use crate::{Records, Shop};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tests::{Reply, Sender};

async fn document(shop: &Shop) -> Value {
    let url = format!("{}/openapi.json", shop.orders.url());
    let reply = Sender::anonymous(Method::GET, url).send().await;
    assert_eq!(reply.status, 200);
    reply.json()
}

/// Every `$ref` in a document.
fn references(inside: &Value) -> Vec<&str> {
    match inside {
        Value::Object(members) => {
            let own = members.get("$ref").and_then(Value::as_str);
            own.into_iter().chain(members.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

/// Every operation of a document, by method and path.
fn operations(document: &Value) -> Vec<(&str, &str, &Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let mut all = Vec::new();
    for (path, item) in paths {
        for (method, operation) in item.as_object().expect("methods") {
            all.push((&**method, &**path, operation));
        }
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_is_valid() {
    let shop = Shop::open(Records::sqlite());
    let document = document(&shop).await;
    let parsed = oas3::from_json(document.to_string()).expect("a document of OpenAPI");
    parsed.validate_version().expect("a version that readers know");

    let references = references(&document);
    assert!(references.contains(&"#/components/schemas/IdempotencyProblem"), "{references:?}");
    for reference in references {
        let place = reference.strip_prefix('#').expect("a place in this document");
        assert!(document.pointer(place).is_some(), "{reference} leads nowhere");
    }

    let operations = operations(&document);
    let ids: BTreeSet<_> = operations.iter().map(|(.., it)| it["operationId"].as_str()).collect();
    assert_eq!(ids.len(), operations.len(), "{ids:?}");
    let guarded: BTreeSet<_> =
        operations.iter().filter_map(|(.., it)| it["x-idempotency"]["strategy"].as_str()).collect();
    let strategies = [
        "async",
        "cache",
        "dedup_table",
        "lock",
        "request_id",
        "row_lock",
        "state",
        "token",
        "unique",
        "version",
    ];
    assert_eq!(guarded, BTreeSet::from(strategies));
    for (method, path, operation) in operations {
        let named = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
        for name in named {
            let parameters = operation["parameters"].as_array().expect("parameters");
            let is_it = |one: &Value| one["name"] == *name && one["in"] == "path";
            assert!(parameters.iter().any(is_it), "{method} {path} does not say what {name} is");
        }
    }
}

/// Checks that the document lists a problem that a client got.
#[track_caller]
fn assert_told(
    document: &Value,
    (method, path): (&str, &str),
    (status, kind): (u16, &str),
    reply: &Reply,
) {
    reply.is_problem(status, kind);
    let told = &document["paths"][path][method]["responses"][status.to_string()];
    let content = &told["content"]["application/problem+json"]["schema"]["allOf"];
    let types = content[1]["properties"]["type"]["enum"].as_array();
    let types = types.unwrap_or_else(|| panic!("{method} {path} does not tell of {status}"));
    let problem = reply.json();
    assert!(types.contains(&problem["type"]), "{types:?} {problem}");
    for (name, _) in problem.as_object().expect("members") {
        let schema = &document["components"]["schemas"]["IdempotencyProblem"];
        assert!(schema["properties"][name].is_object(), "{name}");
    }
    for name in ["Idempotency-Problem", "Retry-After", "ETag"] {
        assert!(reply.header(name).is_none() || told["headers"][name].is_object(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_tells_of_the_problems_that_clients_get() {
    let shop = Shop::open(Records::sqlite());
    let document = document(&shop).await;
    let post = |path: &str, body: &Value| shop.orders.post(path).json(body);
    let told =
        |operation, problem, reply: &Reply| assert_told(&document, operation, problem, reply);

    let orders = ("post", "/orders");
    told(orders, (400, "key-missing"), &post("/orders", &book()).send().await);
    assert_eq!(shop.order("k").send().await.status, 201);
    let other = json!({"sku": "pen", "quantity": 1});
    told(orders, (422, "key-reused"), &shop.order("k").json(&other).send().await);
    let huge = "x".repeat(3 << 20);
    told(orders, (413, "body-too-large"), &shop.order("huge").body(huge).send().await);
    let panics = shop.suffer("panics", &json!({"panic": true})).send().await;
    told(orders, (500, "handler-panicked"), &panics);

    let by_token = ("post", "/order/create");
    let token = shop.token("alice").await;
    assert_eq!(shop.buy("alice", &token).send().await.status, 200);
    told(by_token, (409, "duplicate"), &shop.buy("alice", &token).send().await);
    told(by_token, (412, "token-invalid"), &shop.buy("bob", &token).send().await);

    let transfer = json!({"to": "bob", "amount": 1});
    let transferred = post("/accounts/alice/transfer", &transfer).send().await;
    told(("post", "/accounts/{id}/transfer"), (400, "key-missing"), &transferred);
    let withdrawn = post("/accounts/nobody/withdraw", &json!({"amount": 1})).send().await;
    told(("post", "/accounts/{id}/withdraw"), (404, "row-missing"), &withdrawn);

    let goods = ("put", "/goods/{id}");
    assert_eq!(post("/goods/pens", &json!({"count": 1})).send().await.status, 201);
    let update = |id: &str| {
        let url = format!("{}/goods/{id}", shop.orders.url());
        Sender::new(Method::PUT, url).json(&json!({"count": 2}))
    };
    told(goods, (428, "version-missing"), &update("pens").send().await);
    let seen = |sender: Sender, tag| sender.header("If-Match", tag);
    told(goods, (400, "version-invalid"), &seen(update("pens"), "\"0").send().await);
    told(goods, (412, "version-mismatch"), &seen(update("pens"), "\"7\"").send().await);
    told(goods, (404, "row-missing"), &seen(update("cups"), "\"0\"").send().await);

    let new = json!({"code": "p-1", "sku": "book"});
    assert_eq!(post("/purchase-orders", &new).send().await.status, 201);
    let completed = post("/purchase-orders/p-1/complete", &json!({})).send().await;
    let complete = ("post", "/purchase-orders/{code}/complete");
    told(complete, (409, "illegal-transition"), &completed);
    let reported = post("/reports", &json!({"rows": 1})).send().await;
    told(("post", "/reports"), (400, "key-missing"), &reported);
}

/// A request without a credential is refused, and each kind of credential in the document is accepted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_document_says_how_a_caller_is_known() {
    let shop = Shop::open(Records::sqlite());
    let document = document(&shop).await;
    let schemes = &document["components"]["securitySchemes"];
    let call = |header: Option<(&str, &str)>| {
        let url = format!("{}/users/7", shop.orders.url());
        let asked = Sender::anonymous(Method::GET, url);
        let asked = match header {
            Some((name, value)) => asked.header(name, value),
            None => asked,
        };
        asked.send()
    };
    assert_eq!(call(None).await.status, 401);
    let ways = document["security"].as_array().expect("ways in");
    assert_eq!(ways.len(), 3);
    for way in ways {
        let name = way.as_object().and_then(|way| way.keys().next()).expect("a name");
        let scheme = &schemes[name];
        let (kind, place, key) = (&scheme["type"], &scheme["in"], &scheme["name"]);
        let (header, value) = match (kind.as_str(), place.as_str(), key.as_str()) {
            (Some("http"), None, None) => ("authorization", "Bearer alice".to_owned()),
            (Some("apiKey"), Some("header"), Some(header)) => (header, "alice".to_owned()),
            (Some("apiKey"), Some("cookie"), Some(cookie)) => ("cookie", format!("{cookie}=alice")),
            _ => panic!("{name}: {scheme}"),
        };
        assert_ne!(call(Some((header, &value))).await.status, 401, "{scheme}");
    }
    for (method, path, operation) in operations(&document) {
        assert!(operation["security"].is_null(), "{method} {path} asks for what all ask for");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_asks_for_the_document_and_nothing_else() {
    let shop = Shop::open(Records::sqlite());
    let url = format!("{}/docs", shop.orders.url());
    let reply = Sender::anonymous(Method::GET, url).send().await;
    assert_eq!(reply.status, 200);
    let page = String::from_utf8(reply.body.to_vec()).expect("text");
    assert!(page.contains("fetch('/openapi.json')"), "{page}");
    assert!(!page.contains("http:") && !page.contains("https:"), "{page}");
}

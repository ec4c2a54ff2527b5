//! Servers of several hosts.

use crate::{Shop, routes};
use actix_web::web::{self, ServiceConfig};
use actix_web::{Responder, route};
use idempotent_runtime::policy::{Policy, Strategy};
use idempotent_runtime::{Idempotency, IdempotencyBuilder, Middleware, idempotent};
use reqwest::Method;
use tests::{Backend, ControlledHandler, Sender, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

on_every_store! {
    a_host_does_not_matter_unless_the_app_says_so,
    one_key_on_two_hosts_is_two_requests,
    one_host_is_one_however_it_is_spelled,
    what_a_proxy_says_beside_the_host_does_not_count,
    the_target_of_a_request_names_its_host,
    the_authority_of_a_request_names_its_host,
    one_key_on_two_hosts_is_two_tasks,
    behind_a_middleware_hosts_are_told_apart,
    an_answer_is_computed_for_each_host,
    an_answer_of_a_named_operation_is_that_of_all_hosts,
    an_answer_of_one_host_is_forgotten_however_it_is_spelled,
    tokens_and_locks_are_those_of_all_hosts,
    a_host_that_cannot_be_read_is_refused,
}

static WRITES: Policy = Policy::of_routes(Strategy::RequestId);

/// Texts that are not hosts.
const UNREADABLE: [&str; 6] = ["", "a b", "a/b", "a:b", "[::1", "a.example:99999"];

#[route("/greeting", method = "GET")]
#[idempotent(strategy = "cache", operation = "greeting", ttl = "1h", scope = "shared")]
async fn greeting(handler: web::Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

#[route("/greeted/{name}", method = "GET")]
#[idempotent(strategy = "cache", operation = "greeted", ttl = "1h", scope = "shared")]
async fn greeted(handler: web::Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

#[route("/greeting/{name}", method = "GET")]
#[idempotent(strategy = "cache", key = "{path.name}", ttl = "1h", scope = "shared")]
async fn greeting_of(handler: web::Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

#[route("/greeting/{name}/everywhere", method = "GET")]
#[idempotent(
    strategy = "cache",
    operation = "greet",
    key = "{path.name}",
    ttl = "1h",
    scope = "shared"
)]
async fn greeting_everywhere(handler: web::Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

async fn plain(handler: web::Data<ControlledHandler>) -> impl Responder {
    handler.run().await
}

fn all(guard: &Idempotency, config: &mut ServiceConfig) {
    let behind = web::scope("/behind").wrap(Middleware::new(guard, &WRITES));
    config.service(behind.route("/orders", web::post().to(plain)));
    config
        .service(greeting)
        .service(greeted)
        .service(greeting_of)
        .service(greeting_everywhere)
        .configure(routes::all);
}

impl Shop {
    /// A server of several hosts.
    fn of_hosts(backend: Backend) -> Self {
        Self::serving(backend, IdempotencyBuilder::host_is_identity, all)
    }

    /// A request to this host.
    fn at(&self, host: &str, method: Method, path: &str) -> Sender {
        self.server.send(method, path).header("Host", host)
    }

    /// A POST to this host with the key `k`.
    fn post_at(&self, host: &str, path: &str) -> Sender {
        self.at(host, Method::POST, path).key("k")
    }
}

async fn a_host_does_not_matter_unless_the_app_says_so(backend: Backend) {
    let shop = Shop::open(backend);
    assert_eq!(shop.post_at("a.example", "/orders").send().await.status, 201);
    for host in ["b.example", "a.example:8080", "a b", ""] {
        let again = shop.post_at(host, "/orders").send().await;
        assert!(again.is_replay(), "{host}: {again:?}");
    }
}

async fn one_key_on_two_hosts_is_two_requests(backend: Backend) {
    let shop = Shop::of_hosts(backend);
    for (host, run) in [("a.example", "run 1"), ("b.example", "run 2"), ("a.example:81", "run 3")] {
        let first = shop.post_at(host, "/orders").send().await;
        assert_eq!((first.is_replay(), first.body), (false, run.into()), "{host}");
        let again = shop.post_at(host, "/orders").send().await;
        assert_eq!((again.is_replay(), again.body), (true, run.into()), "{host}");
    }
    let other = shop.post_at("a.example", "/orders").body("another").send().await;
    other.is_problem(422, "key-reused");
}

async fn one_host_is_one_however_it_is_spelled(backend: Backend) {
    let shop = Shop::of_hosts(backend);
    shop.post_at("a.example", "/orders").send().await;
    for spelled in ["A.Example", "a.example:80", "a.example:443", "a.example:", "a.EXAMPLE:080"] {
        assert!(shop.post_at(spelled, "/orders").send().await.is_replay(), "{spelled}");
    }
}

async fn what_a_proxy_says_beside_the_host_does_not_count(backend: Backend) {
    let shop = Shop::of_hosts(backend);
    assert_eq!(shop.post_at("a.example", "/orders").send().await.body, "run 1");
    for (name, value) in
        [("X-Forwarded-Host", "b.example"), ("Forwarded", "host=b.example"), ("X-Host", "b")]
    {
        let again = shop.post_at("a.example", "/orders").header(name, value).send().await;
        assert!(again.is_replay(), "{name}");
        let other = shop.post_at("b.example", "/orders").header(name, "a.example").send().await;
        assert_eq!(other.body, "run 2", "{name}");
    }
}

async fn the_target_of_a_request_names_its_host(backend: Backend) {
    let shop = Shop::of_hosts(backend);
    assert_eq!(shop.post_at("a.example", "/orders").send().await.body, "run 1");
    let ask = async |target: &str, host: &str| {
        let mut line = TcpStream::connect(shop.server.address()).await.unwrap();
        let sent = format!(
            "POST {target} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer alice\r\n\
             Idempotency-Key: k\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        );
        line.write_all(sent.as_bytes()).await.unwrap();
        let mut answer = String::new();
        line.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let again = ask("http://A.example:80/orders", "a.example").await;
    assert!(again.contains("idempotency-replayed: true"), "{again}");
    // The router would use one of the two hosts, and the identity the other.
    let two = ask("http://b.example/orders", "a.example").await;
    assert!(two.starts_with("HTTP/1.1 400") && two.contains("host-invalid"), "{two}");
    assert_eq!(shop.handler.runs(), 1);
}

/// The same over HTTP/2, which needs no `Host` line.
async fn the_authority_of_a_request_names_its_host(backend: Backend) {
    let shop = Shop::of_hosts(backend);
    let server = Server::start_http2(&shop.idempotency, &shop.handler, routes::all);
    let line = TcpStream::connect(server.address()).await.unwrap();
    let (client, connection) = h2::client::handshake(line).await.unwrap();
    tokio::spawn(connection);
    let ask = async |authority: &str, hosts: &[&str]| {
        let request = http::Request::post(format!("http://{authority}/orders"))
            .header("Authorization", "Bearer alice")
            .header("Idempotency-Key", "k");
        let request = hosts.iter().fold(request, |request, host| request.header("Host", *host));
        let mut client = client.clone().ready().await.unwrap();
        let (reply, _) = client.send_request(request.body(()).unwrap(), true).unwrap();
        let (head, mut body) = reply.await.unwrap().into_parts();
        match head.headers.get("Idempotency-Problem") {
            Some(problem) => problem.to_str().unwrap().to_owned(),
            None => String::from_utf8(body.data().await.unwrap().unwrap().to_vec()).unwrap(),
        }
    };
    for (authority, run) in
        [("a.example", "run 1"), ("b.example", "run 2"), ("A.example:80", "run 1")]
    {
        assert_eq!(ask(authority, &[]).await, run, "{authority}");
    }
    assert_eq!(ask("a.example", &["A.Example"]).await, "run 1");
    for hosts in [&["b.example"][..], &["a.example", "a.example"]] {
        assert_eq!(ask("a.example", hosts).await, "host-invalid");
    }
    assert_eq!(shop.handler.runs(), 2);
}

async fn one_key_on_two_hosts_is_two_tasks(backend: Backend) {
    let shop = Shop::of_hosts(backend);
    let mut locations = Vec::new();
    for host in ["a.example", "b.example"] {
        let first = shop.post_at(host, "/reports").send().await;
        assert_eq!((first.status, first.is_replay()), (202, false), "{host}");
        let again = shop.post_at(host, "/reports").send().await;
        assert_eq!((again.status, again.is_replay()), (202, true), "{host}");
        locations.push(first.header("Location").expect("an address").to_owned());
    }
    assert_ne!(locations[0], locations[1]);
    for (location, host) in locations.iter().zip(["b.example", "a.example"]) {
        // An id is the same task on every host.
        assert_eq!(shop.at(host, Method::GET, location).send().await.status, 200);
    }
}

async fn behind_a_middleware_hosts_are_told_apart(backend: Backend) {
    let shop = Shop::of_hosts(backend);
    for (host, run) in [("a.example", "run 1"), ("b.example", "run 2")] {
        for _ in 1..=2 {
            assert_eq!(shop.post_at(host, "/behind/orders").send().await.body, run);
        }
    }
    shop.post_at("a b", "/behind/orders").send().await.is_problem(400, "host-invalid");
}

/// Finds the answer by its path, and by the pattern of its route.
async fn an_answer_is_computed_for_each_host(backend: Backend) {
    let shop = Shop::of_hosts(backend);
    let read = |host: &'static str, path| shop.at(host, Method::GET, path).send();
    let mut run = 0;
    for path in ["/greeting", "/greeting/alice"] {
        for host in ["a.example", "b.example"] {
            run += 1;
            for _ in 1..=2 {
                assert_eq!(read(host, path).await.body, format!("run {run}"), "{host}{path}");
            }
        }
        read("a b", path).await.is_problem(400, "host-invalid");
    }
}

async fn an_answer_of_a_named_operation_is_that_of_all_hosts(backend: Backend) {
    let shop = Shop::of_hosts(backend);
    let read = |host: &'static str| shop.at(host, Method::GET, "/greeting/al/everywhere").send();
    for host in ["a.example", "b.example", "a b"] {
        assert_eq!(read(host).await.body, "run 1", "{host}");
    }
    let forgotten = shop.idempotency.invalidate("greet", ["al"]).shared();
    forgotten.await.expect("the store answers");
    assert_eq!(read("b.example").await.body, "run 2");
}

async fn an_answer_of_one_host_is_forgotten_however_it_is_spelled(backend: Backend) {
    let shop = Shop::of_hosts(backend);
    let read = |host: &'static str| shop.at(host, Method::GET, "/greeted/p+q?a=%62").send();
    assert_eq!(read("a.example").await.body, "run 1");
    assert_eq!(read("b.example").await.body, "run 2");
    let spellings =
        ["a.example/greeted/p+q", "a.example/greeted/p%2Bq", "A.Example:80/greeted/%70+q"];
    for (run, place) in (3..).zip(spellings) {
        let forgotten = shop.idempotency.invalidate("greeted", [place, "a=b&"]).shared();
        forgotten.await.expect("the store answers");
        assert_eq!(read("a.example").await.body, format!("run {run}"), "{place}");
        assert_eq!(read("b.example").await.body, "run 2", "{place}");
    }
}

async fn tokens_and_locks_are_those_of_all_hosts(backend: Backend) {
    let shop = Shop::of_hosts(backend);
    for (issuing, using) in [("a.example", "b.example"), ("a b", "a/b")] {
        let token = shop.at(issuing, Method::GET, "/tokens/token").send().await.body;
        let used = shop.at(using, Method::POST, "/token").header("token", &token[..]);
        assert_eq!(used.send().await.status, 201, "{using}");
    }

    shop.handler.pause();
    let holder = tokio::spawn(shop.at("a.example", Method::POST, "/locked/7").send());
    shop.handler.runs_reach(3).await;
    let other = shop.at("a b", Method::POST, "/locked-impatiently/7").send().await;
    other.is_problem(423, "locked");
    shop.handler.resume();
    assert_eq!(holder.await.unwrap().status, 201);
}

async fn a_host_that_cannot_be_read_is_refused(backend: Backend) {
    let shop = Shop::of_hosts(backend);
    let before = shop.idempotency.counts();
    for path in ["/orders", "/behind/orders", "/reports"] {
        for host in UNREADABLE {
            shop.post_at(host, path).send().await.is_problem(400, "host-invalid");
        }
        // actix refuses this one.
        let twice = shop.post_at("a.example", path).header("Host", "a.example");
        assert_eq!(twice.send().await.status, 400);
    }
    assert_eq!((shop.idempotency.counts(), shop.handler.runs()), (before, 0));
}

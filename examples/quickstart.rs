//! The program of the README: `cargo run --example quickstart`. Its requests are tested below.

use actix_web::{App, HttpResponse, HttpServer, Responder, post, web};
use idempotent_runtime::{Idempotency, Scope, idempotent};

#[derive(serde::Deserialize, serde::Serialize)]
struct Order {
    sku: String,
}

#[post("/orders")]
#[idempotent(key = "{header.Idempotency-Key}", ttl = "24h")]
async fn create_order(order: web::Json<Order>) -> impl Responder {
    HttpResponse::Created().json(order)
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let builder = Idempotency::connect("sqlite:orders.db").await?;
    // Who calls: an account that a gateway names after it checked the caller.
    let idempotency = builder.scope(Scope::header("X-Account-Id")).build()?;
    let app = move || App::new().app_data(idempotency.clone()).service(create_order);
    Ok(HttpServer::new(app).bind(("127.0.0.1", 8080))?.run().await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::dev::ServiceResponse;
    use actix_web::test::{TestRequest, call_service, init_service};

    /// A command of the README's terminal, with the status and headers that it shows.
    struct Shown<'a> {
        command: &'a str,
        answer: Vec<&'a str>,
    }

    fn shown(readme: &str) -> Vec<Shown<'_>> {
        let block = readme.split("```console\n").nth(1).expect("a terminal");
        let block = block.split("```").next().unwrap_or_default();
        let commands = block.split("$ ").skip(1).map(|shown| {
            let mut lines = shown.lines();
            Shown { command: lines.next().unwrap_or_default(), answer: lines.collect() }
        });
        commands.collect()
    }

    /// The request of a command `curl -i localhost:8080/PATH -H 'NAME: VALUE' … --json 'BODY'`.
    fn request(command: &str) -> TestRequest {
        let path = command.strip_prefix("curl -i localhost:8080").expect("a request");
        let (path, options) = path.split_once(' ').expect("its options");
        let mut request = TestRequest::post().uri(path);
        for option in options.trim_end_matches('\'').split("' ") {
            request = match option.split_once(" '").expect("an option and its value") {
                ("-H", header) => request.insert_header(header.split_once(": ").expect("a header")),
                ("--json", body) => request
                    .insert_header(("Content-Type", "application/json"))
                    .set_payload(body.to_owned()),
                (other, _) => panic!("{other}"),
            };
        }
        request
    }

    fn differs(answer: &ServiceResponse, shown: &[&str]) -> Vec<String> {
        let status = format!("HTTP/1.1 {}", answer.status());
        let mut told = vec![status];
        for name in ["idempotency-replayed", "idempotency-problem"] {
            let value = answer.headers().get(name).map(|value| value.to_str().expect("text"));
            told.extend(value.map(|value| format!("{name}: {value}")));
        }
        if told == shown { Vec::new() } else { told }
    }

    #[actix_web::test]
    async fn the_terminal_of_the_readme_shows_what_is_answered() {
        let readme = include_str!("../README.md");
        let builder = Idempotency::connect("memory:").await.expect("no server is needed");
        let idempotency = builder.scope(Scope::header("X-Account-Id")).build().expect("it fits");
        let app = init_service(App::new().app_data(idempotency).service(create_order)).await;
        let shown = shown(readme);
        assert_eq!(shown.len(), 3);
        for Shown { command, answer } in shown {
            let got = call_service(&app, request(command).to_request()).await;
            let differs = differs(&got, &answer);
            assert!(differs.is_empty(), "{command}: {differs:?}");
        }
    }
}

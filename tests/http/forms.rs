//! Forms: a token in a hidden field, in every encoding of browsers, and the redirect after it.

use crate::Shop;
use actix_web::HttpResponse;
use std::collections::HashSet;
use tests::{Backend, Reply, Sender};

on_every_store! {
    a_form_gets_a_new_token_in_a_hidden_field_each_time,
    the_redirect_after_a_form_is_given_again,
    a_form_sent_again_with_another_boundary_is_the_same_form,
    a_form_sent_again_with_other_contents_is_refused,
    an_upload_as_clients_write_it_is_read_and_is_the_same_when_it_is_sent_again,
    a_multipart_form_that_cannot_be_read_runs_nothing,
    a_multipart_form_over_the_limit_runs_nothing,
    a_person_gets_a_page_and_a_program_gets_json,
    a_page_says_when_to_try_again,
    a_page_leads_back_to_where_the_person_came_from_and_nowhere_else,
    an_app_that_renders_problems_itself_is_asked_for_browsers_too,
}

/// A multipart form as a browser writes it, with fields and a file.
fn multipart(boundary: &str, token: &str, file: &str) -> String {
    let field = |head: &str, value: &str| {
        format!("--{boundary}\r\nContent-Disposition: form-data; name={head}\r\n\r\n{value}\r\n")
    };
    let file_head = "\"file\"; filename=\"token.txt\"\r\nContent-Type: text/plain";
    [field("\"token\"", token), field(file_head, file), format!("--{boundary}--\r\n")].concat()
}

impl Shop {
    async fn form_token(&self) -> String {
        let url = format!("http://{}/tokens/form", self.server.address());
        let reply = Sender::new(reqwest::Method::GET, url).send().await;
        String::from_utf8(reply.body.to_vec()).unwrap()
    }

    async fn send_form(&self, boundary: &str, body: String) -> Reply {
        let kind = format!("multipart/form-data; boundary={boundary}");
        self.post("/form").header("Content-Type", kind).body(body).send().await
    }
}

async fn a_form_gets_a_new_token_in_a_hidden_field_each_time(backend: Backend) {
    let shop = Shop::open(backend);
    let url = format!("http://{}/form", shop.server.address());
    let reply = Sender::new(reqwest::Method::GET, url).send().await;
    let page = String::from_utf8(reply.body.to_vec()).unwrap();
    let tokens: HashSet<_> = page
        .lines()
        .map(|field| {
            let rest = field.strip_prefix("<input type=\"hidden\" name=\"&quot;t&quot;\" value=\"");
            let (token, rest) = rest.expect(field).split_once('"').expect(field);
            assert_eq!(rest, " autocomplete=\"off\">");
            token
        })
        .collect();
    assert_eq!(tokens.len(), 2, "{page}");
    for token in tokens {
        let form = shop.post("/form").header("Content-Type", "application/x-www-form-urlencoded");
        assert_eq!(form.body(format!("token={token}")).send().await.status, 303);
    }
}

/// Post, redirect, get: the redirect is a response like any other.
async fn the_redirect_after_a_form_is_given_again(backend: Backend) {
    let shop = Shop::open(backend);
    let urlencoded = format!("token={}&sku=book", shop.form_token().await);
    let form = || {
        let form = shop.post("/form").header("Content-Type", "application/x-www-form-urlencoded");
        form.body(urlencoded.clone()).send()
    };
    let (first, again) = (form().await, form().await);
    assert_eq!((first.status, first.header("Location")), (303, Some("/orders/1")));
    assert_eq!((again.status, again.header("Location")), (303, Some("/orders/1")));
    assert_eq!((first.is_replay(), again.is_replay(), shop.handler.runs()), (false, true, 1));
}

async fn a_form_sent_again_with_another_boundary_is_the_same_form(backend: Backend) {
    let shop = Shop::open(backend);
    let token = shop.form_token().await;
    let body = multipart("----WebKitFormBoundaryAbC1", &token, "contents");
    let first = shop.send_form("----WebKitFormBoundaryAbC1", body.clone()).await;
    assert_eq!((first.status, &*first.body), (303, body.len().to_string().as_bytes()));
    let other = multipart("----WebKitFormBoundaryXyZ2", &token, "contents");
    let again = shop.send_form("\"----WebKitFormBoundaryXyZ2\"", other).await;
    assert_eq!((again.status, again.is_replay(), shop.handler.runs()), (303, true, 1));
}

async fn a_form_sent_again_with_other_contents_is_refused(backend: Backend) {
    let shop = Shop::open(backend);
    let token = shop.form_token().await;
    assert_eq!(shop.send_form("b", multipart("b", &token, "one")).await.status, 303);
    shop.send_form("b", multipart("b", &token, "two")).await.is_problem(422, "key-reused");
    assert_eq!(shop.handler.runs(), 1);
}

/// A form with a preamble and an epilogue, a quote in a file's name, and parts that are declared as not encoded.
async fn an_upload_as_clients_write_it_is_read_and_is_the_same_when_it_is_sent_again(
    backend: Backend,
) {
    let shop = Shop::open(backend);
    let token = shop.form_token().await;
    let upload = |boundary: &str| {
        let file = "Content-Type: text/plain\r\nContent-Transfer-Encoding: binary";
        let form = multipart(boundary, &token, "contents")
            .replace("token.txt", "a\\\"; name=\\\"token.txt")
            .replace("Content-Type: text/plain", file)
            .replace("name=\"token\"\r\n", "name=\"token\"\r\nContent-Transfer-Encoding: 8bit\r\n");
        format!("This is a message in several parts.\r\n{form}\r\nThat was all.\r\n")
    };
    let first = shop.send_form("one", upload("one")).await;
    assert_eq!((first.status, first.is_replay()), (303, false), "{first:?}");
    let again = shop.send_form("another", upload("another")).await;
    assert_eq!((again.status, again.is_replay(), shop.handler.runs()), (303, true, 1));
    let plain = shop.send_form("b", multipart("b", &token, "contents")).await;
    plain.is_problem(422, "key-reused");
}

async fn a_multipart_form_that_cannot_be_read_runs_nothing(backend: Backend) {
    let shop = Shop::open(backend);
    let token = shop.form_token().await;
    let whole = multipart("b", &token, "f");
    let twice = whole.replace("\"file\"; filename=\"token.txt\"", "\"token\"");
    let file = whole.replace("name=\"token\"", "name=\"token\"; filename=\"f\"");
    let other = whole.replace("\"token\"", "\"tokens\"");
    for (body, kind) in [
        (twice, "key-invalid"),
        (file, "key-invalid"),
        (whole.replace("--b--", ""), "key-invalid"),
        (whole.replace(&token, ""), "key-missing"),
        (whole.replace(&token, &"x".repeat(1025)), "key-invalid"),
        (other, "key-missing"),
    ] {
        shop.send_form("b", body).await.is_problem(400, kind);
    }
    shop.send_form("c", whole.clone()).await.is_problem(400, "key-invalid");
    assert_eq!(shop.handler.runs(), 0);
    assert_eq!(shop.send_form("b", whole).await.status, 303, "the token was not spent");
}

async fn a_multipart_form_over_the_limit_runs_nothing(backend: Backend) {
    let shop = Shop::open(backend);
    let form = shop.post("/form-small").header("Content-Type", "multipart/form-data; boundary=b");
    let refused = form.body(multipart("b", "t", &"x".repeat(200))).send().await;
    refused.is_problem(413, "body-too-large");
    assert_eq!(shop.handler.runs(), 0);
}

const CHROMIUM: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

async fn a_person_gets_a_page_and_a_program_gets_json(backend: Backend) {
    let shop = Shop::open(backend);
    let form = || {
        let form = shop.post("/form").header("Content-Type", "application/x-www-form-urlencoded");
        form.body("token=01ARZ3NDEKTSV4RRFFQ69G5FAV")
    };
    let program = form().send().await;
    program.is_problem(412, "token-invalid");
    let person = form().header("Accept", CHROMIUM).send().await;
    assert_eq!(person.status, 412);
    assert_eq!(person.header("Content-Type"), Some("text/html; charset=utf-8"));
    assert_eq!(person.header("Idempotency-Problem"), Some("token-invalid"));
    let page = String::from_utf8(person.body.to_vec()).unwrap();
    assert!(
        page.contains("<h1>This form has expired</h1>") && page.contains("href=\"/\""),
        "{page}"
    );
    assert!(page.contains(program.json()["detail"].as_str().unwrap()), "{page}");
    assert_eq!(
        [program, person].map(|reply| reply.header("Vary").map(str::to_owned)),
        [Some("accept".to_owned()), Some("accept".to_owned())]
    );
}

async fn a_page_says_when_to_try_again(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/orders").key("k").send());
    shop.handler.runs_reach(1).await;
    let page = shop.post("/orders").key("k").header("Accept", CHROMIUM).send().await;
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
    assert!(page.status == 409 && page.header("Retry-After").is_some(), "{page:?}");
    assert!(String::from_utf8_lossy(&page.body).contains("still being worked on"));
}

async fn a_page_leads_back_to_where_the_person_came_from_and_nowhere_else(backend: Backend) {
    let shop = Shop::open(backend);
    let ours = format!("http://{}/shop?a=1&b='", shop.server.address());
    let shown = format!("http://{}/shop?a=1&amp;b=&#39;", shop.server.address());
    for (referer, link) in [
        (&*ours, &*shown),
        ("http://elsewhere.example/", "/"),
        ("javascript:alert(1)", "/"),
        (&*format!("ftp://{}/", shop.server.address()), "/"),
        (&*format!("http://{}@elsewhere.example/", shop.server.address()), "/"),
    ] {
        let request = shop.post("/orders").header("Accept", CHROMIUM).header("Referer", referer);
        let page = String::from_utf8(request.send().await.body.to_vec()).unwrap();
        assert!(page.contains(&format!("href=\"{link}\"")), "{referer}: {page}");
    }
}

async fn an_app_that_renders_problems_itself_is_asked_for_browsers_too(backend: Backend) {
    let shop = Shop::with(backend, |builder| {
        builder.on_error(|_, problem| {
            HttpResponse::build(problem.kind.status()).body(problem.kind.title())
        })
    });
    let reply = shop.post("/orders").header("Accept", CHROMIUM).send().await;
    assert_eq!(reply.body, "An idempotency key is required");
    assert_eq!(reply.header("Vary"), None);
}

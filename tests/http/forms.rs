//! Forms: a token in a hidden field, however the browser encodes it, and the redirect after it.

use crate::Shop;
use std::collections::HashSet;
use tests::{Backend, Reply, Sender};

on_every_store! {
    a_form_gets_a_new_token_in_a_hidden_field_each_time,
    the_redirect_after_a_form_is_given_again,
    a_form_sent_again_with_another_boundary_is_the_same_form,
    a_form_sent_again_with_other_contents_is_refused,
    a_multipart_form_that_cannot_be_read_runs_nothing,
    a_multipart_form_over_the_limit_runs_nothing,
}

/// A multipart form as a browser writes it, with a file beside its fields.
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
    assert_eq!((first.is_replay(), again.is_replay(), shop.stage.runs()), (false, true, 1));
}

async fn a_form_sent_again_with_another_boundary_is_the_same_form(backend: Backend) {
    let shop = Shop::open(backend);
    let token = shop.form_token().await;
    let body = multipart("----WebKitFormBoundaryAbC1", &token, "contents");
    let first = shop.send_form("----WebKitFormBoundaryAbC1", body.clone()).await;
    assert_eq!((first.status, &*first.body), (303, body.len().to_string().as_bytes()));
    let other = multipart("----WebKitFormBoundaryXyZ2", &token, "contents");
    let again = shop.send_form("\"----WebKitFormBoundaryXyZ2\"", other).await;
    assert_eq!((again.status, again.is_replay(), shop.stage.runs()), (303, true, 1));
}

async fn a_form_sent_again_with_other_contents_is_refused(backend: Backend) {
    let shop = Shop::open(backend);
    let token = shop.form_token().await;
    assert_eq!(shop.send_form("b", multipart("b", &token, "one")).await.status, 303);
    shop.send_form("b", multipart("b", &token, "two")).await.is_problem(422, "key-reused");
    assert_eq!(shop.stage.runs(), 1);
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
    assert_eq!(shop.stage.runs(), 0);
    assert_eq!(shop.send_form("b", whole).await.status, 303, "the token was not spent");
}

async fn a_multipart_form_over_the_limit_runs_nothing(backend: Backend) {
    let shop = Shop::open(backend);
    let form = shop.post("/form-small").header("Content-Type", "multipart/form-data; boundary=b");
    let refused = form.body(multipart("b", "t", &"x".repeat(200))).send().await;
    refused.is_problem(413, "body-too-large");
    assert_eq!(shop.stage.runs(), 0);
}

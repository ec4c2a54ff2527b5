//! Bodies with a `Content-Encoding`: compared, and read by templates, as the handler reads them.

use crate::Shop;
use actix_web::web::{Bytes, ServiceConfig};
use actix_web::{HttpResponse, Responder, route};
use flate2::Compression;
use flate2::GzBuilder;
use idempotent_runtime::idempotent;
use std::io::Write;
use tests::{Backend, Reply, Sender};

on_every_store! {
    a_body_that_is_compressed_anew_is_the_same_request,
    another_body_is_another_request_however_it_is_compressed,
    what_is_too_long_when_it_is_decoded_runs_nothing,
    what_cannot_be_decoded_is_compared_as_it_was_sent,
    a_field_of_a_compressed_form_is_read,
}

/// Answers with the text that it read.
#[route("/echo", method = "POST")]
#[idempotent(max_body = "1KiB")]
async fn echo(body: Bytes) -> impl Responder {
    HttpResponse::Ok().body(body)
}

/// Reads nothing of the body.
#[route("/unread", method = "POST")]
#[idempotent(max_body = "1KiB")]
async fn unread() -> impl Responder {
    "done"
}

#[route("/token", method = "POST")]
#[idempotent(key = "{form.token}")]
async fn by_token(body: Bytes) -> impl Responder {
    HttpResponse::Ok().body(body)
}

fn routes(config: &mut ServiceConfig) {
    config.service((echo, unread, by_token));
}

fn open(backend: Backend) -> Shop {
    Shop::serving(backend, |builder| builder, |_, config| routes(config))
}

/// A body compressed with this time in its header.
fn gzip(plain: &[u8], time: u32) -> Vec<u8> {
    let mut to = GzBuilder::new().mtime(time).write(Vec::new(), Compression::default());
    to.write_all(plain).unwrap();
    to.finish().unwrap()
}

impl Shop {
    fn compressed(&self, path: &str, body: Vec<u8>) -> Sender {
        self.post(path).header("Content-Encoding", "gzip").body(body)
    }

    async fn echo(&self, body: Vec<u8>) -> Reply {
        self.compressed("/echo", body).key("k").send().await
    }
}

async fn a_body_that_is_compressed_anew_is_the_same_request(backend: Backend) {
    let shop = open(backend);
    let first = shop.echo(gzip(b"three books", 1)).await;
    assert_eq!((first.status, &first.body[..]), (200, &b"three books"[..]));
    assert_ne!(gzip(b"three books", 1), gzip(b"three books", 2));
    let again = shop.echo(gzip(b"three books", 2)).await;
    assert!(again.is_replay() && again.body == first.body, "{again:?}");
    let plain = shop.post("/echo").key("k").body("three books").send().await;
    assert!(plain.is_replay(), "{plain:?}");
}

async fn another_body_is_another_request_however_it_is_compressed(backend: Backend) {
    let shop = open(backend);
    assert_eq!(shop.echo(gzip(b"three books", 1)).await.status, 200);
    shop.echo(gzip(b"four books", 1)).await.is_problem(422, "key-reused");
    // This body has the same bytes, but no coding.
    let bytes = shop.post("/echo").key("k").body(gzip(b"three books", 1)).send().await;
    bytes.is_problem(422, "key-reused");
}

async fn what_is_too_long_when_it_is_decoded_runs_nothing(backend: Backend) {
    let shop = open(backend);
    shop.echo(gzip(&[0; 1025], 1)).await.is_problem(413, "body-too-large");
    let bomb = gzip(&vec![0; 1 << 19], 1);
    assert!(bomb.len() < 1 << 10);
    shop.echo(bomb).await.is_problem(413, "body-too-large");
    assert_eq!(shop.echo(gzip(&[0; 1024], 1)).await.body, vec![0; 1024]);
}

async fn what_cannot_be_decoded_is_compared_as_it_was_sent(backend: Backend) {
    let shop = open(backend);
    let send = |coding: &str, body: &'static str| {
        let request = shop.post("/unread").header("Content-Encoding", coding);
        request.key(coding.replace(", ", "+").as_str()).body(body).send()
    };
    for coding in ["gzip", "compress", "gzip, br"] {
        assert_eq!(send(coding, "no gzip").await.body, "done", "{coding}");
        assert!(send(coding, "no gzip").await.is_replay(), "{coding}");
        send(coding, "other").await.is_problem(422, "key-reused");
    }
}

async fn a_field_of_a_compressed_form_is_read(backend: Backend) {
    let shop = open(backend);
    let urlencoded = "application/x-www-form-urlencoded";
    let send = |kind: &str, form: &str, time| {
        let form = gzip(form.as_bytes(), time);
        shop.compressed("/token", form).header("Content-Type", kind).send()
    };
    let first = send(urlencoded, "token=abc", 1).await;
    assert_eq!((first.status, &first.body[..]), (200, &b"token=abc"[..]));
    assert!(send(urlencoded, "token=abc", 2).await.is_replay());
    let form = |boundary: &str| {
        let head = "Content-Disposition: form-data; name=\"token\"";
        format!("--{boundary}\r\n{head}\r\n\r\ndef\r\n--{boundary}--\r\n")
    };
    let multipart = |boundary: &'static str, time| {
        send(&format!("multipart/form-data; boundary={boundary}"), &form(boundary), time)
    };
    assert_eq!(multipart("one", 1).await.status, 200);
    assert!(multipart("another", 2).await.is_replay());
}

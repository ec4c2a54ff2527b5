//! Records that are intact, but do not belong to their key's request.

use crate::Shop;
use bytes::Bytes;
use idempotent_runtime::outcome::{Outcome, StoredResponse};
use idempotent_runtime::store::record::{Record, State};
use tests::{Backend, Reply};

on_every_store! {
    a_record_copied_from_another_key_stops_the_handler,
    a_stored_status_that_is_none_stops_the_handler,
    stored_headers_that_cannot_be_sent_stop_the_handler,
    the_greatest_status_is_replayed,
}

impl Shop {
    /// Runs once with a key, then stores another response there, with a valid checksum.
    async fn forged(&self, key: &str, change: impl FnOnce(&mut StoredResponse)) -> Reply {
        self.post("/orders").key(key).send().await;
        let name = self.backend.store.last();
        let forge = |bytes: Vec<u8>| {
            let mut record = Record::decode(&name, &Bytes::from(bytes)).unwrap();
            let State::Completed(Outcome::Response(response)) = &mut record.state else {
                panic!("no response: {record:?}")
            };
            change(response);
            record.encode(&name).to_vec()
        };
        self.backend.store.corrupt(forge).await;
        self.post("/orders").key(key).send().await
    }
}

async fn a_record_copied_from_another_key_stops_the_handler(backend: Backend) {
    let shop = Shop::forgetful(backend);
    shop.post("/orders").key("alices").send().await;
    let copied = shop.backend.store.record().await.value;
    let bobs = || shop.post("/orders").only("authorization", "Bearer bob").key("bobs").send();
    bobs().await;
    shop.backend.store.corrupt(|_| copied.to_vec()).await;
    bobs().await.is_problem(503, "store-unavailable");
    assert_eq!((shop.handler.runs(), shop.idempotency.counts().undecodable), (2, 1));
}

async fn a_stored_status_that_is_none_stops_the_handler(backend: Backend) {
    let shop = Shop::forgetful(backend);
    for (n, status) in [0, 1, 99, 1000, 65535].into_iter().enumerate() {
        let reply = shop.forged(&format!("k{status}"), |response| response.status = status).await;
        reply.is_problem(503, "store-unavailable");
        assert_eq!(shop.handler.runs(), n + 1);
        assert_eq!(shop.idempotency.counts().undecodable, n as u64 + 1);
    }
    assert_eq!(shop.post("/orders").key("other").send().await.status, 201, "the server lives");
}

/// Stored bytes must not split a response.
async fn stored_headers_that_cannot_be_sent_stop_the_handler(backend: Backend) {
    let shop = Shop::forgetful(backend);
    let lines: [(&[u8], &[u8]); 6] = [
        (b"link", b"</a>\r\nSet-Cookie: sid=stolen"),
        (b"link", b"a\nb"),
        (b"link", b"a\0b"),
        (b"link: x\r\nset-cookie", b"sid=stolen"),
        (b"", b"nameless"),
        (b"a b", b"c"),
    ];
    for (n, (name, value)) in lines.into_iter().enumerate() {
        let line = (Bytes::copy_from_slice(name), Bytes::copy_from_slice(value));
        let reply = shop.forged(&format!("k{n}"), |response| response.headers.push(line)).await;
        reply.is_problem(503, "store-unavailable");
        assert!(reply.lines("Set-Cookie").is_empty());
        assert_eq!(shop.handler.runs(), n + 1);
        let counts = shop.idempotency.counts();
        assert_eq!((counts.undecodable, counts.replayed), (n as u64 + 1, 0));
    }
}

async fn the_greatest_status_is_replayed(backend: Backend) {
    let shop = Shop::forgetful(backend);
    let reply = shop.forged("k", |response| response.status = 999).await;
    assert_eq!((reply.status, reply.is_replay()), (999, true));
}

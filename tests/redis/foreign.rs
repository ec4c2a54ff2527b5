//! A value of another application under a record's key: it is never taken for a record, and never overwritten.

use crate::Shop;

/// A value that another application keeps under the key.
const THEIRS: [&str; 2] = ["first", "second"];

impl Shop {
    /// Puts a list where the only record is.
    fn usurp(&self) -> String {
        let [name] = &self.names()[..] else { panic!("one record, not {:?}", self.names()) };
        let _: i64 = self.redis.command(&["DEL", name]);
        let _: i64 = self.redis.command(&["RPUSH", name, THEIRS[0], THEIRS[1]]);
        name.clone()
    }

    fn is_untouched(&self, name: &str) {
        let list: Vec<String> = self.redis.command(&["LRANGE", name, "0", "-1"]);
        let left: i64 = self.redis.command(&["PTTL", name]);
        assert_eq!((list, left), (THEIRS.map(str::to_owned).to_vec(), -1));
    }
}

/// Invariant S8.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_under_the_key_stops_the_handler_and_stays() {
    let shop = Shop::open().await;
    shop.order("k").await;
    let name = shop.usurp();
    for body in ["", "another"] {
        let reply = shop.post("/orders").key("k").body(body).send().await;
        reply.is_problem(503, "store-unavailable");
        assert!(reply.header("Retry-After").is_some());
        shop.is_untouched(&name);
    }
    assert_eq!((shop.handler.runs(), shop.idempotency.counts().undecodable), (1, 2));
}

/// The record is replaced while its handler runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_put_there_in_mid_handler_stays_and_the_client_gets_its_response() {
    let shop = Shop::open().await;
    shop.handler.pause();
    let running = tokio::spawn(shop.post("/orders").key("k").send());
    shop.handler.runs_reach(1).await;
    let name = shop.usurp();
    shop.handler.resume();
    let reply = running.await.unwrap();
    assert_eq!((reply.status, reply.header("Idempotency-Stored")), (201, Some("false")));
    shop.is_untouched(&name);
    assert_eq!(shop.idempotency.counts().not_stored, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_under_a_token_stops_the_handler_and_stays() {
    let shop = Shop::open().await;
    let token = shop.token().await;
    let name = shop.usurp();
    let reply = shop.post("/token").header("token", &token).send().await;
    reply.is_problem(503, "store-unavailable");
    shop.is_untouched(&name);
    assert_eq!(shop.handler.runs(), 0);
}

/// The value is a string that is not a record.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_string_that_is_no_record_stops_the_handler_and_stays() {
    let shop = Shop::open().await;
    shop.order("k").await;
    let names = shop.names();
    let () = shop.redis.command(&["SET", &names[0], "theirs"]);
    shop.order("k").await.is_problem(503, "store-unavailable");
    let there: String = shop.redis.command(&["GET", &names[0]]);
    assert_eq!((there.as_str(), shop.handler.runs()), ("theirs", 1));
}

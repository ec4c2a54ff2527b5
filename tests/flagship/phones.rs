//! The flagship's messages to one phone: the phone's lock is in the store, and the beginning and end of each
//! message are in the business database.

use crate::{Records, Shop};
use futures_util::future::join_all;
use serde_json::json;
use tests::ZooKeeperServer;

on! { memory business_in_postgres business_in_mariadb: [
    messages_to_one_phone_never_overlap,
] }

mod elsewhere {
    use super::locks_in_zookeeper_hold_between_processes;

    on! { memory: [
        locks_in_zookeeper_hold_between_processes,
    ] }
}

async fn messages_to_one_phone_never_overlap(records: Records) {
    let shop = Shop::open(records);
    never_overlap(&shop, &shop).await;
}

/// Each process has its records in its own memory: the processes share only the locks.
async fn locks_in_zookeeper_hold_between_processes(records: Records) {
    let server = ZooKeeperServer::start().await;
    let locks = ["--locks", &server.url()];
    let shop = Shop::with(records, &locks);
    shop.orders.line_with("  locks     ZooKeeper");
    never_overlap(&shop, &shop.beside(&locks)).await;
    let marks = shop.orders.get("/sms/0123").send().await.json();
    let fences: Vec<_> =
        marks.as_array().expect("a list").iter().map(|mark| mark["fence"].as_i64()).collect();
    assert!(fences.is_sorted(), "{fences:?}");
}

/// Sends ten messages at once to one phone, by turns through one process and the other.
async fn never_overlap(shop: &Shop, beside: &Shop) {
    let send = |number: usize| {
        let message = json!({"text": number.to_string(), "simulate": {"delay_ms": 20}});
        let shop = if number.is_multiple_of(2) { shop } else { beside };
        shop.orders.post("/sms/0123").json(&message).send()
    };
    let replies = join_all((0..10).map(send)).await;
    assert!(replies.iter().all(|reply| reply.status == 200), "{replies:?}");
    let marks = shop.orders.get("/sms/0123").send().await.json();
    let marks = marks.as_array().expect("a list");
    assert_eq!(marks.len(), 20);
    for pair in marks.chunks(2) {
        assert_eq!((&pair[0]["event"], &pair[1]["event"]), (&json!("begin"), &json!("end")));
        assert_eq!((&pair[0]["text"], &pair[0]["fence"]), (&pair[1]["text"], &pair[1]["fence"]));
    }
    assert_eq!(shop.effects("send_sms").await, 10);
}

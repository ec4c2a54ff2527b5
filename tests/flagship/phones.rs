//! Behaviour 33 at the flagship: messages to one phone, whose lock is in the store and whose marks are
//! in the business database.

use crate::{Records, Shop};
use futures_util::future::join_all;
use serde_json::json;

on! { memory business_in_postgres business_in_mariadb: [
    messages_to_one_phone_never_overlap,
] }

async fn messages_to_one_phone_never_overlap(records: Records) {
    let shop = Shop::open(records);
    let send = |number: usize| {
        let message = json!({"text": number.to_string(), "simulate": {"delay_ms": 20}});
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

//! Reads that are computed once, by two processes on one store.

use crate::{Records, Shop};
use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tests::Sender;

on! { sqlite redis postgres mariadb: [
    of_forty_reads_at_two_processes_one_looks_up,
    a_new_name_is_read_at_once_at_both_processes,
] }

async fn of_forty_reads_at_two_processes_one_looks_up(records: Records) {
    let one = Shop::open(records);
    let other = one.beside(&[]);
    let shops = [&one, &other].into_iter().cycle().take(40);
    let replies = join_all(shops.map(|shop| shop.orders.get("/users/7").send())).await;
    let expected = json!({"id": "7", "name": "User 7"});
    assert!(replies.iter().all(|reply| reply.status == 200 && reply.json() == expected));
    assert_eq!(one.effects("getUser").await, 1);
    let tag = replies[0].header("ETag").expect("a tag");
    let unchanged = other.orders.get("/users/7").header("If-None-Match", tag).send().await;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert!(unchanged.header("Age").is_some());
    // Each account has an answer of its own, and a request without a credential gets none.
    let url = format!("{}/users/7", other.orders.url());
    let by = |sender: Sender| async { sender.send().await.status };
    assert_eq!(by(Sender::new(Method::GET, url.clone()).as_account("bob")).await, 200);
    assert_eq!(by(Sender::anonymous(Method::GET, url.clone())).await, 401);
    let revoke =
        Sender::anonymous(Method::POST, format!("{}/admin/revoke/alice", one.orders.url()));
    assert_eq!(by(revoke).await, 204);
    assert_eq!(by(Sender::new(Method::GET, url)).await, 401);
    assert_eq!(one.effects("getUser").await, 2);
}

async fn a_new_name_is_read_at_once_at_both_processes(records: Records) {
    let one = Shop::open(records);
    let other = one.beside(&[]);
    for (shop, name) in [(&one, "Ada"), (&other, "Grace")] {
        let url = format!("{}/users/7", shop.orders.url());
        let renamed = Sender::new(Method::PUT, url).json(&json!({"name": name})).send().await;
        assert_eq!(renamed.status, 204);
        for shop in [&one, &other] {
            assert_eq!(shop.orders.get("/users/7").send().await.json()["name"], name);
        }
    }
    assert_eq!(one.effects("getUser").await, 2);
}

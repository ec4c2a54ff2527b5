//! `--token-secret`: signed tokens, which are not stored.

use crate::{Records, Shop};
use futures_util::future::join_all;

on! { memory: [
    a_signed_token_buys_one_order,
    what_another_server_would_accept_is_refused,
] }

on! { sqlite redis: [
    a_signed_token_buys_one_order,
    what_another_server_would_accept_is_refused,
    another_process_with_the_secret_accepts_a_token_once,
    of_thirty_at_two_processes_one_buys,
] }

const SIGNED: [&str; 2] = ["--token-secret", "open sesame"];

async fn a_signed_token_buys_one_order(records: Records) {
    let shop = Shop::with(records, &SIGNED);
    let token = shop.token("alice").await;
    assert!(token.contains('.'), "{token} is signed");
    shop.buy("bob", &token).send().await.is_problem(412, "token-invalid");
    let bought = shop.buy("alice", &token).send().await;
    assert_eq!((bought.status, bought.json()["success"].as_bool()), (200, Some(true)));
    let again = shop.buy("alice", &token).send().await;
    again.is_problem(409, "duplicate");
    assert_eq!(again.json()["detail"], "重复的请求 (duplicate request)");
    assert_eq!((shop.effects("createOrder").await, shop.list().await.len()), (1, 1));
}

async fn what_another_server_would_accept_is_refused(records: Records) {
    let shop = Shop::with(records, &SIGNED);
    let elsewhere = shop.beside(&["--token-secret", "open sesame!"]);
    let storing = shop.beside(&[]);
    let token = shop.token("alice").await;
    for (shop, token) in [
        (&elsewhere, &token),
        (&storing, &token),
        (&shop, &elsewhere.token("alice").await),
        (&shop, &storing.token("alice").await),
    ] {
        shop.buy("alice", token).send().await.is_problem(412, "token-invalid");
    }
    assert_eq!(shop.effects("createOrder").await, 0);
    assert_eq!(shop.buy("alice", &token).send().await.status, 200);
}

async fn another_process_with_the_secret_accepts_a_token_once(records: Records) {
    let one = Shop::with(records, &SIGNED);
    let other = one.beside(&SIGNED);
    let token = one.token("alice").await;
    assert_eq!(other.buy("alice", &token).send().await.status, 200);
    for shop in [&one, &other] {
        shop.buy("alice", &token).send().await.is_problem(409, "duplicate");
    }
    assert_eq!((one.effects("createOrder").await, one.list().await.len()), (1, 1));
}

async fn of_thirty_at_two_processes_one_buys(records: Records) {
    let one = Shop::with(records, &SIGNED);
    let other = one.beside(&SIGNED);
    let token = one.token("alice").await;
    let shops = [&one, &other].into_iter().cycle().take(30);
    let replies = join_all(shops.map(|shop| shop.buy("alice", &token).send())).await;
    let count = |status| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((count(200), count(409)), (1, 29));
    assert_eq!((one.effects("createOrder").await, one.list().await.len()), (1, 1));
}

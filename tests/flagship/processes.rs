//! Two processes on one store and one business database.

use crate::shop::assert_replays;
use crate::{Records, Shop};
use futures_util::future::join_all;
use serde_json::json;

on! { sqlite redis postgres mariadb: [
    a_retry_at_the_other_process_gets_the_first_order_again,
    of_fifty_that_wait_at_two_processes_one_runs,
    of_fifty_at_two_processes_one_runs_and_the_others_come_back,
    a_token_issued_by_one_process_is_used_up_at_another,
] }

async fn a_retry_at_the_other_process_gets_the_first_order_again(records: Records) {
    let one = Shop::open(records);
    let other = one.beside(&[]);
    let first = one.order("k").send().await;
    assert_eq!(first.status, 201);
    assert_replays(&first, &other.order("k").send().await);
    let another = other.order("k").json(&json!({"sku": "book", "quantity": 2})).send().await;
    another.is_problem(422, "key-reused");
    assert_eq!((one.effects("create_order").await, one.list().await.len()), (1, 1));
}

async fn of_fifty_that_wait_at_two_processes_one_runs(records: Records) {
    let one = Shop::open(records);
    let other = one.beside(&[]);
    let slow = json!({"delay_ms": 500});
    let shops = [&one, &other].into_iter().cycle().take(50);
    let replies = join_all(shops.map(|shop| shop.order_or_wait("k", &slow).send())).await;
    let (again, first): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.is_replay());
    assert_eq!((first.len(), first[0].status), (1, 201));
    for reply in again {
        assert_replays(first[0], reply);
    }
    for shop in [&one, &other] {
        assert_replays(first[0], &shop.order_or_wait("k", &slow).send().await);
    }
    assert_eq!((one.effects("create_order_or_wait").await, one.list().await.len()), (1, 1));
}

async fn of_fifty_at_two_processes_one_runs_and_the_others_come_back(records: Records) {
    let one = Shop::open(records);
    let other = one.beside(&[]);
    let slow = json!({"delay_ms": 4000});
    // All are sent at once, so that they race for the claim. None of them can see the end of the run.
    let shops = [&one, &other].into_iter().cycle().take(50);
    let replies = join_all(shops.map(|shop| shop.suffer("k", &slow).send())).await;
    let (first, others): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
    assert_eq!((first.len(), others.len()), (1, 49));
    for reply in others {
        reply.is_problem(409, "in-progress");
        assert!(reply.header("Retry-After").is_some(), "{reply:?}");
    }
    for shop in [&one, &other] {
        assert_replays(first[0], &shop.suffer("k", &slow).send().await);
    }
    assert_eq!((one.effects("create_order").await, one.list().await.len()), (1, 1));
}

async fn a_token_issued_by_one_process_is_used_up_at_another(records: Records) {
    let one = Shop::open(records);
    let other = one.beside(&[]);
    let token = one.token("alice").await;
    let shops = [&one, &other].into_iter().cycle().take(30);
    let replies = join_all(shops.map(|shop| shop.buy("alice", &token).send())).await;
    let count = |status| replies.iter().filter(|reply| reply.status == status).count();
    assert_eq!((count(200), count(409)), (1, 29));
    assert_eq!((one.effects("createOrder").await, one.list().await.len()), (1, 1));
}

//! Data that survives a restart, on every store.

use crate::{Records, Shop};

on! { memory sqlite redis postgres mariadb: [
    what_ran_is_counted_across_restarts,
    business_data_outlives_a_restart,
] }

async fn what_ran_is_counted_across_restarts(records: Records) {
    let mut shop = Shop::open(records);
    for runs in 1..=3 {
        assert_eq!(shop.order(&format!("k{runs}")).send().await.status, 201);
        let token = shop.token("alice").await;
        assert_eq!(shop.buy("alice", &token).send().await.status, 200);
        shop.orders.stop();
        shop.orders.restart();
        assert_eq!(shop.effects("create_order").await, runs);
        assert_eq!(shop.effects("createOrder").await, runs);
    }
}

async fn business_data_outlives_a_restart(records: Records) {
    let mut shop = Shop::open(records);
    let order = shop.order("k").send().await.json();
    let revoked = shop.orders.post("/admin/revoke/bob").send().await.status;
    shop.orders.stop();
    shop.orders.restart();
    assert_eq!(shop.list().await, [order]);
    let bob = shop.order("k").as_account("bob").send().await.status;
    assert_eq!((revoked, bob), (204, 401));
}

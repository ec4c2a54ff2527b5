//! Locks that are dropped at any await, while commands are on their way to the server.

use crate::Shop;
use futures_util::poll;
use idempotent_runtime::{Idempotency, RedisStore, Scope};
use std::pin::pin;
use std::time::Duration;
use tokio::task::yield_now;

/// A time that is longer than any of these tests.
const LEASE: Duration = Duration::from_mins(10);

/// Takes every lock as another process would, within its wait and not after the lease.
async fn held_by_nobody(shop: &Shop, names: &[String]) {
    let store = RedisStore::connect(&shop.redis.url()).await.unwrap();
    let other = Idempotency::builder(store).scope(Scope::shared()).build().unwrap();
    for name in names {
        let lock = other.lock(name).wait(Duration::from_secs(30)).acquire().await;
        lock.expect("nobody holds it").release().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_dropped_while_it_is_claimed_is_held_by_nobody() {
    let shop = Shop::open().await;
    let names: Vec<_> = (0..300).map(|n| format!("lock-{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        let mut claimed = pin!(shop.idempotency.lock(name).lease(LEASE).acquire());
        for _ in 0..=n % 10 {
            if poll!(&mut claimed).is_ready() {
                break;
            }
            yield_now().await;
        }
    }
    held_by_nobody(&shop, &names).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_is_dropped_while_it_is_released_is_held_by_nobody() {
    let shop = Shop::open().await;
    let names: Vec<_> = (0..200).map(|n| format!("lock-{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        let held = shop.idempotency.lock(name).lease(LEASE).acquire().await.unwrap();
        let mut released = pin!(held.release());
        for _ in 0..=n % 10 {
            if poll!(&mut released).is_ready() {
                break;
            }
            yield_now().await;
        }
    }
    held_by_nobody(&shop, &names).await;
}

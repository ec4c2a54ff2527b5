//! Handlers that name the same lock never overlap.

use crate::Shop;
use actix_web::HttpResponse;
use futures_util::future::join_all;
use futures_util::poll;
use idempotent_runtime::lock::LockError;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tests::{Backend, Reply};

on_every_store! { in real time;
    holders_never_overlap_whatever_operation_and_process,
    who_waits_too_long_is_told_so,
    the_fence_grows_with_every_holder,
    a_failure_or_panic_releases_the_lock,
    nothing_is_replayed,
    another_name_is_another_lock,
    a_name_however_it_is_spelled_is_one_lock,
    in_code_it_is_the_same_lock,
    a_guard_that_is_dropped_releases_the_lock,
    a_guard_that_is_dropped_outside_of_a_runtime_releases_the_lock,
    a_lock_whose_claim_is_dropped_is_held_by_nobody,
    a_release_that_is_dropped_reaches_the_store,
    a_lock_may_be_waited_for_as_long_as_it_takes,
    who_waits_as_the_process_drains_gets_no_lock,
    a_lock_held_for_longer_than_its_lease_is_kept,
    the_fence_starts_at_the_time_of_day,
}

// In ZooKeeper there is no lease, and fences are numbers of transactions.
on_every_store! { @ zookeeper;
    holders_never_overlap_whatever_operation_and_process,
    who_waits_too_long_is_told_so,
    the_fence_grows_with_every_holder,
    a_failure_or_panic_releases_the_lock,
    nothing_is_replayed,
    another_name_is_another_lock,
    a_name_however_it_is_spelled_is_one_lock,
    in_code_it_is_the_same_lock,
    a_guard_that_is_dropped_releases_the_lock,
    a_guard_that_is_dropped_outside_of_a_runtime_releases_the_lock,
}

/// The time for which a handler looks for other holders of its lock.
const STAY: Duration = Duration::from_millis(20);

fn fence(reply: &Reply) -> u64 {
    reply.header("X-Attempt").expect("a fence").parse().expect("a number")
}

async fn holders_never_overlap_whatever_operation_and_process(backend: Backend) {
    let shop = Shop::open(backend);
    let elsewhere = shop.beside();
    let (handler, overlaps) = (shop.handler.clone(), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&overlaps);
    shop.handler.answers(move |run| {
        // The handler stays long enough for others to come in if they could, but not so long that the server
        // closes connections that wait on a busy host.
        let came = Instant::now();
        let disturbed = (0..1000).take_while(|_| came.elapsed() < STAY).any(|_| {
            std::thread::yield_now();
            !handler.is_alone(run)
        });
        seen.fetch_add(usize::from(disturbed), Ordering::SeqCst);
        HttpResponse::Ok().finish()
    });
    shop.handler.pause();
    let requests = (0..24).map(|n| {
        let server = if n % 2 == 0 { &shop.server } else { &elsewhere };
        let path = if n % 3 == 0 { "/locked/a" } else { "/also-locked/a" };
        server.post(path).as_account(&format!("account-{n}")).send()
    });
    let (replies, ()) = tokio::join!(join_all(requests), async {
        shop.handler.runs_reach(1).await;
        shop.handler.resume();
    });
    assert!(replies.iter().all(|reply| reply.status == 200), "{replies:?}");
    assert_eq!((shop.handler.runs(), overlaps.load(Ordering::SeqCst)), (24, 0));
    let mut fences: Vec<u64> = replies.iter().map(fence).collect();
    fences.sort_unstable();
    fences.dedup();
    assert_eq!(fences.len(), 24, "every holder has a fence of its own");
}

async fn who_waits_too_long_is_told_so(backend: Backend) {
    let shop = Shop::open(backend);
    let elsewhere = shop.beside();
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/locked/a").send());
    shop.handler.runs_reach(1).await;
    for server in [&shop.server, &elsewhere] {
        let tired = tokio::select! {
            tired = server.post("/locked-impatiently/a").send() => tired,
            () = shop.handler.runs_reach(2) => panic!("it runs, although the lock is held"),
        };
        tired.is_problem(423, "locked");
        assert!(tired.header("Retry-After").is_some());
    }
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
    assert_eq!(shop.handler.runs(), 1);
}

async fn the_fence_grows_with_every_holder(backend: Backend) {
    let shop = Shop::open(backend);
    let mut last = 0;
    for _ in 0..5 {
        let now = fence(&shop.post("/locked/a").send().await);
        assert!(now > last, "{now} after {last}");
        last = now;
    }
}

/// A fence begins with the time, so that it is larger even if the store forgot the lock.
async fn the_fence_starts_at_the_time_of_day(backend: Backend) {
    let shop = Shop::open(backend);
    assert!(fence(&shop.post("/locked/a").send().await) > 1_700_000_000_000);
}

async fn a_failure_or_panic_releases_the_lock(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.answers(|run| match run {
        1 => HttpResponse::InternalServerError().finish(),
        2 => panic!("as the test wants it"),
        _ => HttpResponse::Ok().finish(),
    });
    for status in [500, 500, 200] {
        assert_eq!(shop.post("/locked-impatiently/a").send().await.status, status);
    }
}

async fn nothing_is_replayed(backend: Backend) {
    let shop = Shop::open(backend);
    for run in 1..=3 {
        let reply = shop.post("/locked/a").key("k").send().await;
        assert_eq!(
            (reply.body, reply.headers.get("Idempotency-Replayed")),
            (format!("run {run}").into(), None)
        );
    }
}

async fn another_name_is_another_lock(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/locked/a").send());
    shop.handler.runs_reach(1).await;
    let second = tokio::spawn(shop.post("/locked/b").send());
    shop.handler.runs_reach(2).await;
    shop.handler.resume();
    assert_eq!((first.await.unwrap().status, second.await.unwrap().status), (201, 201));
}

/// A message to one number must not be sent twice because a plus sign can be encoded in two ways.
async fn a_name_however_it_is_spelled_is_one_lock(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/locked/+49%2F7").send());
    shop.handler.runs_reach(1).await;
    for spelled in ["+49%2F7", "%2B49%2F7", "%2b49%2f7", "%2B%349%2F7"] {
        let tired = tokio::select! {
            tired = shop.post(&format!("/locked-impatiently/{spelled}")).send() => tired,
            () = shop.handler.runs_reach(2) => panic!("{spelled} runs, although the lock is held"),
        };
        tired.is_problem(423, "locked");
    }
    let in_code = shop.idempotency.lock("thing:+49/7").wait(Duration::from_millis(50));
    assert!(matches!(in_code.acquire().await, Err(LockError::Locked { .. })));
    shop.handler.resume();
    assert_eq!((first.await.unwrap().status, shop.handler.runs()), (201, 1));
}

async fn in_code_it_is_the_same_lock(backend: Backend) {
    let shop = Shop::open(backend);
    let lock = || shop.idempotency.lock("thing:a").wait(Duration::from_millis(50));
    let held = lock().acquire().await.unwrap();
    shop.post("/locked-impatiently/a").send().await.is_problem(423, "locked");
    let refused = lock().acquire().await.unwrap_err();
    assert!(matches!(refused, LockError::Locked { .. }), "{refused}");
    let fences = [held.attempt(), {
        held.release().await;
        fence(&shop.post("/locked-impatiently/a").send().await)
    }];
    assert!(fences[0] < fences[1], "{fences:?}");
    assert_eq!(shop.handler.runs(), 1);
}

async fn a_guard_that_is_dropped_releases_the_lock(backend: Backend) {
    let shop = Shop::open(backend);
    let lock = || shop.idempotency.lock("thing:a").lease(Duration::from_mins(10));
    drop(lock().acquire().await.unwrap());
    // The next holder comes within its wait of ten seconds, and not after the lease of ten minutes.
    lock().acquire().await.unwrap().release().await;
}

/// Dropped after the claim was sent.
async fn a_lock_whose_claim_is_dropped_is_held_by_nobody(backend: Backend) {
    let shop = Shop::open(backend);
    shop.backend.store.answers_to_claims().close();
    let app = shop.idempotency.clone();
    let lease = Duration::from_mins(10);
    let dropped = tokio::spawn(async move { app.lock("a").lease(lease).acquire().await.map(drop) });
    shop.backend.store.answers_to_claims().reached().await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    // The next holder comes within its wait of ten seconds, and not after the lease of ten minutes.
    shop.idempotency.lock("a").acquire().await.unwrap().release().await;
}

async fn a_release_that_is_dropped_reaches_the_store(backend: Backend) {
    let shop = Shop::open(backend);
    let lock = || shop.idempotency.lock("a").lease(Duration::from_mins(10));
    let held = lock().acquire().await.unwrap();
    shop.backend.store.exchanges().close();
    let dropped = tokio::spawn(held.release());
    shop.backend.store.exchanges().reached().await;
    dropped.abort();
    assert!(dropped.await.unwrap_err().is_cancelled());
    let held = lock().wait(Duration::from_millis(50)).acquire().await;
    assert!(matches!(held, Err(LockError::Locked { .. })), "its release is on its way");
    shop.backend.store.exchanges().open();
    lock().acquire().await.unwrap().release().await;
}

async fn a_guard_that_is_dropped_outside_of_a_runtime_releases_the_lock(backend: Backend) {
    let shop = Shop::open(backend);
    let lock = || shop.idempotency.lock("a").lease(Duration::from_mins(10));
    let held = lock().acquire().await.unwrap();
    std::thread::spawn(move || drop(held)).join().unwrap();
    lock().acquire().await.unwrap().release().await;
}

async fn a_lock_may_be_waited_for_as_long_as_it_takes(backend: Backend) {
    let shop = Shop::open(backend);
    let elsewhere = shop.beside();
    shop.handler.pause();
    let held = tokio::spawn(elsewhere.post("/locked/a").send());
    shop.handler.runs_reach(1).await;
    let lock = shop.idempotency.lock("thing:a").wait(Duration::MAX).acquire();
    let (lock, held) = tokio::join!(lock, async {
        shop.handler.resume();
        held.await.unwrap()
    });
    assert_eq!(held.status, 201);
    lock.unwrap().release().await;
}

async fn who_waits_as_the_process_drains_gets_no_lock(backend: Backend) {
    let shop = Shop::open(backend);
    let lock = || shop.idempotency.lock("thing:a").wait(Duration::from_mins(10));
    let held = lock().acquire().await.unwrap();
    let mut waiting = pin!(lock().acquire());
    assert!(poll!(&mut waiting).is_pending());
    assert_eq!(shop.idempotency.drain(Duration::ZERO).await, 2);
    held.release().await;
    let refused = waiting.await.unwrap_err();
    assert!(matches!(refused, LockError::Draining { .. }), "{refused}");
}

async fn a_lock_held_for_longer_than_its_lease_is_kept(backend: Backend) {
    let shop = Shop::open(backend);
    shop.handler.pause();
    let first = tokio::spawn(shop.post("/locked/a").send());
    crate::leases::longer_than_a_lease(&shop).await;
    shop.beside().post("/locked-impatiently/a").send().await.is_problem(423, "locked");
    shop.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
}

//! Waiting for a lock in several processes.

use crate::{LONG, held, lock, process};
use futures_util::future::join_all;
use futures_util::poll;
use idempotent_runtime::lock::LockError;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tests::{ZooKeeperServer, eventually};

async fn places_reach(server: &ZooKeeperServer, many: usize) {
    eventually("they stand in line", async || (server.places() == many).then_some(())).await;
}

/// Invariant S5: processes get the lock in the order in which they asked, with growing fences.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_are_served_in_the_order_of_asking() {
    let server = ZooKeeperServer::start().await;
    let first = process(&server, LONG).await;
    let guard = held(&first).await;
    let order = Arc::new(Mutex::new(vec![(0, guard.attempt())]));
    let mut waiting = Vec::new();
    for number in 1..=6 {
        let (next, order) = (process(&server, LONG).await, Arc::clone(&order));
        waiting.push(tokio::spawn(async move {
            let guard = held(&next).await;
            order.lock().unwrap().push((number, guard.attempt()));
            guard.release().await;
        }));
        places_reach(&server, number + 1).await;
    }
    guard.release().await;
    for waiting in waiting {
        waiting.await.unwrap();
    }
    let order = order.lock().unwrap();
    assert!(order.iter().map(|(number, _)| *number).eq(0..=6), "{order:?}");
    assert!(order.is_sorted_by(|(_, one), (_, next)| one < next), "{order:?}");
    assert_eq!(server.places(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_gives_up_leaves_no_place_behind() {
    let server = ZooKeeperServer::start().await;
    let (one, other) = (process(&server, LONG).await, process(&server, LONG).await);
    let guard = held(&one).await;
    let tired = lock(&other).wait(Duration::from_millis(50)).acquire().await.unwrap_err();
    assert!(matches!(tired, LockError::Locked { .. }), "{tired}");
    places_reach(&server, 1).await;

    let mut dropped = Box::pin(lock(&other).acquire());
    tokio::select! {
        _ = &mut dropped => panic!("it is held"),
        () = places_reach(&server, 2) => {}
    }
    drop(dropped);
    places_reach(&server, 1).await;
    guard.release().await;
    held(&other).await.release().await;
}

/// This holds even if the lock was granted and its grant was not seen yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_leaves_when_it_is_granted_the_lock_does_not_hold_it() {
    let server = ZooKeeperServer::start().await;
    let process = process(&server, LONG).await;
    for _ in 0..20 {
        let mut dropped = Box::pin(lock(&process).lease(Duration::from_mins(10)).acquire());
        assert!(poll!(&mut dropped).is_pending());
        places_reach(&server, 1).await;
        drop(dropped);
        places_reach(&server, 0).await;
    }
}

/// Invariant S1, with a crowd of processes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_processes_never_overlaps() {
    let server = ZooKeeperServer::start().await;
    let inside = Arc::new(Mutex::new((0, Vec::new())));
    let mut crowd = Vec::new();
    for _ in 0..4 {
        let process = process(&server, LONG).await;
        for _ in 0..10 {
            let (process, inside) = (process.clone(), Arc::clone(&inside));
            crowd.push(tokio::spawn(async move {
                let guard = held(&process).await;
                inside.lock().unwrap().0 += 1;
                tokio::task::yield_now().await;
                {
                    let mut inside = inside.lock().unwrap();
                    assert_eq!(inside.0, 1, "alone");
                    inside.0 -= 1;
                    inside.1.push(guard.attempt());
                }
                guard.release().await;
            }));
        }
    }
    join_all(crowd).await.into_iter().for_each(Result::unwrap);
    let inside = inside.lock().unwrap();
    assert_eq!(inside.1.len(), 40);
    assert!(inside.1.is_sorted_by(|one, next| one < next), "{:?}", inside.1);
}

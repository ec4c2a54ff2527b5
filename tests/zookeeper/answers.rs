//! Invariant S9 for locks: answers that do not arrive.

use crate::{LONG, held, process, process_at, waits};
use idempotent_runtime::Idempotency;
use std::time::Duration;
use tests::{Proxy, ZooKeeperServer, eventually};

/// Only a request that makes a node contains the lock's name, and only one that removes or watches it its number.
const MAKES: &[u8] = b"account:7";
const NUMBERED: &[u8] = b"-0000";

/// The request for the first of the directories: `createContainer` with a path of 12 bytes.
const MAKES_ROOT: &[u8] = b"\0\0\0\x13\0\0\0\x0c/idempotency";

/// Whether connections end by a reset, for which a client gets another error.
const RESETS: [bool; 2] = [false, true];

async fn far(proxy: &Proxy, session: Duration) -> Idempotency {
    process_at(&format!("zookeeper://{}", proxy.address()), session).await
}

/// If the node were made again, the lock would wait for itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_whose_making_was_not_answered_is_found_again() {
    let server = ZooKeeperServer::start().await;
    let mut fences = Vec::new();
    for resets in RESETS {
        let proxy = Proxy::to(&server).await;
        proxy.end_by_reset(resets);
        let process = far(&proxy, LONG).await;
        // An answer begins with its length, in four bytes.
        for bytes in [0, 3, 4, 20] {
            proxy.cut_answers(MAKES, bytes, 1);
            let guard = held(&process).await;
            assert_eq!((proxy.answers_to_cut(), server.places()), (0, 1), "{bytes}");
            assert!(guard.is_certain(), "{bytes}");
            fences.push(guard.attempt());
            guard.release().await;
            assert_eq!(server.places(), 0, "{bytes}");
        }
        assert_eq!(process.counts().lost, 0);
    }
    assert!(fences.is_sorted_by(|one, next| one < next), "{fences:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_directory_whose_making_was_not_answered_is_used() {
    for resets in RESETS {
        let server = ZooKeeperServer::start().await;
        let proxy = Proxy::to(&server).await;
        proxy.end_by_reset(resets);
        let process = far(&proxy, LONG).await;
        proxy.cut_answers(MAKES_ROOT, 0, 1);
        held(&process).await.release().await;
        assert_eq!(proxy.answers_to_cut(), 0);
    }
}

/// If a holder sends its release again and its node is gone, the first release removed it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_was_not_answered_is_one() {
    let server = ZooKeeperServer::start().await;
    for resets in RESETS {
        let proxy = Proxy::to(&server).await;
        proxy.end_by_reset(resets);
        let (far, near) = (far(&proxy, LONG).await, process(&server, LONG).await);
        for bytes in [0, 4] {
            let guard = held(&far).await;
            let waiting = waits(&server, &near).await;
            proxy.cut_answers(NUMBERED, bytes, 1);
            guard.release().await;
            assert_eq!(proxy.answers_to_cut(), 0, "{bytes}");
            waiting.await.unwrap().release().await;
        }
        assert_eq!((far.counts().lost, near.counts().lost), (0, 0));
    }
}

/// If the node stayed, it would hold the lock for as long as the process lives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_never_arrived_is_sent_again() {
    let server = ZooKeeperServer::start().await;
    let proxy = Proxy::to(&server).await;
    // The client waits two fifths of the session timeout for an answer.
    let (far, near) = (far(&proxy, Duration::from_secs(5)).await, process(&server, LONG).await);
    let guard = held(&far).await;
    let waiting = waits(&server, &near).await;
    proxy.silence();
    guard.release().await;
    waiting.await.unwrap().release().await;
    assert_eq!((far.counts().lost, near.counts().lost), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_waits_keeps_its_place_when_answers_are_lost() {
    let server = ZooKeeperServer::start().await;
    for resets in RESETS {
        let proxy = Proxy::to(&server).await;
        proxy.end_by_reset(resets);
        let (far, near) = (far(&proxy, LONG).await, process(&server, LONG).await);
        let guard = held(&near).await;
        proxy.cut_answers(NUMBERED, 0, 2);
        let waiting = waits(&server, &far).await;
        let again =
            async || (proxy.answers_to_cut() == 0 && server.waited_for() == 1).then_some(());
        eventually("it waits again", again).await;
        assert_eq!(server.places(), 2);
        guard.release().await;
        waiting.await.unwrap().release().await;
    }
}

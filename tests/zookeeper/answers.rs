//! Invariant S9 for locks: answers that do not arrive.

use crate::{LONG, held, process, process_at};
use tests::{Proxy, ZooKeeperServer, eventually};

/// Only what makes a node holds the lock's name, and only what removes one ends in its number.
const MAKES: &[u8] = b"account:7";
const REMOVES: &[u8] = b"-0000";

/// Made again, the lock would wait for itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_whose_making_was_not_answered_is_found_again() {
    let server = ZooKeeperServer::start().await;
    let proxy = Proxy::to(&server).await;
    let process = process_at(&format!("zookeeper://{}", proxy.address()), LONG).await;
    let mut fences = Vec::new();
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
    assert!(fences.is_sorted_by(|one, next| one < next), "{fences:?}");
    assert_eq!(process.counts().lost, 0);
}

/// Who asks again whether its node is gone was the one who removed it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_release_that_was_not_answered_is_one() {
    let server = ZooKeeperServer::start().await;
    let proxy = Proxy::to(&server).await;
    let far = process_at(&format!("zookeeper://{}", proxy.address()), LONG).await;
    let near = process(&server, LONG).await;
    for bytes in [0, 4] {
        let guard = held(&far).await;
        let waiting = tokio::spawn({
            let near = near.clone();
            async move { held(&near).await }
        });
        eventually("both stand in line", async || (server.places() == 2).then_some(())).await;
        proxy.cut_answers(REMOVES, bytes, 1);
        guard.release().await;
        assert_eq!(proxy.answers_to_cut(), 0, "{bytes}");
        waiting.await.unwrap().release().await;
    }
    assert_eq!((far.counts().lost, near.counts().lost), (0, 0));
}

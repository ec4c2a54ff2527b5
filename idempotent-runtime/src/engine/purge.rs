//! Lets the store drop what is over, on the thread of the heartbeat.

use crate::clock::jittered;
use crate::engine::heartbeat::{Tools, caught};
use crate::store::own_thread::{OwnThread, lasting};
use std::error::Error as StdError;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How often the store is told to drop what is over, how much at once, and the pause between two
/// full batches.
const PURGE_EVERY: Duration = Duration::from_secs(30);
const PURGE: u32 = 512;
const PURGE_PAUSE: Duration = Duration::from_millis(50);

/// Begins to purge, for as long as the thread lasts.
pub(super) fn start_purging(thread: &OwnThread, tools: &Tools) {
    let tools = tools.clone();
    thread.spawn(lasting("purging", move || purge(tools.clone())));
}

/// Lets the store drop what is over: in batches, and without a pause only while there is more.
async fn purge(tools: Tools) {
    loop {
        sleep(jittered(PURGE_EVERY)).await;
        loop {
            let dropped = caught("purge", async { tools.store.purge(PURGE).await });
            match timeout(tools.patience, dropped).await {
                Ok(Ok(dropped)) => {
                    tools.counters.purged.add(dropped.into());
                    if dropped < PURGE {
                        break;
                    }
                    sleep(PURGE_PAUSE).await;
                }
                Ok(Err(error)) => {
                    let error = &error as &dyn StdError;
                    tracing::warn!(
                        error,
                        "expired records could not be purged; they are purged at the next turn"
                    );
                    break;
                }
                Err(_late) => break,
            }
        }
    }
}

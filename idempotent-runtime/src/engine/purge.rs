//! Lets the store drop expired records, on the heartbeat's thread.

use crate::clock::jittered;
use crate::engine::heartbeat::{Tools, caught};
use crate::store::own_thread::{OwnThread, lasting};
use std::error::Error as StdError;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The pause between two purges, if the store had no more to drop.
const PURGE_EVERY: Duration = Duration::from_secs(3);
const LATEST: Duration = Duration::from_secs(5);
const _: () = assert!(2 * LATEST.as_millis() >= 3 * PURGE_EVERY.as_millis(), "jittered by half");

/// The values in one batch, and the time from the start of one full batch to the start of the next: 14 200
/// values a second, of which a timer of whole milliseconds leaves 12 000. A batch is so small because a claim
/// that comes meanwhile waits for it.
const PURGE: u32 = 128;
const PURGE_PACE: Duration = Duration::from_millis(9);

/// Begins to purge, for as long as the thread lasts.
pub(super) fn start_purging(thread: &OwnThread, tools: &Tools) {
    let tools = tools.clone();
    thread.spawn(lasting("purging", move || purge(tools.clone())));
}

/// Lets the store drop expired records, in batches.
async fn purge(tools: Tools) {
    loop {
        sleep(jittered(PURGE_EVERY)).await;
        loop {
            let began = Instant::now();
            let dropped = caught("purge", async { tools.store.purge(PURGE).await });
            match timeout(tools.patience, dropped).await {
                Ok(Ok(dropped)) => {
                    tools.counters.purged.add(dropped.into());
                    if dropped < PURGE {
                        break;
                    }
                    sleep(pause(began.elapsed())).await;
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

/// The pause after a full batch that took this long: a slow store rests for at least half that time.
fn pause(took: Duration) -> Duration {
    PURGE_PACE.saturating_sub(took).max(took / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_thousand_values_a_second_are_dropped_and_a_slow_store_gets_rest() {
        for millis in [0, 2, 5, 8] {
            let took = Duration::from_millis(millis);
            let a_second = f64::from(PURGE) / (took + pause(took)).as_secs_f64();
            assert!(a_second >= 10_000.0, "{a_second} at {took:?}");
        }
        assert_eq!(pause(Duration::from_secs(1)), Duration::from_millis(500));
    }
}

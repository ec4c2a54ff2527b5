//! Standing in line for a key in one process: first come, first served.
//!
//! Whoever is at the front claims the key in the store, against the other processes; so of each
//! process one asks, however many wait.

use crate::key::StorageKey;
use crate::sync::{Mutex, MutexGuard, PoisonError, timeout};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many may stand in one line; the next is refused at once.
const LONGEST: usize = 1024;

/// The lines of one engine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Arc<Mutex<HashMap<StorageKey, Arc<Semaphore>>>>);

/// The front of a line; the next moves up when it is dropped.
#[derive(Debug)]
pub(crate) struct Front {
    // In this order: the next moves up before the line is given up.
    _permit: Option<OwnedSemaphorePermit>,
    _place: Place,
}

/// A place in a line; the last one to leave takes the line down.
#[derive(Debug)]
struct Place {
    lines: Lines,
    key: StorageKey,
    line: Option<Arc<Semaphore>>,
}

impl Lines {
    /// Waits to be at the front, at most this long; nothing, if that was too short or the line too
    /// long.
    pub(crate) async fn front(&self, key: StorageKey, at_most: Duration) -> Option<Front> {
        let place = self.join(key)?;
        let line = Arc::clone(place.line.as_ref()?);
        let permit = match Arc::clone(&line).try_acquire_owned() {
            Ok(permit) => permit,
            // tokio's semaphore is fair.
            Err(_) => timeout(at_most, line.acquire_owned()).await.ok()?.ok()?,
        };
        Some(Front { _permit: Some(permit), _place: place })
    }

    fn join(&self, key: StorageKey) -> Option<Place> {
        let mut lines = self.lock();
        let line = lines.entry(key).or_insert_with(|| Arc::new(Semaphore::new(1)));
        // One reference is the map's own, and whoever waits holds a second one.
        let joined = Arc::strong_count(line) <= 2 * LONGEST;
        let place = Place { lines: self.clone(), key, line: Some(Arc::clone(line)) };
        // A place that is given up at once takes the lock again.
        drop(lines);
        joined.then_some(place)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StorageKey, Arc<Semaphore>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut lines = self.lines.lock();
        self.line = None;
        // The map's own reference is the last.
        if lines.get(&self.key).is_some_and(|line| Arc::strong_count(line) == 1) {
            lines.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: StorageKey = StorageKey::from_bytes([7; 32]);
    const LONG: Duration = Duration::from_mins(1);

    #[tokio::test]
    async fn who_came_first_is_served_first_and_an_empty_line_is_taken_down() {
        let lines = Lines::default();
        let served = Arc::new(Mutex::new(Vec::new()));
        let front = lines.front(KEY, LONG).await.unwrap();
        let mut waiting = Vec::new();
        for number in 0..5 {
            let (lines, served) = (lines.clone(), Arc::clone(&served));
            waiting.push(tokio::spawn(async move {
                let _front = lines.front(KEY, LONG).await.unwrap();
                served.lock().unwrap().push(number);
            }));
            // On this one thread the task now runs until it stands in line.
            tokio::task::yield_now().await;
        }
        drop(front);
        for waiting in waiting {
            waiting.await.unwrap();
        }
        assert_eq!(*served.lock().unwrap(), [0, 1, 2, 3, 4]);
        assert!(lines.lock().is_empty());
    }

    #[tokio::test]
    async fn who_finds_the_line_too_long_is_refused_at_once_and_holds_nobody_up() {
        let lines = Lines::default();
        let front = lines.front(KEY, LONG).await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..LONGEST + 9 {
            let lines = lines.clone();
            waiting.push(tokio::spawn(async move { lines.front(KEY, LONG).await.is_some() }));
            // On this one thread the task now runs until it stands in line or is refused.
            tokio::task::yield_now().await;
        }
        assert!(lines.front(KEY, LONG).await.is_none());
        drop(front);
        let mut served = 0;
        for waiting in waiting {
            served += usize::from(waiting.await.unwrap());
        }
        // One more is at the front.
        assert_eq!(served, LONGEST - 1);
        assert!(lines.lock().is_empty());
    }

    #[tokio::test]
    async fn who_gives_up_leaves_the_line_to_the_others() {
        let lines = Lines::default();
        let front = lines.front(KEY, LONG).await.unwrap();
        assert!(lines.front(KEY, Duration::from_millis(1)).await.is_none());
        drop(front);
        assert!(lines.front(KEY, Duration::ZERO).await.is_some());
        assert!(lines.lock().is_empty());
    }
}

#[cfg(all(test, shuttle))]
mod interleavings {
    use super::*;
    use crate::sync::atomic::{AtomicUsize, Ordering};
    use shuttle::future::block_on;
    use shuttle::thread;

    const KEY: StorageKey = StorageKey::from_bytes([7; 32]);

    #[test]
    fn one_is_at_the_front_everybody_gets_there_and_the_line_is_taken_down() {
        let order = || {
            let lines = Lines::default();
            let (ahead, served) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let waiting = [(); 3].map(|()| {
                let (lines, ahead, served) =
                    (lines.clone(), Arc::clone(&ahead), Arc::clone(&served));
                thread::spawn(move || {
                    let front = block_on(lines.front(KEY, Duration::MAX)).expect("its turn comes");
                    assert_eq!(ahead.fetch_add(1, Ordering::SeqCst), 0, "nobody else is there");
                    thread::yield_now();
                    ahead.fetch_sub(1, Ordering::SeqCst);
                    served.fetch_add(1, Ordering::SeqCst);
                    drop(front);
                })
            });
            for waiting in waiting {
                waiting.join().unwrap();
            }
            assert_eq!(served.load(Ordering::SeqCst), 3);
            assert!(lines.lock().is_empty(), "nobody is left");
        };
        shuttle::check_random(order, 10_000);
        shuttle::check_pct(order, 5_000, 4);
    }
}

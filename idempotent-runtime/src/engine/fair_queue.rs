//! A queue for a key in one process: first come, first served.
//!
//! The request at the front claims the key in the store, against the other processes. So each
//! process sends one claim at a time, whatever the length of its queue.

use crate::key::StorageKey;
use crate::sync::{Mutex, MutexGuard, PoisonError, timeout};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The queues of one engine.
#[derive(Clone, Debug)]
pub(crate) struct FairQueues {
    queues: Arc<Mutex<HashMap<StorageKey, Arc<Semaphore>>>>,
    /// The most requests behind the front of one queue. The next one is refused at once.
    longest: usize,
}

/// The front of a queue. When it is dropped, the next request moves up.
#[derive(Debug)]
pub(crate) struct Front {
    // In this order: the next request moves up before this place is given up.
    _permit: Option<OwnedSemaphorePermit>,
    _place: QueuePlace,
}

/// A place in a queue. The last one to leave removes the queue.
#[derive(Debug)]
struct QueuePlace {
    queues: FairQueues,
    key: StorageKey,
    queue: Option<Arc<Semaphore>>,
}

impl FairQueues {
    /// Queues with at most this many requests behind the front of each.
    pub(crate) fn new(longest: usize) -> Self {
        Self { queues: Arc::default(), longest }
    }

    /// Waits to be at the front, at most this long. The result is `None` if that time was too short
    /// or the queue is full.
    pub(crate) async fn front(&self, key: StorageKey, at_most: Duration) -> Option<Front> {
        let place = self.join(key)?;
        let queue = Arc::clone(place.queue.as_ref()?);
        let permit = match Arc::clone(&queue).try_acquire_owned() {
            Ok(permit) => permit,
            // tokio's semaphore is fair.
            Err(_) => timeout(at_most, queue.acquire_owned()).await.ok()?.ok()?,
        };
        Some(Front { _permit: Some(permit), _place: place })
    }

    fn join(&self, key: StorageKey) -> Option<QueuePlace> {
        let mut queues = self.lock();
        let queue = queues.entry(key).or_insert_with(|| Arc::new(Semaphore::new(1)));
        // The map has one reference. The request at the front and each one that waits have two.
        let joined = Arc::strong_count(queue) / 2 <= self.longest;
        let place = QueuePlace { queues: self.clone(), key, queue: Some(Arc::clone(queue)) };
        // Dropped here, since a place that is given up at once takes the lock again.
        drop(queues);
        joined.then_some(place)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<StorageKey, Arc<Semaphore>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for QueuePlace {
    fn drop(&mut self) {
        let mut queues = self.queues.lock();
        self.queue = None;
        // Only the map's own reference is left.
        if queues.get(&self.key).is_some_and(|queue| Arc::strong_count(queue) == 1) {
            queues.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: StorageKey = StorageKey::from_bytes([7; 32]);
    const LONG: Duration = Duration::from_mins(1);
    const LENGTH: usize = 16;

    #[tokio::test]
    async fn the_first_to_come_is_served_first_and_an_empty_queue_is_removed() {
        let queues = FairQueues::new(LENGTH);
        let served = Arc::new(Mutex::new(Vec::new()));
        let front = queues.front(KEY, LONG).await.unwrap();
        let mut waiting = Vec::new();
        for number in 0..5 {
            let (queues, served) = (queues.clone(), Arc::clone(&served));
            waiting.push(tokio::spawn(async move {
                let _front = queues.front(KEY, LONG).await.unwrap();
                served.lock().unwrap().push(number);
            }));
            // On this one thread the task now runs until it stands in the queue.
            tokio::task::yield_now().await;
        }
        drop(front);
        for waiting in waiting {
            waiting.await.unwrap();
        }
        assert_eq!(*served.lock().unwrap(), [0, 1, 2, 3, 4]);
        assert!(queues.lock().is_empty());
    }

    #[tokio::test]
    async fn a_request_that_finds_the_queue_full_is_refused_at_once_and_delays_nobody() {
        let queues = FairQueues::new(LENGTH);
        let front = queues.front(KEY, LONG).await.unwrap();
        let mut waiting = Vec::new();
        for _ in 0..LENGTH + 9 {
            let queues = queues.clone();
            waiting.push(tokio::spawn(async move { queues.front(KEY, LONG).await.is_some() }));
            // On this one thread the task now runs until it stands in the queue or is refused.
            tokio::task::yield_now().await;
        }
        assert!(queues.front(KEY, LONG).await.is_none());
        drop(front);
        let mut served = 0;
        for waiting in waiting {
            served += usize::from(waiting.await.unwrap());
        }
        assert_eq!(served, LENGTH);
        assert!(queues.lock().is_empty());
    }

    #[tokio::test]
    async fn a_request_that_gives_up_leaves_the_queue_to_the_others() {
        let queues = FairQueues::new(LENGTH);
        let front = queues.front(KEY, LONG).await.unwrap();
        assert!(queues.front(KEY, Duration::from_millis(1)).await.is_none());
        drop(front);
        assert!(queues.front(KEY, Duration::ZERO).await.is_some());
        assert!(queues.lock().is_empty());
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
    fn one_at_a_time_is_at_the_front_all_get_there_and_the_queue_is_removed() {
        let order = || {
            let queues = FairQueues::new(3);
            let (ahead, served) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let waiting = [(); 3].map(|()| {
                let (queues, ahead, served) =
                    (queues.clone(), Arc::clone(&ahead), Arc::clone(&served));
                thread::spawn(move || {
                    let front = block_on(queues.front(KEY, Duration::MAX)).expect("its turn comes");
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
            assert!(queues.lock().is_empty(), "nobody is left");
        };
        shuttle::check_random(order, 10_000);
        shuttle::check_pct(order, 5_000, 4);
    }
}

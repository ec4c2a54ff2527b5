//! The age of the oldest run of a process, over all of its engines.

use crate::observe::facade::Level;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The ages in seconds that the engines of this process reported last, by the engines' numbers.
static AGES: Mutex<BTreeMap<u64, f64>> = Mutex::new(BTreeMap::new());

/// Reports the age of the oldest run of one engine. When this is dropped, the engine has no runs any more.
#[derive(Debug)]
pub(crate) struct OldestRun {
    level: Level,
    engine: u64,
}

impl OldestRun {
    pub(super) fn new() -> Self {
        Self { level: Level::new("idempotency_oldest_run_seconds", &[]), engine: rand::random() }
    }

    /// Reports the age of the oldest run of this engine; zero if none is under way.
    pub(crate) fn tell(&self, age: Duration) {
        let mut ages = ages();
        ages.insert(self.engine, age.as_secs_f64());
        self.level.set_seconds(oldest(&ages));
    }
}

impl Drop for OldestRun {
    fn drop(&mut self) {
        let mut ages = ages();
        if ages.remove(&self.engine).is_some() {
            self.level.set_seconds(oldest(&ages));
        }
    }
}

fn ages() -> MutexGuard<'static, BTreeMap<u64, f64>> {
    AGES.lock().unwrap_or_else(PoisonError::into_inner)
}

fn oldest(ages: &BTreeMap<u64, f64>) -> f64 {
    ages.values().copied().fold(0.0, f64::max)
}

//! Two workers of one engine against two engines that share nothing, on a store that does nothing.
//!
//! `cargo bench -p benches --bench workers`
//!
//! Two threads share one engine; for comparison, two threads have an engine each. The times are processor time, which
//! other work on the host does not change much, and the time by the clock.

use benches::{engine, request};
use bytes::Bytes;
use idempotent_runtime::engine::{Admission, Engine};
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::outcome::Outcome;
use idempotent_runtime::store::{
    Changed, Entry, Finding, Page, PageRequest, Store, StoreFuture, StoreSettings, Swap,
};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

/// The number of rounds. It is odd, so that there is a median.
const ROUNDS: usize = 21;
const RUNS: u32 = 60_000;
const THREADS: usize = 2;
/// The number of runs of all threads together.
const ALL_RUNS: u32 = 2 * RUNS;

/// A store that accepts everything and keeps nothing.
#[derive(Debug)]
struct Nothing;

impl Store for Nothing {
    fn create<'a>(
        &'a self,
        _: &'a StorageKey,
        _: &'a Bytes,
        _: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        StoreFuture::ready(Ok(None))
    }

    fn swap<'a>(
        &'a self,
        _: &'a StorageKey,
        _: &'a Bytes,
        _: &'a Bytes,
        _: Duration,
    ) -> StoreFuture<'a, Swap> {
        StoreFuture::ready(Ok(Swap::Done))
    }

    fn read<'a>(&'a self, _: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        StoreFuture::ready(Ok(None))
    }

    fn watch<'a>(&'a self, _: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        None
    }

    fn browse<'a>(&'a self, _: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        None
    }

    fn purge(&self, _: u32) -> StoreFuture<'_, u32> {
        StoreFuture::ready(Ok(0))
    }

    fn describe(&self) -> String {
        "nothing".to_owned()
    }

    fn findings(&self) -> Vec<Finding> {
        Vec::new()
    }

    fn adopt(&self, _: &StoreSettings) {}
}

/// The processor time of two threads for their runs, and the time by the clock.
#[derive(Clone, Copy, Debug)]
struct Took {
    processors: Duration,
    clock: Duration,
}

fn started() -> Engine {
    let engine = engine(Arc::new(Nothing));
    engine.start_thread().expect("a thread");
    engine
}

/// Runs on each thread with the engine that is given for it.
fn measured(engines: [Engine; THREADS]) -> Took {
    let start = Arc::new(Barrier::new(THREADS + 1));
    let threads = engines.map(|engine| {
        let start = Arc::clone(&start);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let runtime = runtime.expect("a runtime");
            runtime.block_on(runs(&engine, 1_000));
            start.wait();
            let before = processor_time();
            runtime.block_on(runs(&engine, RUNS));
            processor_time().saturating_sub(before)
        })
    });
    start.wait();
    let began = Instant::now();
    let processors = threads.map(|thread| thread.join().expect("no panic"));
    Took { processors: processors.into_iter().sum(), clock: began.elapsed() }
}

async fn runs(engine: &Engine, many: u32) {
    let request = request(StorageKey::from_bytes([7; 32]));
    for _ in 0..many {
        let Ok(Admission::Run(run)) = engine.begin(&request).await else { panic!("it is new") };
        run.complete(Outcome::Value(Bytes::from_static(b"done")), Duration::from_hours(1)).await;
    }
}

/// The processor time of this thread, which Linux reports in nanoseconds.
fn processor_time() -> Duration {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    let nanos = told.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.expect("a number"))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let rounds: Vec<(Took, Took)> = (0..ROUNDS)
        .map(|_| {
            let apart = measured([started(), started()]);
            let one = started();
            (apart, measured([one.clone(), one]))
        })
        .collect();
    let each = |took: Duration| took.as_secs_f64() * 1e9 / f64::from(ALL_RUNS);
    let ratio = |of: fn(&Took) -> Duration| {
        median(rounds.iter().map(|(apart, one)| of(apart).div_duration_f64(of(one))).collect())
    };
    let processors = |of: fn(&(Took, Took)) -> Duration| {
        median(rounds.iter().map(|round| each(of(round))).collect())
    };
    println!("| | engines apart, ns per run | one engine | ratio |");
    println!("| --- | ---: | ---: | ---: |");
    println!(
        "| processors | {:.0} | {:.0} | {:.2} |",
        processors(|round| round.0.processors),
        processors(|round| round.1.processors),
        ratio(|took| took.processors),
    );
    println!("| clock | | | {:.2} |", ratio(|took| took.clock));
}

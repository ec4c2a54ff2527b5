//! The cost of records in memory, and whether it grows with their number. It is compared with a plain hash map
//! behind a mutex, whose lookups miss the processor's caches, too.
//!
//! `cargo bench -p benches --bench memory`
//!
//! Both sides take turns of a few hundred operations, with the same number of records, and are built again before
//! this number has grown by a quarter.

use benches::{BODY, TTL, engine, key, median, replay, run};
use bytes::Bytes;
use idempotent_runtime::MemoryStore;
use idempotent_runtime::engine::Engine;
use idempotent_runtime::key::StorageKey;
use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The bytes of a stored response: its body, and a header.
const STORED: usize = BODY + "content-type".len() + "application/json".len();

/// The numbers of records for which the costs are measured.
const STEPS: [u32; 4] = [1_000, 10_000, 100_000, 1_000_000];

/// The number of rounds. It is odd, so that there is a median.
const ROUNDS: usize = 201;

/// Operations of a turn.
const TURN: u32 = 250;

/// A map that keeps the same as a store: a value and its end.
type Plain = Mutex<HashMap<StorageKey, (Bytes, Instant)>>;

/// Both sides, with the same number of records.
struct Both {
    engine: Engine,
    plain: Plain,
    records: u64,
}

/// Medians of nanoseconds for each operation.
#[derive(Clone, Copy)]
struct Costs {
    run: f64,
    plain_run: f64,
    replay: f64,
    plain_replay: f64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!(
        "| records | run, ns | × 1 000 | hash map, ns | × 1 000 | replay, ns | × 1 000 | hash map, ns | × 1 000 | bytes |"
    );
    println!("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
    // This comes first: later the allocator holds memory that was freed.
    let memory = grown().await;
    let mut few = None;
    for (records, memory) in STEPS.into_iter().zip(memory) {
        let costs = measured(records).await;
        let few = *few.get_or_insert(costs);
        let told =
            |cost: fn(Costs) -> f64| format!("{:.0} | {:.2}", cost(costs), cost(costs) / cost(few));
        println!(
            "| {records} | {} | {} | {} | {} | {} |",
            told(|costs| costs.run),
            told(|costs| costs.plain_run),
            told(|costs| costs.replay),
            told(|costs| costs.plain_replay),
            memory,
        );
    }
}

/// The bytes that each record takes in addition to its response, while a store grows.
async fn grown() -> Vec<usize> {
    let engine = engine(Arc::new(MemoryStore::new()));
    let (mut done, mut before, mut each) = (0, 0, Vec::new());
    for records in STEPS {
        while done < records {
            run(&engine, key(done.into())).await;
            done += 1;
            if done == 1 {
                // The first store also needs memory that is allocated once: for a thread, and for code.
                before = resident();
            }
        }
        each.push(((resident() - before) / (records as usize - 1)).saturating_sub(STORED));
    }
    each
}

/// The costs with this number of records.
async fn measured(records: u32) -> Costs {
    let mut both = Both::with(records.into()).await;
    let mut rounds: [Vec<f64>; 4] = Default::default();
    for _ in 0..ROUNDS {
        if both.records + u64::from(TURN) > u64::from(records) * 5 / 4 {
            both = Both::with(records.into()).await;
        }
        let new: Vec<_> = (both.records..).take(TURN as usize).map(key).collect();
        let there: Vec<_> = new.iter().map(|_| key(rand::random_range(0..both.records))).collect();
        let start = Instant::now();
        for key in &new {
            run(&both.engine, *key).await;
        }
        let ran = start.elapsed();
        let start = Instant::now();
        for key in &new {
            plain_run(&both.plain, *key);
        }
        let ran_plain = start.elapsed();
        let start = Instant::now();
        for key in &there {
            replay(&both.engine, *key).await;
        }
        let replayed = start.elapsed();
        let start = Instant::now();
        for key in &there {
            assert_eq!(plain_replay(&both.plain, *key).len(), STORED);
        }
        let replayed_plain = start.elapsed();
        both.records += u64::from(TURN);
        for (all, took) in rounds.iter_mut().zip([ran, ran_plain, replayed, replayed_plain]) {
            all.push(each(took));
        }
    }
    let [run, plain_run, replay, plain_replay] = rounds.map(median);
    Costs { run, plain_run, replay, plain_replay }
}

impl Both {
    async fn with(records: u64) -> Self {
        let engine = engine(Arc::new(MemoryStore::new()));
        let plain = Plain::default();
        for number in 0..records {
            run(&engine, key(number)).await;
            plain_run(&plain, key(number));
        }
        Self { engine, plain, records }
    }
}

/// The least that a claim and a completion do: put a value where none is, and exchange it.
fn plain_run(plain: &Plain, key: StorageKey) {
    let now = Instant::now();
    let claim = Bytes::from(vec![b'c'; 64]);
    let there = plain.lock().expect("no panic").insert(key, (claim.clone(), now + TTL));
    assert!(there.is_none(), "{key} is new");
    let mut plain = plain.lock().expect("no panic");
    let there = plain.get_mut(&key).filter(|(there, ends)| *there == claim && *ends > now);
    *there.expect("it is ours") = (Bytes::from(vec![b'x'; STORED]), now + TTL);
}

/// The least that a replay does: it reads the bytes of a value that lives.
fn plain_replay(plain: &Plain, key: StorageKey) -> Bytes {
    let (value, ends) = plain.lock().expect("no panic")[&key].clone();
    assert!(ends > Instant::now());
    black_box(value.iter().fold(0_u8, |all, byte| all ^ byte));
    value
}

/// Nanoseconds for each operation of a turn.
fn each(took: Duration) -> f64 {
    took.as_secs_f64() * 1e9 / f64::from(TURN)
}

/// The resident memory of this process, in bytes.
fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok());
    pages.expect("a number") * 4096
}

//! The measurement: every target in turn, round after round, and a table of the medians.

use crate::load::{Keys, Load};
use crate::process::{Process, hold_here};
use crate::target::{Place, Target};
use std::time::Duration;
use tokio::runtime::Builder;

const CONNECTIONS: usize = 64;
const TURN: Duration = Duration::from_millis(500);
/// The time before each turn that does not count: after the others' turns a server's caches are cold.
const WARM_UP: Duration = Duration::from_millis(200);
const CASES: [(Keys, &str); 3] =
    [(Keys::New, "new"), (Keys::Repeated, "replay"), (Keys::Mixed, "mix")];

/// The range of numbers for one target's new keys, because two targets of this project share the names of records.
const KEYS_OF_ONE: usize = 10_000_000_000;

/// The row by which all others are divided.
const FLOOR: &str = "by hand: SET NX GET, then SET";

/// A turn of one target: its rate, and the time of server and Redis for each answer, in microseconds.
#[derive(Clone, Copy)]
struct Turn {
    rate: f64,
    server: f64,
    redis: f64,
}

/// A target at work.
struct Running {
    target: &'static Target,
    server: Process,
    load: Load,
    /// The number of the next new key.
    next: u64,
    /// The turns of each case.
    turns: [Vec<Turn>; CASES.len()],
    bytes_per_key: Option<u64>,
}

/// Measures the floor and the targets whose names begin with these words, or all targets, and prints the table.
pub(crate) fn measure(rounds: usize, redis: &str, names: &[&str]) {
    let is_wanted = |name: &str| {
        name == FLOOR || names.is_empty() || names.iter().any(|wanted| name.starts_with(wanted))
    };
    hold_here();
    let redis = Process::redis(redis);
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut all = Vec::new();
        for (first, target) in (0..).step_by(KEYS_OF_ONE).zip(&Target::ALL) {
            if !is_wanted(target.name) {
                continue;
            }
            match Running::start(target, first, &redis).await {
                Some(running) => all.push(running),
                None => println!("{} needs another Redis.\n", target.name),
            }
        }
        // A first round to warm up does not count.
        for round in 0..=rounds {
            for running in &mut all {
                for case in 0..CASES.len() {
                    let turn = running.turn(case, &redis).await;
                    if round > 0 {
                        running.turns[case].push(turn);
                    }
                }
            }
        }
        print(&all);
    });
}

impl Running {
    async fn start(target: &'static Target, first: u64, redis: &Process) -> Option<Self> {
        let server = Process::serve(target.name, redis);
        let mut load = Load {
            address: server.address,
            connections: CONNECTIONS,
            replay_header: target.replay_header,
            cookie: None,
            // The load of the others shares its core with Redis.
            never_sleeps: target.place != Place::Redis,
        };
        if target.needs_session {
            load.begin_session().await?;
        }
        load.use_keys().await;
        let turns = [const { Vec::new() }; CASES.len()];
        Some(Self { target, server, load, next: first, turns, bytes_per_key: None })
    }

    async fn turn(&mut self, case: usize, redis: &Process) -> Turn {
        let keys = CASES[case].0;
        let held = || match self.target.place {
            Place::Nowhere => 0,
            Place::Memory => self.server.memory(),
            Place::Redis => redis.memory(),
        };
        self.load.run(keys, self.next, WARM_UP).await;
        self.next += 1_000_000;
        let (server, store, memory) = (self.server.cpu(), redis.cpu(), held());
        let answered = self.load.run(keys, self.next, TURN).await;
        let [server, store] = [self.server.cpu() - server, redis.cpu() - store];
        if keys == Keys::New && self.target.place != Place::Nowhere {
            self.bytes_per_key = Some(held().saturating_sub(memory) / answered);
        }
        // Slower connections have used fewer of their numbers; no number is used twice.
        self.next += 1_000_000;
        let each = |spent: u64| spent as f64 / 1000.0 / answered as f64;
        let rate = answered as f64 / TURN.as_secs_f64();
        Turn { rate, server: each(server), redis: each(store) }
    }

    fn median(&self, case: usize, of: impl Fn(&Turn) -> f64) -> f64 {
        median(self.turns[case].iter().map(of).collect())
    }

    /// The median of the ratios of rates, turn by turn.
    fn against(&self, floor: &Self, case: usize) -> f64 {
        let turns = self.turns[case].iter().zip(&floor.turns[case]);
        median(turns.map(|(ours, floor)| ours.rate / floor.rate).collect())
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn print(all: &[Running]) {
    let floor = all.iter().find(|running| running.target.name == FLOOR).expect("the floor");
    let rate = |case| floor.median(case, |turn| turn.rate);
    println!(
        "The floor answers {:.0} new, {:.0} repeated, {:.0} mixed a second.\n",
        rate(0),
        rate(1),
        rate(2)
    );
    println!(
        "| target | new × floor | replay × floor | mix × floor | server µs, new / replay | Redis µs, new / replay | bytes a key |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    for running in all {
        let [new, replay, mix] = [0, 1, 2].map(|case| running.against(floor, case));
        let [server_new, server_replay] =
            [0, 1].map(|case| running.median(case, |turn| turn.server));
        let [redis_new, redis_replay] = [0, 1].map(|case| running.median(case, |turn| turn.redis));
        let bytes = running.bytes_per_key.map_or("–".to_owned(), |bytes| bytes.to_string());
        println!(
            "| {} | {new:.2} | {replay:.2} | {mix:.2} | {server_new:.1} / {server_replay:.1} | \
             {redis_new:.1} / {redis_replay:.1} | {bytes} |",
            running.target.name,
        );
    }
}

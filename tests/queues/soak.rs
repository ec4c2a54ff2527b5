//! Consumers run in processes of their own, while messages come twice, always fail or kill their process, consumers
//! are killed, the broker restarts, connections are cut or stand still, and another system is down. At the end every
//! message is checked: it had one effect, or is rightly a dead letter, and none is lost.
//!
//! `SOAK=10m cargo test -p tests --test queues soak -- --nocapture` takes ten minutes and prints a row for a queue.

use crate::killed_consumers::{Effects, Process};
use crate::queue_under_test::QueueUnderTest;
use crate::rabbitmq_queue::Queue;
use crate::redis_stream::Stream;
use futures_util::future::join_all;
use rand::random_range;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tests::{Proxy, eventually, soak_length};
use tokio::time::sleep;

/// One thing that goes wrong.
#[derive(Clone, Copy, Debug)]
enum Incident {
    /// A consumer is killed.
    Crash,
    /// The broker restarts.
    Restart,
    /// Connections are cut.
    Blip,
    /// The network stands still.
    Freeze,
    /// Another system is down.
    Outage,
    /// A message kills each process that takes it.
    Killer,
}

const INCIDENTS: [Incident; 8] = [
    Incident::Crash,
    Incident::Restart,
    Incident::Blip,
    Incident::Outage,
    Incident::Crash,
    Incident::Freeze,
    Incident::Blip,
    Incident::Killer,
];

/// The number of messages that may wait: more are published only when some are done.
const BACKLOG: i64 = 100;

/// If no message ends for this long, the rest counts as lost. Messages whose process died run one at a time.
const PATIENCE: Duration = Duration::from_mins(1);

/// The numbers of a soak.
#[derive(Default)]
struct Tally {
    published: usize,
    incidents: BTreeMap<String, usize>,
    deaths: usize,
}

struct Soak<P> {
    kind: &'static str,
    queue: P,
    network: Proxy,
    arguments: [String; 3],
    effects: Effects,
    processes: Vec<Process>,
    /// The messages that must have one effect, and those that always fail.
    good: BTreeSet<String>,
    bad: BTreeSet<String>,
    dead: Vec<(String, String)>,
    tally: Tally,
}

impl<P: QueueUnderTest> Soak<P> {
    async fn begin(kind: &'static str) -> Self {
        let (queue, effects) = (P::of_its_own().await, Effects::new().await);
        let (network, url) = queue.network().await;
        let mut arguments = queue.arguments();
        arguments[0] = url;
        let (processes, dead, tally) = (Vec::new(), Vec::new(), Tally::default());
        let (good, bad) = (BTreeSet::new(), BTreeSet::new());
        let mut soak =
            Self { kind, queue, network, arguments, effects, processes, good, bad, dead, tally };
        soak.processes = vec![soak.start(), soak.start()];
        soak
    }

    fn start(&self) -> Process {
        Process::start_at(self.kind, &self.arguments, self.effects.file(), Some("soaks"))
    }

    /// Starts consumers again that a message killed. They do not end in any other way.
    fn look_after_processes(&mut self) {
        for at in 0..self.processes.len() {
            if let Some(status) = self.processes[at].ended() {
                assert_eq!(status.signal(), Some(6), "{}: a consumer ended: {status}", self.kind);
                self.processes[at] = self.start();
                self.tally.deaths += 1;
            }
        }
    }

    /// Publishes new messages, and some earlier ones again.
    async fn publish(&mut self) {
        let done = self.effects.count().await;
        if i64::try_from(self.good.len()).expect("few") - done > BACKLOG {
            return;
        }
        let mut batch = Vec::new();
        for _ in 0..random_range(5..25) {
            let n = self.good.len() + self.bad.len();
            let (id, them) = if random_range(0..20) == 0 {
                (format!("cannot-{n}"), &mut self.bad)
            } else {
                (format!("books-{n}"), &mut self.good)
            };
            them.insert(id.clone());
            batch.push(id);
            if random_range(0..4) == 0 {
                let again = random_range(0..self.good.len().max(1));
                batch.extend(self.good.iter().nth(again).cloned());
            }
        }
        self.tally.published += batch.len();
        join_all(batch.iter().map(|id| self.queue.publish(id))).await;
    }

    async fn strike(&mut self, incident: Incident) {
        let a_while = Duration::from_millis(random_range(100..2_500));
        match incident {
            Incident::Crash => {
                let at = random_range(0..self.processes.len());
                self.processes[at] = self.start();
            }
            Incident::Restart => self.queue.restart_without_loss(&self.network).await,
            Incident::Blip => self.network.drop_connections(),
            Incident::Freeze => {
                self.network.freeze();
                sleep(a_while).await;
                self.network.pass();
            }
            Incident::Outage => {
                let down = self.down();
                std::fs::write(&down, "").expect("a file");
                self.publish().await;
                sleep(a_while).await;
                std::fs::remove_file(down).expect("it was there");
            }
            Incident::Killer => {
                // There is only one such message at a time: eleven processes die of it.
                let is_alive = |id: &&String| !self.dead.iter().any(|dead| dead.0 == **id);
                if self.bad.iter().filter(|id| id.starts_with("kills")).any(|id| is_alive(&id)) {
                    return;
                }
                let id = format!("kills-{}", self.good.len() + self.bad.len());
                self.queue.publish(&id).await;
                self.bad.insert(id);
                self.tally.published += 1;
            }
        }
        *self.tally.incidents.entry(format!("{incident:?}")).or_default() += 1;
    }

    fn down(&self) -> PathBuf {
        self.effects.file().with_extension("down")
    }

    /// The dead letters. They leave their queue when they are read, or stay there.
    async fn look_at_dead(&mut self) {
        self.dead.extend(self.queue.dead().await);
        self.dead.sort();
        self.dead.dedup();
    }

    /// The dead letters that could have run.
    fn could_run(&self) -> Vec<&(String, String)> {
        self.dead.iter().filter(|dead| !self.bad.contains(&dead.0)).collect()
    }

    async fn goes_on_until(&mut self, until: Instant) {
        let mut deck = Vec::new();
        while Instant::now() < until {
            self.publish().await;
            if deck.is_empty() {
                deck = INCIDENTS.to_vec();
            }
            let incident = deck.swap_remove(random_range(0..deck.len()));
            self.strike(incident).await;
            self.look_at_dead().await;
            self.look_after_processes();
            // So is the time between two: nothing is waited for.
            sleep(Duration::from_millis(random_range(10..400))).await;
        }
    }

    /// Waits until every message has ended, and returns those that have not.
    async fn settles(&mut self) {
        let (mut progress, mut last) = (Instant::now(), usize::MAX);
        loop {
            self.look_after_processes();
            self.look_at_dead().await;
            let effects: BTreeSet<_> = self.effects.of().await.into_iter().collect();
            let dead: BTreeSet<_> = self.dead.iter().map(|dead| dead.0.clone()).collect();
            let without: Vec<_> = self.good.difference(&effects).collect();
            let alive: Vec<_> = self.bad.difference(&dead).collect();
            if without.is_empty() && alive.is_empty() && self.queue.is_settled().await {
                return;
            }
            let (kind, left) = (self.kind, without.len() + alive.len());
            if left < last {
                (progress, last) = (Instant::now(), left);
            }
            let examples: Vec<_> = without.iter().take(20).collect();
            assert!(
                progress.elapsed() < PATIENCE,
                "{kind}: lost {}: {examples:?}, not dead: {alive:?}, dead: {:?}",
                without.len(),
                self.could_run()
            );
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Stops the consumers, so that others get the delivered messages, and checks every message.
    async fn ends(mut self) {
        self.settles().await;
        let settled = self.tally.deaths;
        self.processes.clear();
        self.processes = vec![self.start()];
        eventually("nothing is left", async || self.queue.is_settled().await.then_some(())).await;
        self.settles().await;
        let effects = self.effects.of().await;
        let once: Vec<_> = self.good.iter().cloned().collect();
        let twice: Vec<_> = effects.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{}: more than one effect: {twice:?}", self.kind);
        assert_eq!(effects, once, "{}", self.kind);
        let could_run = self.could_run();
        assert!(could_run.is_empty(), "{}: dead, and could run: {could_run:?}", self.kind);
        for (id, reason) in &self.dead {
            let why = if id.starts_with("kills") { "attempts: " } else { "permanent: " };
            assert!(reason.starts_with(why), "{id}: {reason}");
        }
        let Tally { published, incidents, .. } = &self.tally;
        let (kind, many, dead) = (self.kind, effects.len(), self.bad.len());
        println!("| {kind} | {published} | {many} | {dead} | {settled} | {incidents:?} |");
        assert!(many > 50 && incidents.len() >= 3, "{many} messages, {incidents:?}");
    }
}

async fn soak<P: QueueUnderTest>(kind: &'static str) {
    let mut soak = Soak::<P>::begin(kind).await;
    soak.goes_on_until(Instant::now() + soak_length()).await;
    soak.ends().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_on_a_stream() {
    soak::<Stream>("stream").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn soak_on_a_queue() {
    soak::<Queue>("queue").await;
}

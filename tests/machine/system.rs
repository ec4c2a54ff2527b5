//! Two processes on one store, which do the steps.

use crate::model::{Model, State};
use crate::place::Place;
use crate::step::{
    Fault, GIVEN_BACK, HOUR, KEEP, KEYS, Key, LEASE, MINUTE, PROCESSES, Request, Step, TOKEN, TTL,
    Told,
};
use idempotent_runtime::clock::ManualClock;
use idempotent_runtime::engine::{
    Admission, ClaimRequest, Completion, Engine, Execution, LeaseStatus, ReclaimWindow,
};
use idempotent_runtime::engine::{Claim, Claimable, IfForgotten};
use idempotent_runtime::engine::{DuplicateRules, Refusal};
use idempotent_runtime::key::{Fingerprint, Guard, StorageKey};
use idempotent_runtime::outcome::{Outcome, StoredResponse};
use idempotent_runtime::policy::{DefinitionId, OnInFlight};
use idempotent_runtime::store::record;
use idempotent_runtime::store::{Entry, Label};
use proptest_state_machine::StateMachineTest;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tests::Probe;
use tokio::runtime::Runtime;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

/// How long the engine waits for its store.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Processes<P>(PhantomData<P>);

/// The store and both processes.
pub(crate) struct System<P> {
    place: P,
    clock: Arc<ManualClock>,
    processes: Vec<Process>,
    runs: BTreeMap<usize, (usize, Execution)>,
}

/// The part of a process that its records depend on.
struct Process {
    store: Probe,
    engine: Engine,
}

impl Process {
    async fn start(place: &impl Place, clock: &Arc<ManualClock>) -> Self {
        let store = Probe::new(place.connect().await);
        let engine = Engine::new(Arc::new(store.clone()), clock.clone(), PATIENCE);
        Self { store, engine }
    }
}

fn minutes(many: u64) -> Duration {
    Duration::from_secs(60 * many)
}

fn storage_key(key: Key) -> StorageKey {
    let byte = match key {
        Key::One => 1,
        Key::Other => 2,
        Key::Token => 3,
        Key::Lock => 4,
    };
    StorageKey::from_bytes([byte; 32])
}

fn label() -> Label {
    Label::new(Guard::Handler, "op", "key")
}

fn ask(request: &Request) -> ClaimRequest {
    let claimable = match request.key {
        Key::One | Key::Other => Claimable::Any,
        Key::Token => Claimable::Issued,
        Key::Lock => Claimable::InOrder,
    };
    let (lease, retention) = (minutes(LEASE), minutes(KEEP));
    let fingerprint = Fingerprint::from_bytes([request.content; 16]);
    ClaimRequest {
        claim: Claim {
            key: storage_key(request.key),
            label: label(),
            definition: DefinitionId::NONE,
            fingerprint,
            claimable,
            lease,
            retention,
            if_forgotten: match request.key {
                Key::Lock => IfForgotten::Lost,
                _ => IfForgotten::PutAgain,
            },
        },
        rules: DuplicateRules {
            on_duplicate: request.on_duplicate,
            on_in_flight: OnInFlight::Reject,
            on_abandoned: request.on_abandoned,
        },
        wait: Duration::ZERO,
        reclaim: ReclaimWindow::For(minutes(GIVEN_BACK)),
    }
}

/// The outcome of a run. No other run has these bytes.
fn response(run: usize) -> StoredResponse {
    let body = format!("what run {run} answered").into();
    let headers = vec![("link".into(), "</it>".into())];
    StoredResponse { status: 201, headers, body, is_cut: false }
}

impl<P: Place> System<P> {
    async fn open() -> Self {
        let clock = Arc::new(ManualClock::new());
        let place = P::open(&clock).await;
        let mut processes = Vec::new();
        for _ in 0..PROCESSES {
            processes.push(Process::start(&place, &clock).await);
        }
        Self { place, clock, processes, runs: BTreeMap::new() }
    }

    /// Lets one of the next operations of this process be lost.
    fn expect(&self, process: usize, fault: Fault) {
        if let Some((what, after)) = fault {
            self.processes[process].store.lose(what, after);
        }
    }

    /// Takes a run, to end it with this fault.
    fn end(&mut self, run: usize, fault: Fault) -> Execution {
        let (process, execution) = self.runs.remove(&run).expect("it goes on");
        self.expect(process, fault);
        execution
    }

    /// Waits for endings that Tokio tasks repeat.
    async fn settled(&self, process: usize) {
        let of_this = self.runs.values().filter(|(of, _)| *of == process).count();
        let engine = &self.processes[process].engine;
        tests::eventually("the key is given back", async || {
            (engine.under_way() == of_this).then_some(())
        })
        .await;
    }

    async fn take(&mut self, step: Step, told: &Told) -> Told {
        match step {
            Step::Begin(request, fault) => self.begin(&request, fault, told).await,
            Step::Complete(run, fault) => {
                let outcome = Outcome::Response(response(run));
                stored(self.end(run, fault).complete(outcome, minutes(TTL)).await)
            }
            Step::Bury(run, fault) => {
                stored(self.end(run, fault).complete(Outcome::Tombstone, minutes(TTL)).await)
            }
            Step::Release(run, fault) => {
                let process = self.runs[&run].0;
                self.end(run, fault).release().await;
                self.settled(process).await;
                Told::Nothing
            }
            Step::Abandon(run, fault) => {
                let process = self.runs[&run].0;
                self.end(run, fault).abandon().await;
                self.settled(process).await;
                Told::Nothing
            }
            Step::Renew(run, fault) => {
                let (process, execution) = &self.runs[&run];
                self.expect(*process, fault);
                match execution.renew().await {
                    Ok(hold) => Told::Held(hold == LeaseStatus::Held),
                    Err(_) => Told::Unanswered,
                }
            }
            Step::Issue(key, fault) => {
                self.expect(0, fault);
                let (key, label) = (storage_key(key), label());
                let issued = self.processes[0].engine.issue(&key, &label, minutes(TOKEN));
                issued.await.map_or(Told::Unanswered, |()| Told::Issued)
            }
            Step::Die(run) => {
                self.runs.remove(&run);
                Told::Nothing
            }
            Step::Restart(process) => {
                self.runs.retain(|_, (of, _)| *of != process);
                self.processes[process] = Process::start(&self.place, &self.clock).await;
                Told::Nothing
            }
            Step::Purge(process) => {
                self.processes[process].engine.store().purge(2).await.expect("the store answers");
                Told::Nothing
            }
            Step::Pass(hours) => {
                let time = minutes(hours * HOUR + 1);
                self.clock.advance(time);
                self.place.pass(time).await;
                Told::Nothing
            }
        }
    }

    async fn begin(&mut self, request: &Request, fault: Fault, told: &Told) -> Told {
        self.expect(request.process, fault);
        let begun = self.processes[request.process].engine.begin(&ask(request)).await;
        match begun.expect("a claim whose answer is lost is settled") {
            Admission::Run(execution) => {
                let attempt = execution.attempt();
                // The model gives runs their numbers; whether this run should exist is compared later.
                let run = if let Told::Ran { run, .. } = told { *run } else { usize::MAX };
                self.runs.insert(run, (request.process, execution));
                Told::Ran { run, attempt }
            }
            Admission::Replay(stored) => match told {
                Told::Replayed { run } if *stored == Outcome::Response(response(*run)) => {
                    Told::Replayed { run: *run }
                }
                _ => panic!("replayed {stored:?} instead of {told:?}"),
            },
            Admission::Refused(refusal) => match refusal {
                Refusal::KeyReused => Told::KeyReused,
                Refusal::InProgress { retry_after } if retry_after < MINUTE => Told::InLine,
                // A lease ends within the minute that the model says.
                Refusal::InProgress { retry_after } => Told::InProgress(rounded(retry_after)),
                Refusal::Duplicate => Told::Duplicate,
                Refusal::TokenInvalid => Told::TokenInvalid,
                Refusal::OutcomeUnknown => Told::OutcomeUnknown,
                Refusal::NotReplayable => Told::NotReplayable,
                other => panic!("refused: {other:?}"),
            },
        }
    }

    /// Checks that every record is as the model says, byte by byte and to the minute.
    async fn compare(&self, model: &Model) {
        for key in KEYS {
            let found = self.processes[0].engine.store().read(&storage_key(key)).await;
            let found = found.expect("the store answers");
            let expected = model.entry(key);
            let (Some(Entry { value, left, .. }), Some((record, minutes_left))) =
                (&found, expected)
            else {
                assert!(
                    found.is_none() && expected.is_none(),
                    "{key:?}: {found:?}, not {expected:?}"
                );
                continue;
            };
            let read = record::Record::decode(&storage_key(key), value).expect("a record");
            assert_eq!((read.attempt, rounded(*left)), (record.attempt, minutes_left), "{key:?}");
            assert_eq!(read.fingerprint, Fingerprint::from_bytes([record.content; 16]), "{key:?}");
            let same = match (&read.state, record.state) {
                (record::State::Issued, State::Issued)
                | (record::State::InProgress { .. }, State::InProgress { .. })
                | (record::State::Completed(Outcome::Tombstone), State::Tombstone { .. }) => true,
                (record::State::Completed(Outcome::Response(stored)), State::Response { run }) => {
                    *stored == response(run)
                }
                _ => false,
            };
            assert!(same, "{key:?}: {read:?}, not {record:?}");
        }
    }
}

fn stored(stored: Completion) -> Told {
    Told::Stored(stored == Completion::Yes)
}

/// The rest of a life, in minutes that have begun: real time passes, too.
fn rounded(left: Duration) -> u64 {
    left.as_secs().div_ceil(60)
}

impl<P: Place> StateMachineTest for Processes<P> {
    type SystemUnderTest = System<P>;
    type Reference = Model;

    fn init_test(_: &Model) -> System<P> {
        RUNTIME.block_on(System::open())
    }

    fn apply(mut system: System<P>, model: &Model, step: Step) -> System<P> {
        RUNTIME.block_on(async {
            let told = system.take(step, &model.told).await;
            assert_eq!(told, model.told);
            for process in &system.processes {
                process.store.lose_nothing();
            }
        });
        system
    }

    fn check_invariants(system: &System<P>, model: &Model) {
        RUNTIME.block_on(system.compare(model));
    }
}

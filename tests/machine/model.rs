//! The model: the whole protocol in few lines.

use crate::step::{
    Fault, GIVEN_BACK, HOUR, KEEP, KEYS, Key, LEASE, PROCESSES, Request, Step, TOKEN, TTL, Told,
};
use idempotent_runtime::clock::{Clock, ManualClock};
use idempotent_runtime::policy::{OnAbandoned, OnDuplicate};
use idempotent_runtime::testing::LostPart;
use proptest::prelude::*;
use proptest::sample::select;
use proptest_state_machine::ReferenceStateMachine;
use std::collections::BTreeMap;

/// The state of the model. Times are in minutes.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    now: u64,
    records: BTreeMap<Key, Record>,
    /// The runs that have not ended, even if the key is not theirs any more.
    runs: BTreeMap<usize, Run>,
    granted: usize,
    /// The answer to the caller of the last step.
    pub(crate) told: Told,
}

/// A record, and the time of its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) attempt: u64,
    pub(crate) content: u8,
    pub(crate) state: State,
    ends: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Issued,
    InProgress {
        run: usize,
        lease_ends: u64,
    },
    Response {
        run: usize,
    },
    /// The minute in which its run claimed the key tells it from those of other runs.
    Tombstone {
        claimed: u64,
    },
}

#[derive(Clone, Copy, Debug)]
struct Run {
    process: usize,
    key: Key,
    attempt: u64,
    content: u8,
    /// The minute in which it claimed its key.
    claimed: u64,
    /// The answer to its last renewal was lost, so it asks twice: for its record, and then for a longer lease.
    unsure: bool,
}

impl Model {
    /// The state before any step.
    pub(crate) fn new() -> Self {
        let (records, runs) = (BTreeMap::new(), BTreeMap::new());
        Self { now: 0, records, runs, granted: 0, told: Told::Nothing }
    }

    /// The living record under a key, and for how many minutes it still lives.
    pub(crate) fn entry(&self, key: Key) -> Option<(Record, u64)> {
        let record = self.records.get(&key).filter(|record| record.ends > self.now)?;
        Some((*record, record.ends - self.now))
    }

    fn put(&mut self, key: Key, attempt: u64, content: u8, state: State, life: u64) {
        let ends = self.now + life;
        self.records.insert(key, Record { attempt, content, state, ends });
    }

    fn begin(&mut self, request: Request) -> Told {
        let Request { process, key, content, .. } = request;
        // The first in a process's line stays first until its run ends.
        let ahead = |run: &Run| (run.process, run.key) == (process, key);
        if key == Key::Lock && self.runs.values().any(ahead) {
            return Told::InLine;
        }
        let Some((record, _)) = self.entry(key) else {
            return match key {
                Key::Token => Told::TokenInvalid,
                Key::Lock => self.grant(request, self.first_of_a_lock()),
                Key::One | Key::Other => self.grant(request, 1),
            };
        };
        let stranger = record.content != content;
        match record.state {
            State::Issued => self.grant(request, record.attempt + 1),
            _ if stranger => Told::KeyReused,
            State::InProgress { lease_ends, .. } if lease_ends > self.now => {
                Told::InProgress(lease_ends - self.now)
            }
            State::InProgress { .. } => match request.on_abandoned {
                OnAbandoned::Hold => Told::OutcomeUnknown,
                _ => self.grant(request, record.attempt + 1),
            },
            State::Response { .. } | State::Tombstone { .. }
                if request.on_duplicate == OnDuplicate::Reject =>
            {
                Told::Duplicate
            }
            State::Response { run } => Told::Replayed { run },
            State::Tombstone { .. } => Told::NotReplayable,
        }
    }

    fn first_of_a_lock(&self) -> u64 {
        let wall = ManualClock::new().wall().as_millis() + u128::from(self.now) * 60_000;
        u64::try_from(wall).expect("some centuries are left")
    }

    fn grant(&mut self, request: Request, attempt: u64) -> Told {
        let Request { process, key, content, .. } = request;
        let run = self.granted;
        self.granted += 1;
        self.runs
            .insert(run, Run { process, key, attempt, content, claimed: self.now, unsure: false });
        self.hold(run, LEASE);
        Told::Ran { run, attempt }
    }

    /// The minutes for which the run still has its key.
    fn hold(&mut self, run: usize, lease: u64) {
        let Run { key, attempt, content, .. } = self.runs[&run];
        let state = State::InProgress { run, lease_ends: self.now + lease };
        self.put(key, attempt, content, state, lease + KEEP);
    }

    /// Whether the key is still this run's: its lease may be over, but no other run took it.
    fn owns(&self, run: usize) -> bool {
        self.entry(self.runs[&run].key).is_some_and(|(record, _)| {
            matches!(record.state, State::InProgress { run: owner, .. } if owner == run)
        })
    }

    /// Whether an operation of a run is not done.
    fn fails(&self, run: usize, fault: Fault) -> bool {
        loses_request(fault) || loses_answer(fault) && self.runs[&run].unsure
    }

    fn run(&mut self, run: usize) -> &mut Run {
        self.runs.get_mut(&run).expect("it goes on")
    }

    /// Whether a run stores its end: the key is its own, or there is no record and no other run can have the key.
    fn may_end(&self, run: usize) -> bool {
        let key = self.runs[&run].key;
        self.owns(run) || key != Key::Lock && self.entry(key).is_none()
    }

    /// Ends a run, and stores this if it may.
    fn end(&mut self, run: usize, state: State, life: u64) -> bool {
        let owns = self.may_end(run);
        let Run { key, attempt, content, .. } = self.runs.remove(&run).expect("it goes on");
        if owns {
            self.put(key, attempt, content, state, life);
        }
        owns
    }

    fn take(&mut self, step: &Step) -> Told {
        match *step {
            // If something is lost, an owner asks again until it knows (S9).
            Step::Begin(request, _) => self.begin(request),
            Step::Complete(run, _) => Told::Stored(self.end(run, State::Response { run }, TTL)),
            // A run that finds the same bytes takes them for its own: two tombstones of the same minute are equal.
            Step::Bury(run, _) => {
                let Run { key, attempt, content, claimed, .. } = self.runs[&run];
                let tombstone = State::Tombstone { claimed };
                let owns = self.end(run, tombstone, TTL);
                let alike = self.entry(key).is_some_and(|(there, _)| {
                    let Record { attempt: a, content: c, state, .. } = there;
                    (a, c, state) == (attempt, content, tombstone)
                });
                Told::Stored(owns || alike)
            }
            Step::Release(run, _) => {
                self.end(run, State::Issued, GIVEN_BACK);
                Told::Nothing
            }
            Step::Abandon(run, _) => {
                self.end(run, State::InProgress { run, lease_ends: self.now }, KEEP);
                Told::Nothing
            }
            Step::Renew(run, fault) if self.fails(run, fault) => Told::Unanswered,
            Step::Renew(run, fault) => {
                let owns = self.owns(run);
                if owns {
                    self.hold(run, LEASE);
                    self.run(run).unsure = loses_answer(fault);
                }
                heard(fault, Told::Held(owns))
            }
            Step::Issue(_, fault) if loses_request(fault) => Told::Unanswered,
            Step::Issue(key, fault) => {
                if self.entry(key).is_none() {
                    self.put(key, 0, 0, State::Issued, TOKEN);
                }
                heard(fault, Told::Issued)
            }
            Step::Die(run) => {
                self.runs.remove(&run);
                Told::Nothing
            }
            Step::Restart(process) => {
                self.runs.retain(|_, run| run.process != process);
                Told::Nothing
            }
            Step::Purge(_) => Told::Nothing,
            Step::Pass(hours) => {
                self.now += hours * HOUR + 1;
                Told::Nothing
            }
        }
    }
}

/// Whether the first operation of a step is lost before it is done.
fn loses_request(fault: Fault) -> bool {
    fault == Some((LostPart::Request, 0))
}

/// Whether the answer to the caller is lost.
fn loses_answer(fault: Fault) -> bool {
    fault == Some((LostPart::Answer, 0))
}

fn heard(fault: Fault, told: Told) -> Told {
    if loses_answer(fault) { Told::Unanswered } else { told }
}

fn fault(longest: usize) -> BoxedStrategy<Fault> {
    let loss = (select(&[LostPart::Request, LostPart::Answer][..]), 0..=longest);
    prop_oneof![6 => Just(None), 1 => loss.prop_map(Some)].boxed()
}

fn request() -> impl Strategy<Value = Request> {
    let duplicates = select(&[OnDuplicate::Replay, OnDuplicate::Replay, OnDuplicate::Reject][..]);
    let abandoned = select(&[OnAbandoned::Retry, OnAbandoned::Retry, OnAbandoned::Hold][..]);
    let content = prop_oneof![5 => Just(1_u8), 1 => Just(2)];
    let parts = (0..PROCESSES, select(&KEYS[..]), content, duplicates, abandoned);
    parts.prop_map(|(process, key, content, on_duplicate, on_abandoned)| match key {
        Key::Lock => {
            let (on_duplicate, on_abandoned) = (OnDuplicate::Reject, OnAbandoned::Retry);
            Request { process, key, content: 0, on_duplicate, on_abandoned }
        }
        _ => Request { process, key, content, on_duplicate, on_abandoned },
    })
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        Just(Self::new()).boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Step> {
        let hours =
            prop_oneof![3 => Just(0), 3 => Just(1), 1 => Just(2), 1 => Just(5), 1 => Just(7)];
        let always = prop_oneof![
            10 => (request(), fault(3)).prop_map(|(request, fault)| Step::Begin(request, fault)),
            2 => fault(0).prop_map(|fault| Step::Issue(Key::Token, fault)),
            4 => hours.prop_map(Step::Pass),
            1 => (0..PROCESSES).prop_map(Step::Restart),
            1 => (0..PROCESSES).prop_map(Step::Purge),
        ];
        if model.runs.is_empty() {
            return always.boxed();
        }
        let runs: Vec<_> = model.runs.keys().copied().collect();
        let of_a_run = (select(runs), fault(0), 0..8).prop_map(|(run, fault, which)| match which {
            0 | 1 => Step::Complete(run, fault),
            2 => Step::Bury(run, fault),
            3 => Step::Release(run, fault),
            4 => Step::Abandon(run, fault),
            5 | 6 => Step::Renew(run, fault),
            _ => Step::Die(run),
        });
        prop_oneof![3 => always, 2 => of_a_run].boxed()
    }

    fn preconditions(model: &Self, step: &Step) -> bool {
        match step {
            // A lock stores no outcome.
            Step::Complete(run, _) | Step::Bury(run, _) => {
                model.runs.get(run).is_some_and(|run| run.key != Key::Lock)
            }
            Step::Release(run, _)
            | Step::Abandon(run, _)
            | Step::Renew(run, _)
            | Step::Die(run) => model.runs.contains_key(run),
            _ => true,
        }
    }

    fn apply(mut model: Self, step: &Step) -> Self {
        model.told = model.take(step);
        model
    }
}

//! Crashes and lost answers at each step: the state they leave, and how the next process mends it.

use crate::clock::SystemClock;
use crate::engine::task::found_task::{MOST_DEATHS, TaskStage};
use crate::engine::task::input::{self, Input};
use crate::engine::task::limits::{TaskLimits, TaskScope};
use crate::engine::task::tasks::{Cancellation, Submission, Tasks};
use crate::engine::{
    Admission, Claim, ClaimRequest, Claimable, DuplicateRules, Engine, Force, Forgotten,
    IfForgotten, ReclaimWindow, Resolution, Resolved, inspect,
};
use crate::error::{StoreError, StoreErrorKind};
use crate::fingerprint::Fingerprint;
use crate::key::{Guard, Namespace, StorageKey};
use crate::message::Messages;
use crate::outcome::Outcome;
use crate::policy::{DefinitionId, OnAbandoned, OnDuplicate, OnInFlight};
use crate::store::{
    Changed, Entry, Finding, Label, MemoryStore, Page, PageRequest, Store, StoreFuture,
    StoreSettings, Swap,
};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

pub(super) const TTL: Duration = Duration::from_hours(1);

pub(super) fn key(number: u16) -> StorageKey {
    let [low, high] = number.to_le_bytes();
    let mut bytes = [7; 32];
    (bytes[0], bytes[1], bytes[2]) = (0, low, high);
    StorageKey::from_bytes(bytes)
}

pub(super) fn new_tasks() -> Tasks {
    Tasks::new(&Namespace::default(), TaskLimits { total: 512, of_scope: 256 })
}

pub(super) fn claim(key: StorageKey) -> Claim {
    Claim {
        key,
        label: Label::new(Guard::Task, "report", "id"),
        definition: DefinitionId::NONE,
        fingerprint: Fingerprint::from_bytes([1; 16]),
        claimable: Claimable::Issued,
        lease: Duration::from_mins(1),
        retention: TTL,
        if_forgotten: IfForgotten::PutAgain,
    }
}

pub(super) fn ask(key: StorageKey) -> ClaimRequest {
    let rules = DuplicateRules {
        on_duplicate: OnDuplicate::Reject,
        on_in_flight: OnInFlight::Reject,
        on_abandoned: OnAbandoned::Retry,
    };
    ClaimRequest {
        claim: claim(key),
        rules,
        wait: Duration::ZERO,
        reclaim: ReclaimWindow::For(TTL),
    }
}

pub(super) fn input() -> Input {
    Input {
        method: "POST".to_owned(),
        target: "/reports".to_owned(),
        scope: TaskScope::SHARED,
        headers: Vec::new(),
        on_abandoned: OnAbandoned::Retry,
        parameters: "number".to_owned(),
        arguments: vec![Bytes::from_static(b"1")],
    }
}

pub(super) fn engine(store: impl Store) -> Engine {
    Engine::new(Arc::new(store), Arc::new(SystemClock::new()), Duration::from_secs(2))
}

/// A store that carries out this many operations and no more, as if the process or its connection had died.
#[derive(Debug)]
struct Dying {
    store: MemoryStore,
    left: AtomicUsize,
    last: Last,
}

/// The fate of the operation that gets no answer.
#[derive(Clone, Copy, Debug)]
enum Last {
    Lost,
    Done,
}

impl Dying {
    fn step<'a, T: Send + 'a>(
        &'a self,
        work: impl FnOnce() -> StoreFuture<'a, T>,
    ) -> StoreFuture<'a, T> {
        let less = |left: usize| left.checked_sub(1);
        match self.left.try_update(Ordering::SeqCst, Ordering::SeqCst, less) {
            Ok(_) => work(),
            Err(left) => {
                if let (0, Last::Done) = (left, self.last) {
                    // In memory, the call alone does the work.
                    drop(work());
                }
                let dead = StoreError::new(StoreErrorKind::Unavailable, "create");
                StoreFuture::ready(Err(dead))
            }
        }
    }
}

impl Store for Dying {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        self.step(move || self.store.create(key, value, life))
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        self.step(move || self.store.swap(key, expected, value, life))
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        self.step(move || self.store.read(key))
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        self.step(move || self.store.purge(limit))
    }

    fn describe(&self) -> String {
        "dying".to_owned()
    }

    fn watch<'a>(&'a self, key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        self.store.watch(key)
    }

    fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        self.store.browse(request)
    }

    fn findings(&self) -> Vec<Finding> {
        self.store.findings()
    }

    fn adopt(&self, settings: &StoreSettings) {
        self.store.adopt(settings);
    }
}

/// S13: a task that is promised is stored as a whole, and one that is not promised is so after a retry.
#[tokio::test]
async fn a_crash_at_every_step_of_storing_leaves_what_a_retry_completes() {
    let mut died = 0;
    for (steps, last) in (0..9).flat_map(|steps| [(steps, Last::Lost), (steps, Last::Done)]) {
        let store = MemoryStore::new();
        let dying = Dying { store: store.clone(), left: AtomicUsize::new(steps), last };
        let first = new_tasks().submit(&engine(dying), &claim(key(1)), &input()).await;
        let (tasks, engine) = (new_tasks(), engine(store));
        let promised = first.is_ok();
        if !promised {
            died += 1;
            let retried = tasks.submit(&engine, &claim(key(1)), &input()).await.unwrap();
            let new = matches!((steps, last), (0, Last::Lost));
            assert_eq!(
                retried,
                if new { Submission::New } else { Submission::Known },
                "{steps} {last:?}"
            );
        }
        assert_eq!(tasks.index.all(&engine).await.unwrap(), [key(1)], "{steps}");
        let stage = tasks.find(&engine, &key(1)).await.unwrap().unwrap().stage;
        assert_eq!(stage, TaskStage::Waiting, "{steps}");
        let place = input::place(&key(1));
        let kept = Input::read(&engine, &place, Duration::ZERO).await.unwrap();
        assert_eq!(kept, Some(input()), "{steps}");
    }
    // Three operations: on the record, on the input, and on the index, which is created.
    assert_eq!(died, 2 * 3);
}

#[tokio::test]
async fn a_crash_at_every_step_of_tidying_up_is_made_up_for() {
    for (steps, last) in (0..8).flat_map(|steps| [(steps, Last::Lost), (steps, Last::Done)]) {
        let store = MemoryStore::new();
        let healthy = engine(store.clone());
        let tasks = new_tasks();
        tasks.submit(&healthy, &claim(key(1)), &input()).await.unwrap();
        let Admission::Run(run) = healthy.begin(&ask(key(1))).await.unwrap() else {
            panic!("free")
        };
        run.complete(Outcome::Tombstone, TTL).await;
        let dying = Dying { store, left: AtomicUsize::new(steps), last };
        new_tasks().finished(&engine(dying), &key(1)).await;
        // As a process does that finds the entry in the index.
        tasks.finished(&healthy, &key(1)).await;
        assert_eq!(tasks.index.all(&healthy).await.unwrap(), [], "{steps}");
        assert_eq!(tasks.find(&healthy, &key(1)).await.unwrap().unwrap().stage, TaskStage::Over);
    }
}

/// Forgetting it again goes on from there, and only then may a request become the task again.
#[tokio::test]
async fn a_crash_at_every_step_of_forgetting_leaves_a_cancelled_task() {
    let mut died = 0;
    for (steps, last) in (0..14).flat_map(|steps| [(steps, Last::Lost), (steps, Last::Done)]) {
        let store = MemoryStore::new();
        let (healthy, tasks) = (engine(store.clone()), new_tasks());
        tasks.submit(&healthy, &claim(key(1)), &input()).await.unwrap();
        let seen = inspect::record(&healthy, &key(1)).await.unwrap().expect("a record");
        let dying = engine(Dying { store, left: AtomicUsize::new(steps), last });
        let first = new_tasks().forget(&dying, &seen, Force::No).await;
        if first.is_err() {
            died += 1;
            let found = tasks.find(&healthy, &key(1)).await.unwrap().unwrap().stage;
            let before = matches!((steps, last), (0, _) | (1, Last::Lost));
            let after = found == TaskStage::Over || found == TaskStage::Forgotten;
            assert_eq!(before, !after, "{steps} {last:?} {found:?}");
            assert_eq!(found == TaskStage::Waiting, before, "{steps} {last:?} {found:?}");
        }
        let again = tasks.forget(&healthy, &seen, Force::No).await.unwrap();
        assert_eq!(again, Forgotten::Yes, "{steps} {last:?}");
        assert_eq!(tasks.index.all(&healthy).await.unwrap(), [], "{steps} {last:?}");
        let found = tasks.find(&healthy, &key(1)).await.unwrap().unwrap();
        assert_eq!(found.stage, TaskStage::Forgotten, "{steps} {last:?}");
        let input_left = healthy.core().read(&input::place(&key(1))).await.unwrap();
        assert!(input_left.is_none_or(|left| left.value.is_empty()), "{steps} {last:?}");

        let other = Claim { fingerprint: Fingerprint::from_bytes([2; 16]), ..claim(key(1)) };
        let anew = tasks.submit(&healthy, &other, &input()).await.unwrap();
        assert_eq!(anew, Submission::New, "{steps} {last:?}");
        let kept = Input::read(&healthy, &input::place(&key(1)), Duration::ZERO).await.unwrap();
        assert_eq!((kept, tasks.index.all(&healthy).await.unwrap()), (Some(input()), vec![key(1)]));
        let late = tasks.forget(&healthy, &seen, Force::Yes).await.unwrap();
        assert_eq!(late, Forgotten::Changed, "nobody saw this one");
    }
    assert!(died > 2 * 8, "{died}");
}

/// The next request begins a new task of the key, and the earlier run finds its key lost.
#[tokio::test]
async fn a_run_of_a_forgotten_task_leaves_the_next_alone() {
    let (tasks, engine) = (new_tasks(), engine(MemoryStore::new()));
    tasks.submit(&engine, &claim(key(1)), &input()).await.unwrap();
    let Admission::Run(late) = engine.begin(&ask(key(1))).await.unwrap() else { panic!("free") };
    let seen = inspect::record(&engine, &key(1)).await.unwrap().expect("a record");
    assert!(matches!(
        tasks.forget(&engine, &seen, Force::No).await.unwrap(),
        Forgotten::Running { .. }
    ));
    assert_eq!(tasks.forget(&engine, &seen, Force::Yes).await.unwrap(), Forgotten::Yes);
    assert_eq!(tasks.submit(&engine, &claim(key(1)), &input()).await.unwrap(), Submission::New);
    late.complete(Outcome::Tombstone, TTL).await;
    let Admission::Run(next) = engine.begin(&ask(key(1))).await.unwrap() else { panic!("free") };
    assert!(next.attempt() > 1);
    next.complete(Outcome::Tombstone, TTL).await;
}

#[tokio::test]
async fn cancelling_and_claiming_exclude_each_other() {
    let (tasks, engine) = (new_tasks(), engine(MemoryStore::new()));
    for number in 0..200 {
        let key = key(number);
        tasks.submit(&engine, &claim(key), &input()).await.unwrap();
        let ask = ask(key);
        let (off, begun) = tokio::join!(tasks.cancel(&engine, &key), engine.begin(&ask));
        let runs = matches!(begun.unwrap(), Admission::Run(_));
        let off = matches!(off.unwrap(), Cancellation::Done(_));
        assert!(runs != off, "{number}: {runs} {off}");
    }
}

/// Each one has an index of its own, as processes have.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_changes_of_the_index_at_once_lose_no_task() {
    let store = MemoryStore::new();
    let add = |process: u16| {
        let engine = engine(store.clone());
        tokio::spawn(async move {
            let tasks = new_tasks();
            for number in 0..40 {
                let key = key(process * 100 + number);
                while tasks.index.add(&engine, &key, TaskScope::SHARED, TTL).await.is_err() {}
                if number % 2 == 1 {
                    while tasks.index.remove(&engine, &key).await.is_err() {}
                }
            }
        })
    };
    join_all((0..4).map(add)).await.into_iter().for_each(|done| done.unwrap());
    let mut left = new_tasks().index.all(&engine(store)).await.unwrap();
    left.sort();
    let mut expected: Vec<_> = (0..4)
        .flat_map(|process| (0..40).step_by(2).map(move |n| key(process * 100 + n)))
        .collect();
    expected.sort();
    assert_eq!(left, expected);
}

#[tokio::test]
async fn a_full_index_takes_no_more_until_a_task_is_over() {
    let (tasks, engine) = (new_tasks(), engine(MemoryStore::new()));
    let put = async |number| tasks.submit(&engine, &claim(key(number)), &input()).await.unwrap();
    for number in 0..512 {
        assert_eq!(put(number).await, Submission::New);
    }
    assert_eq!(put(512).await, Submission::Full);
    // Nothing of the refused task was stored, and a task that is there is still found.
    assert!(tasks.find(&engine, &key(512)).await.unwrap().is_none());
    assert_eq!(put(7).await, Submission::Known);
    tasks.cancel(&engine, &key(7)).await.unwrap();
    assert_eq!(put(512).await, Submission::New);
}

#[tokio::test]
async fn a_task_whose_processes_die_is_held_in_the_end() {
    let (tasks, engine) = (new_tasks(), engine(MemoryStore::new()));
    tasks.submit(&engine, &claim(key(1)), &input()).await.unwrap();
    for death in 1..=MOST_DEATHS {
        let Admission::Run(run) = engine.begin(&ask(key(1))).await.unwrap() else { panic!("free") };
        run.abandon().await;
        let found = tasks.find(&engine, &key(1)).await.unwrap().unwrap();
        assert_eq!(found.stage, TaskStage::Abandoned);
        let held = found.on_abandoned(Some(&input())) == OnAbandoned::Hold;
        assert_eq!(held, death == MOST_DEATHS, "{death}");
    }
}

#[tokio::test]
async fn a_held_task_that_did_not_happen_is_queued_again() {
    let (tasks, engine) = (new_tasks(), engine(MemoryStore::new()));
    let _runner = tasks.queue.open();
    tasks.submit(&engine, &claim(key(1)), &input()).await.unwrap();
    drop(tasks.next().await);
    let Admission::Run(run) = engine.begin(&ask(key(1))).await.unwrap() else { panic!("free") };
    run.abandon().await;
    tasks.drop_entry(&engine, &key(1)).await.unwrap();

    tasks.put_back(&engine, &key(1)).await.unwrap();
    assert_eq!(tasks.index.all(&engine).await.unwrap(), [], "no person has decided yet");
    let resolved = engine.resolve(&key(1), Resolution::NotDone).await.unwrap();
    assert_eq!(resolved, Resolved::Yes);
    tasks.put_back(&engine, &key(1)).await.unwrap();
    assert_eq!(tasks.index.all(&engine).await.unwrap(), [key(1)]);
    let turn = tasks.next().now_or_never().expect("it is queued");
    assert_eq!(turn.task(), key(1));
}

/// The operator's command line is not the app that runs the task.
#[tokio::test]
async fn a_held_task_is_queued_again_if_another_process_resolves_it() {
    let (tasks, store) = (new_tasks(), MemoryStore::new());
    let engine = engine(store.clone());
    tasks.submit(&engine, &claim(key(1)), &input()).await.unwrap();
    let Admission::Run(run) = engine.begin(&ask(key(1))).await.unwrap() else { panic!("free") };
    run.abandon().await;
    tasks.drop_entry(&engine, &key(1)).await.unwrap();
    let messages = Messages::builder(store).scope_shared().build().unwrap();
    let resolved = messages.resolve(&key(1), Resolution::NotDone).await.unwrap();
    assert_eq!((resolved, tasks.index.all(&engine).await.unwrap()), (Resolved::Yes, vec![key(1)]));
}

#[tokio::test]
async fn a_request_that_is_given_back_is_no_task() {
    let (tasks, engine) = (new_tasks(), engine(MemoryStore::new()));
    let asked = ask(key(1));
    let asked = ClaimRequest { claim: Claim { claimable: Claimable::Any, ..asked.claim }, ..asked };
    let Admission::Run(run) = engine.begin(&asked).await.unwrap() else { panic!("free") };
    run.release().await;
    tasks.put_back(&engine, &key(1)).await.unwrap();
    assert_eq!(tasks.index.all(&engine).await.unwrap(), []);
}

#[tokio::test]
async fn a_task_that_was_put_down_again_after_its_end_does_not_run_again() {
    let (tasks, engine) = (new_tasks(), engine(MemoryStore::new()));
    tasks.submit(&engine, &claim(key(1)), &input()).await.unwrap();
    let Admission::Run(run) = engine.begin(&ask(key(1))).await.unwrap() else { panic!("free") };
    run.complete(Outcome::Tombstone, TTL).await;
    tasks.finished(&engine, &key(1)).await;
    assert_eq!(tasks.submit(&engine, &claim(key(1)), &input()).await.unwrap(), Submission::Known);
    assert_eq!(tasks.index.all(&engine).await.unwrap(), []);
    let again = engine.begin(&ask(key(1))).await.unwrap();
    assert!(matches!(again, Admission::Refused(_)), "{again:?}");
}

//! Forgetting a record while others change it (invariants S3 and S5).

use crate::takeovers::ContendedStore;
use crate::{EngineFixture, KEY, LEASE, PATIENCE, TICK, TTL, answer, ask, engine, refused};
use bytes::Bytes;
use futures_util::poll;
use idempotent_runtime::clock::ManualClock;
use idempotent_runtime::engine::{Admission, Execution, Refusal};
use idempotent_runtime::message::Messages;
use idempotent_runtime::policy::OnAbandoned;
use idempotent_runtime::records::{Force, Forgotten, RecordStage, RecordState, RecordView};
use idempotent_runtime::store::record::State;
use idempotent_runtime::store::{Store, StoreErrorKind};
use idempotent_runtime::testing::LostPart;
use std::pin::pin;
use std::sync::Arc;
use tests::Probe;

/// An operator's engine, apart from the processes that run.
fn operator(store: impl Store, clock: Arc<ManualClock>) -> Messages {
    let builder = Messages::builder(store).scope_shared().clock(clock).store_patience(PATIENCE);
    builder.build().expect("settings that fit")
}

impl EngineFixture {
    fn operator(&self) -> Messages {
        operator(self.store.clone(), self.clock.clone())
    }

    async fn forget(&self, record: &RecordView, force: Force) -> Forgotten {
        self.operator().forget(record, force).await.expect("memory answers")
    }

    async fn see(&self) -> RecordView {
        self.operator().record(&KEY).await.expect("memory answers").expect("a record")
    }

    /// A run that was granted its key, and its record.
    async fn seen_run(&self) -> (Execution, RecordView) {
        let run = self.run().await;
        (run, self.see().await)
    }

    async fn seen_outcome(&self) -> RecordView {
        self.run().await.complete(answer("once"), TTL).await;
        self.see().await
    }

    /// The attempt of the next run, which must be granted its key.
    async fn next_attempt(&self) -> u64 {
        match self.begin(OnAbandoned::Hold).await {
            Admission::Run(run) => run.attempt(),
            other => panic!("no run: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_finished_record_that_is_forgotten_runs_again_with_the_next_attempt() {
    let fixture = EngineFixture::new();
    let seen = fixture.seen_outcome().await;
    let left = fixture.entry().await.unwrap().left;
    assert_eq!(fixture.forget(&seen, Force::No).await, Forgotten::Yes);
    let entry = fixture.entry().await.expect("it leaves a record, never nothing");
    assert_eq!((fixture.state().await, entry.left), (State::Issued, left));
    assert!(!entry.value.windows(4).any(|part| part == b"once"), "nothing of the answer stays");
    assert_eq!(fixture.next_attempt().await, 2);
}

#[tokio::test]
async fn a_run_under_way_is_left_alone() {
    let fixture = EngineFixture::new();
    let (run, seen) = fixture.seen_run().await;
    let before = fixture.entry().await;
    let RecordState::Running { lease_left } = seen.state() else { panic!("{seen:?}") };
    assert_eq!(lease_left, LEASE);
    assert_eq!(fixture.forget(&seen, Force::No).await, Forgotten::Running { lease_left });
    assert_eq!(fixture.entry().await, before);
    run.complete(answer("once"), TTL).await;
    assert!(matches!(fixture.begin(OnAbandoned::Hold).await, Admission::Replay(_)));
}

/// It is still the same run, so a second look must not report another one.
#[tokio::test]
async fn a_run_that_was_renewed_meanwhile_is_left_alone_unless_it_is_forced() {
    let fixture = EngineFixture::new();
    let (run, seen) = fixture.seen_run().await;
    fixture.clock.advance(TICK);
    run.renew().await.unwrap();
    let told = fixture.forget(&seen, Force::No).await;
    assert_eq!(told, Forgotten::Running { lease_left: LEASE });
    assert_eq!(fixture.forget(&seen, Force::Yes).await, Forgotten::Yes);
    assert_eq!(fixture.state().await, State::Issued);
    drop(run);
}

#[tokio::test]
async fn an_owner_whose_record_was_forgotten_changes_nothing() {
    for over in [false, true] {
        let fixture = EngineFixture::new();
        let (late, seen) = fixture.seen_run().await;
        if over {
            fixture.clock.advance(LEASE + TICK);
        }
        let force = if over { Force::No } else { Force::Yes };
        assert_eq!(fixture.forget(&seen, force).await, Forgotten::Yes);
        assert!(fixture.see().await.was_taken_over(), "an owner may wake");
        let forgotten = fixture.entry().await;
        late.complete(answer("late"), TTL).await;
        assert_eq!(fixture.entry().await, forgotten);
        assert_eq!(fixture.engine.counts().lost, 1);
        assert_eq!(fixture.next_attempt().await, 2);
    }
}

#[tokio::test]
async fn an_end_that_came_in_between_is_not_forgotten_unless_it_is_forced() {
    let fixture = EngineFixture::new();
    let (run, seen) = fixture.seen_run().await;
    run.complete(answer("once"), TTL).await;
    let before = fixture.entry().await;
    assert_eq!(fixture.forget(&seen, Force::No).await, Forgotten::Changed);
    assert_eq!(fixture.entry().await, before);
    assert_eq!(fixture.forget(&seen, Force::Yes).await, Forgotten::Yes);
    assert_eq!(fixture.next_attempt().await, 2);
}

/// Even force does not forget it: the operator did not see the next run.
#[tokio::test]
async fn the_run_that_came_next_is_not_forgotten() {
    let fixture = EngineFixture::new();
    let seen = fixture.seen_outcome().await;
    assert_eq!(fixture.forget(&seen, Force::No).await, Forgotten::Yes);
    for force in [Force::No, Force::Yes] {
        assert_eq!(fixture.forget(&seen, force).await, Forgotten::Yes, "it is still forgotten");
    }
    let run = fixture.run().await;
    for force in [Force::No, Force::Yes] {
        assert_eq!(fixture.forget(&seen, force).await, Forgotten::Changed);
    }
    run.complete(answer("twice"), TTL).await;
    for force in [Force::No, Force::Yes] {
        assert_eq!(fixture.forget(&seen, force).await, Forgotten::Changed);
    }
    assert!(matches!(fixture.begin(OnAbandoned::Hold).await, Admission::Replay(_)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_claim_and_somebody_who_forgets_both_at_once_attempts_grow() {
    for _ in 0..200 {
        let fixture = EngineFixture::new();
        let seen = fixture.seen_outcome().await;
        let (engine, first, second) =
            (fixture.engine.clone(), fixture.operator(), fixture.operator());
        let claims = tokio::spawn(async move { engine.begin(&ask(OnAbandoned::Hold)).await });
        let (one, other) =
            tokio::join!(first.forget(&seen, Force::No), second.forget(&seen, Force::No),);
        for told in [one.unwrap(), other.unwrap()] {
            assert!(matches!(told, Forgotten::Yes | Forgotten::Changed), "{told:?}");
        }
        let attempt = match claims.await.unwrap().unwrap() {
            Admission::Run(run) => run.attempt(),
            Admission::Replay(_) => fixture.next_attempt().await,
            Admission::Refused(refusal) => panic!("{refusal:?}"),
        };
        assert_eq!(attempt, 2);
    }
}

#[tokio::test]
async fn an_unreadable_record_is_forgotten_only_by_force_and_attempts_grow() {
    let fixture = EngineFixture::new();
    let seen = fixture.seen_outcome().await;
    let entry = fixture.entry().await.unwrap();
    let broken = Bytes::from_static(b"no record");
    fixture.store.swap(&KEY, &entry.value, &broken, TTL).await.unwrap();
    assert_eq!(fixture.forget(&seen, Force::No).await, Forgotten::Changed);
    let seen = fixture.see().await;
    assert_eq!((seen.state(), seen.size()), (RecordState::Undecodable, broken.len()));
    assert_eq!(fixture.forget(&seen, Force::No).await, Forgotten::Undecodable);
    fixture.begin_is_an_error().await;
    assert_eq!(fixture.forget(&seen, Force::Yes).await, Forgotten::Yes);
    assert!(fixture.next_attempt().await > 1);
}

impl EngineFixture {
    async fn begin_is_an_error(&self) {
        self.engine.begin(&ask(OnAbandoned::Hold)).await.expect_err("no record");
    }
}

/// The exchange was done, but its answer was lost.
#[tokio::test]
async fn after_a_lost_answer_it_is_sent_again_and_does_no_harm() {
    for after in 0..2 {
        let fixture = EngineFixture::new();
        let seen = fixture.seen_outcome().await;
        let probe = Probe::new(fixture.store.clone());
        let operator = operator(probe.clone(), fixture.clock.clone());
        probe.lose(LostPart::Answer, after);
        operator.forget(&seen, Force::No).await.expect_err("nobody answers");
        assert_eq!(operator.forget(&seen, Force::No).await.unwrap(), Forgotten::Yes);
        assert_eq!(fixture.next_attempt().await, 2);
    }
}

#[tokio::test]
async fn a_record_that_does_not_exist_is_not_forgotten() {
    let fixture = EngineFixture::new();
    let seen = fixture.seen_outcome().await;
    fixture.clock.advance(TTL + TICK);
    assert!(fixture.operator().record(&KEY).await.unwrap().is_none());
    assert_eq!(fixture.forget(&seen, Force::No).await, Forgotten::Yes);
    assert_eq!(fixture.entry().await, None);
}

#[tokio::test]
async fn a_record_tells_its_state() {
    let fixture = EngineFixture::new();
    fixture.clock.advance(TICK);
    let (run, seen) = fixture.seen_run().await;
    assert_eq!((seen.key(), seen.operation(), seen.label()), (&KEY, "op", "key"));
    assert_eq!((seen.attempt(), seen.state().stage()), (1, RecordStage::Running));
    assert!(seen.claimed_at().is_some() && seen.outcome().is_none());
    drop(run);
    fixture.clock.advance(LEASE + TICK);
    assert_eq!(fixture.see().await.state(), RecordState::Abandoned);
    let held = fixture.begin(OnAbandoned::Hold).await;
    assert_eq!(refused(&held), Refusal::OutcomeUnknown);
    assert_eq!(fixture.engine.counts().held, 1);
}

/// Another engine on the same store lists the records; it did not see their bytes before.
#[tokio::test]
async fn records_are_listed_by_their_state() {
    let fixture = EngineFixture::new();
    fixture.seen_outcome().await;
    let mut wanted = ask(OnAbandoned::Hold);
    wanted.claim.key = idempotent_runtime::key::StorageKey::from_bytes([2; 32]);
    let other = engine(fixture.store.clone(), fixture.clock.clone());
    let Admission::Run(run) = other.begin(&wanted).await.unwrap() else { panic!("it is free") };
    let list = async |stage| {
        let operator = fixture.operator();
        let page = operator.records().stage(stage).page(10, None).await.unwrap();
        assert_eq!(page.next, None);
        page.records.iter().map(|record| *record.key()).collect::<Vec<_>>()
    };
    assert_eq!(list(RecordStage::Completed).await, [KEY]);
    assert_eq!(list(RecordStage::Running).await, [wanted.claim.key]);
    drop(run);
    fixture.clock.advance(LEASE + TICK);
    assert_eq!(list(RecordStage::Running).await, []);
    assert_eq!(list(RecordStage::Abandoned).await, [wanted.claim.key]);
    let operator = fixture.operator();
    let of =
        async |age| operator.records().older_than(age).page(10, None).await.unwrap().records.len();
    assert_eq!((of(LEASE).await, of(LEASE * 2).await), (2, 0));
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let page = operator.records().operation("op").page(1, after.as_ref()).await.unwrap();
        pages.extend(page.records.iter().map(|record| *record.key()));
        after = page.next.map(|next| next.to_string().parse().unwrap());
        if after.is_none() {
            break;
        }
    }
    pages.sort();
    assert_eq!(pages, [KEY, wanted.claim.key]);
    assert!(operator.records().operation("other").page(10, None).await.unwrap().records.is_empty());
}

/// An owner stores its outcome while the exchange is on its way.
#[tokio::test]
async fn an_end_that_overtakes_the_exchange_wins() {
    for force in [Force::No, Force::Yes] {
        let fixture = EngineFixture::new();
        let probe = Probe::new(fixture.store.clone());
        let operator = operator(probe.clone(), fixture.clock.clone());
        let (run, seen) = fixture.seen_run().await;
        fixture.clock.advance(LEASE + TICK);
        probe.exchanges().close();
        let forgetting = operator.forget(&seen, force);
        let ending = async {
            probe.exchanges().reached().await;
            run.complete(answer("late"), TTL).await;
            probe.exchanges().open();
        };
        let (told, ()) = tokio::join!(forgetting, ending);
        let expected = match force {
            Force::No => (Forgotten::Changed, RecordStage::Completed),
            Force::Yes => (Forgotten::Yes, RecordStage::Issued),
        };
        assert_eq!((told.unwrap(), fixture.see().await.state().stage()), expected);
    }
}

#[tokio::test]
async fn a_forget_that_is_dropped_before_its_exchange_forgets_nothing() {
    let fixture = EngineFixture::new();
    let seen = fixture.seen_outcome().await;
    let before = fixture.entry().await;
    let probe = Probe::new(fixture.store.clone());
    let operator = operator(probe.clone(), fixture.clock.clone());
    probe.exchanges().close();
    {
        let mut forgetting = pin!(operator.forget(&seen, Force::No));
        assert!(poll!(&mut forgetting).is_pending());
        probe.exchanges().reached().await;
    }
    assert_eq!(fixture.entry().await, before);
    assert_eq!(operator.forget(&seen, Force::No).await.unwrap(), Forgotten::Yes);
}

#[tokio::test]
async fn a_store_that_cannot_list_says_so() {
    let operator = operator(ContendedStore, Arc::new(ManualClock::new()));
    let told = operator.records().page(10, None).await.expect_err("it cannot").to_string();
    assert!(told.contains("this store cannot list its records"), "{told}");
}

#[tokio::test]
async fn a_record_that_others_always_change_first_is_busy() {
    let operator = operator(ContendedStore, Arc::new(ManualClock::new()));
    let seen = operator.record(&KEY).await.unwrap().expect("a record");
    let told = operator.forget(&seen, Force::Yes).await.expect_err("no end");
    assert_eq!(told.kind(), StoreErrorKind::Busy);
}

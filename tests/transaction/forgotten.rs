//! Finding, listing and forgetting records that committed with their effects.

use crate::bank::Pool;
use crate::{Bank, Kind};
use actix_web::HttpResponse;
use futures_util::future::join_all;
use idempotent_runtime::key::{Guard, KeyParts};
use idempotent_runtime::records::{
    Force, Forgotten, KeptIn, RecordCursor, RecordStage, RecordState, RecordView, Target,
};
use std::collections::BTreeSet;
use std::time::Duration;

on_every_database! {
    a_record_is_found_by_its_route_and_key,
    what_is_forgotten_runs_again,
    what_is_not_over_yet_is_forgotten_all_the_same,
    what_ran_meanwhile_is_not_forgotten,
    what_nobody_can_read_is_forgotten_only_by_force,
    records_are_listed_after_those_of_the_store,
}

fn target(path: &str) -> Target {
    Target::route("POST", path)
}

fn key(key: &str) -> KeyParts {
    KeyParts::new().value(key)
}

impl Bank {
    async fn find(&self, path: &str) -> Option<RecordView> {
        let scope = key("Bearer alice");
        let found = self.idempotency.find(&target(path), &scope, &key("k")).await;
        found.expect("the database answers")
    }

    async fn see(&self, path: &str) -> RecordView {
        self.find(path).await.unwrap_or_else(|| panic!("a record of {path}"))
    }

    async fn forget(&self, record: &RecordView, force: Force) -> Forgotten {
        self.idempotency.forget(record, force).await.expect("the database answers")
    }

    async fn damage(&self) {
        let damage = match self.pool {
            Pool::Postgres(_) => r"UPDATE idempotency_records SET value = '\x0102'",
            _ => "UPDATE idempotency_records SET value = x'0102'",
        };
        self.run(damage).await;
    }
}

/// A record of each strategy that keeps one in the business database.
async fn a_record_is_found_by_its_route_and_key(kind: Kind) {
    let bank = Bank::things(kind, "INSERT INTO things (id) VALUES (7)").await;
    assert!(bank.find("/dedup").await.is_none());
    for path in ["/dedup", "/insert-with-key/a", "/versioned-with-key/7", "/pay-with-key/7"] {
        let sent = bank.post(path).key("k").header("If-Match", "\"0\"").body("it").send().await;
        assert_eq!(sent.status, 201, "{path}");
        let seen = bank.see(path).await;
        assert_eq!((seen.kept_in(), seen.guard()), (KeptIn::Database, Some(Guard::Handler)));
        assert_eq!((seen.state().stage(), seen.attempt()), (RecordStage::Completed, 1), "{path}");
        assert!(seen.left() > Duration::from_hours(23), "{path} {:?}", seen.left());
        assert!(seen.outcome().is_some() && seen.claimed_at().is_some());
    }
}

async fn what_is_forgotten_runs_again(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    let send = || bank.post("/dedup").key("k").send();
    send().await;
    let seen = bank.see("/dedup").await;
    for _ in 0..2 {
        assert_eq!(bank.forget(&seen, Force::No).await, Forgotten::Yes);
    }
    assert!(bank.find("/dedup").await.is_none());
    let again = send().await;
    assert_eq!((again.status, again.is_replay()), (201, false));
    assert!(send().await.is_replay());
    assert_eq!((bank.effects().await, bank.records().await), (2, 1));
}

/// The shortest life is a millisecond, in which the next request may come.
async fn what_is_not_over_yet_is_forgotten_all_the_same(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    let send = || bank.post("/dedup").key("k").send();
    send().await;
    let seen = bank.see("/dedup").await;
    assert_eq!(bank.forget(&seen, Force::No).await, Forgotten::Yes);
    let lengthen = match kind {
        Kind::Sqlite => "UPDATE idempotency_records SET ends_ms = ends_ms + 1000",
        Kind::Postgres | Kind::MariaDb => "UPDATE idempotency_records SET ends = ends + 1000",
    };
    bank.run(lengthen).await;
    assert_eq!(bank.number("SELECT count(*) FROM idempotency_records").await, 1);
    assert!(bank.find("/dedup").await.is_none());
    let listed = bank.idempotency.records().kept_in(KeptIn::Database).page(10, None).await;
    assert!(listed.unwrap().records.is_empty());
    assert_eq!(bank.forget(&seen, Force::No).await, Forgotten::Yes);
    let replies = join_all((0..20).map(|_| send())).await;
    assert!(replies.iter().all(|reply| reply.status == 201), "{replies:?}");
    assert_eq!(replies.iter().filter(|reply| !reply.is_replay()).count(), 1);
    assert_eq!((bank.effects().await, bank.records().await), (2, 1));
}

async fn what_ran_meanwhile_is_not_forgotten(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    let send = || bank.post("/dedup").key("k").send();
    send().await;
    let seen = bank.see("/dedup").await;
    assert_eq!(bank.forget(&seen, Force::No).await, Forgotten::Yes);
    send().await;
    for force in [Force::No, Force::Yes] {
        assert_eq!(bank.forget(&seen, force).await, Forgotten::Changed);
    }
    assert!(send().await.is_replay());
}

async fn what_nobody_can_read_is_forgotten_only_by_force(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    let send = || bank.post("/dedup").key("k").send();
    send().await;
    bank.damage().await;
    let seen = bank.see("/dedup").await;
    assert_eq!(seen.state(), RecordState::Undecodable);
    assert_eq!(bank.forget(&seen, Force::No).await, Forgotten::Undecodable);
    send().await.is_problem(503, "store-unavailable");
    assert_eq!(bank.forget(&seen, Force::Yes).await, Forgotten::Yes);
    assert_eq!(send().await.status, 201);
}

async fn records_are_listed_after_those_of_the_store(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    for n in 0..3 {
        bank.post("/dedup").key(&format!("k{n}")).send().await;
    }
    let lock = bank.idempotency.lock("report").acquire().await.expect("it is free");
    let (mut listed, mut after) = (BTreeSet::new(), None::<RecordCursor>);
    loop {
        let page = bank.idempotency.records().page(2, after.as_ref()).await.unwrap();
        let shown = |record: &RecordView| format!("{:?} {}", record.kept_in(), record.label());
        listed.extend(page.records.iter().map(shown));
        after = page.next.map(|next| next.to_string().parse().unwrap());
        if after.is_none() {
            break;
        }
    }
    let all = ["Database k0", "Database k1", "Database k2", "Store report"].map(str::to_owned);
    assert_eq!(listed, BTreeSet::from(all));
    for (place, many) in [(KeptIn::Store, 1), (KeptIn::Database, 3)] {
        let page = bank.idempotency.records().kept_in(place).page(10, None).await.unwrap();
        assert_eq!((page.records.len(), page.next), (many, None));
    }
    let held = bank.idempotency.records().stage(RecordStage::Abandoned).kept_in(KeptIn::Database);
    assert!(held.page(10, None).await.unwrap().records.is_empty());
    lock.release().await;
}

/// The handler commits and fails, and an operator lets the request run again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_committed_in_the_middle_is_abandoned_and_can_be_forgotten() {
    for kind in [Kind::MariaDb, Kind::Postgres] {
        let bank = Bank::open(kind, 1).await;
        bank.handler.answers(|run| match run {
            1 => HttpResponse::InternalServerError().finish(),
            _ => HttpResponse::Created().finish(),
        });
        let effect = "INSERT INTO effects VALUES ('one')";
        let send = |body: &str| bank.post("/statements").key("k").body(body.to_owned()).send();
        let body = [effect, "COMMIT"].join("\n");
        assert_eq!(send(&body).await.status, 500);
        send(&body).await.is_problem(409, "outcome-unknown");
        assert_eq!(bank.idempotency.counts().held, 1);
        let held = bank.idempotency.records().stage(RecordStage::Abandoned);
        let page = held.kept_in(KeptIn::Database).page(10, None).await.unwrap();
        let [seen] = &page.records[..] else { panic!("{page:?}") };
        assert_eq!(seen.state(), RecordState::Abandoned);
        assert_eq!(bank.forget(seen, Force::No).await, Forgotten::Yes);
        assert_eq!(send(effect).await.status, 201);
    }
}

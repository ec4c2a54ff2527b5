//! The table of records: making it, and its readable columns.

use crate::{Kind, Session, on_both_servers, store};
use bytes::Bytes;
use futures_util::future::join_all;
use idempotent_runtime::key::{Fingerprint, Guard, StorageKey};
use idempotent_runtime::store::Label;
use idempotent_runtime::store::open;
use idempotent_runtime::store::record::{Origin, Owner, Record, State};
use idempotent_runtime::{MySqlStore, PostgresStore};
use std::time::Duration;

on_both_servers! {
    twenty_that_start_at_once_share_one_table,
    a_user_who_may_not_make_tables_uses_one_made_by_hand,
    people_read_what_a_record_is_about,
}

const LONG: Duration = Duration::from_hours(1);

async fn twenty_that_start_at_once_share_one_table(kind: Kind) {
    let database = kind.database().await;
    let stores = join_all((0..20).map(|_| open(&database))).await;
    let key = StorageKey::from_bytes([1; 32]);
    let stores: Vec<_> = stores.into_iter().map(|store| store.expect("it connects")).collect();
    let value = "v".into();
    let puts = join_all(stores.iter().map(|store| store.create(&key, &value, LONG))).await;
    assert_eq!(puts.into_iter().filter(|put| put.as_ref().unwrap().is_none()).count(), 1);
}

async fn a_user_who_may_not_make_tables_uses_one_made_by_hand(kind: Kind) {
    let database = kind.database().await;
    let mut session = Session::open(&database).await;
    let schema = kind.pick(PostgresStore::SCHEMA, MySqlStore::SCHEMA);
    // The statements are run twice, as people do.
    session.run(schema).await;
    session.run(schema).await;
    let here = kind.pick("SELECT current_schema()::text", "SELECT DATABASE()");
    let here = session.texts(here).await.remove(0);
    let user = format!("limited_{here}");
    let grant = match kind {
        Kind::Postgres => format!(
            "CREATE ROLE {user} LOGIN; GRANT USAGE ON SCHEMA {here} TO {user};
             GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_records TO {user}"
        ),
        Kind::MariaDb => format!(
            "CREATE USER {user}@localhost;
             GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_records TO {user}@localhost"
        ),
    };
    session.run(&grant).await;
    let limited = database.replace(kind.pick("postgres@", "root@"), &format!("{user}@"));
    let store = store(&limited).await;
    let key = StorageKey::from_bytes([1; 32]);
    assert_eq!(store.create(&key, &"v".into(), LONG).await.unwrap(), None);
    assert_eq!(store.create(&key, &"w".into(), LONG).await.unwrap().unwrap(), "v");
    let swapped = store.swap(&key, &"v".into(), &"w".into(), Duration::from_millis(1)).await;
    assert_eq!(swapped.unwrap(), idempotent_runtime::store::Swap::Done);
    let over = async || store.read(&key).await.unwrap().is_none().then_some(());
    tests::eventually("its life is over", over).await;
    assert_eq!(store.purge(10).await.unwrap(), 1);
}

/// A record as the engine puts it, with a key of difficult characters.
fn record(key: &StorageKey, label: &str) -> Bytes {
    let record = Record {
        attempt: 1,
        origin: Origin::default(),
        fingerprint: Fingerprint::from_bytes([0; 16]),
        label: Label::new(Guard::Handler, "shop::orders", label),
        state: State::InProgress {
            owner: Owner::from_bytes([7; 16]),
            renewals: 0,
            retention: LONG,
        },
    };
    record.encode(key)
}

async fn people_read_what_a_record_is_about(kind: Kind) {
    let database = kind.database().await;
    let store = store(&database).await;
    let labels = ["plain", "naïve ✓ 🦀", "'; DROP TABLE idempotency_records; --", "a\0b", ""];
    for (n, label) in (0_u8..).zip(labels) {
        let key = StorageKey::from_bytes([n; 32]);
        let value = record(&key, label);
        assert_eq!(store.create(&key, &value, LONG).await.unwrap(), None, "{label:?}");
        assert_eq!(store.read(&key).await.unwrap().unwrap().value, value, "{label:?}");
    }
    let mut session = Session::open(&database).await;
    for column in ["label", "operation", "state"] {
        let order = kind.pick("key", "`key`");
        let query = format!("SELECT {column} FROM idempotency_records ORDER BY {order}");
        let shown = session.texts(&query).await;
        match column {
            // Texts of PostgreSQL cannot hold NUL.
            "label" => assert_eq!(shown[3], kind.pick("a\u{fffd}b", "a\0b")),
            "operation" => assert!(shown.iter().all(|shown| shown == "shop::orders")),
            _ => assert!(shown.iter().all(|shown| shown == "in progress")),
        }
        if column == "label" {
            assert_eq!((&shown[..3], &shown[4]), (&labels.map(str::to_owned)[..3], &String::new()));
        }
    }
}

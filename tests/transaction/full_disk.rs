//! A business database whose disk is really full; invariant L8.

use crate::Bank;
use crate::bank::Pool;
use futures_util::future::join_all;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};
use tests::SmallDisk;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_is_well_when_there_is_room_again() {
    let Some(disk) = SmallDisk::for_test("full_disk::all_is_well_when_there_is_room_again") else {
        return;
    };
    for (name, journal) in [("wal", SqliteJournalMode::Wal), ("delete", SqliteJournalMode::Delete)]
    {
        let options = SqliteConnectOptions::new()
            .filename(disk.path().join(name))
            .journal_mode(journal)
            .create_if_missing(true);
        let pool = SqlitePoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
        let bank = Bank::on(Pool::Sqlite(pool), tempfile::tempdir().expect("a directory")).await;
        let first = bank.post("/dedup").key("before").send().await;
        assert_eq!(first.status, 201);
        for round in 0..2 {
            disk.fill();
            let (key, refused) = bank.fill_up(&format!("{name}-{round}")).await;
            refused.is_problem(503, "store-unavailable");
            let effects = bank.effects().await;
            assert_eq!(bank.records().await, effects);
            // There are more requests than connections, and the database ends the transaction of each by itself.
            let large = "INSERT INTO codes VALUES (hex(randomblob(1 << 21)))\nINSERT INTO effects VALUES ('after')";
            let refused =
                join_all((0..8).map(|n| {
                    bank.post("/statements").key(&format!("{key}-{n}")).body(large).send()
                }));
            for refused in refused.await {
                refused.is_problem(503, "store-unavailable");
            }
            assert_eq!((bank.effects().await, bank.records().await), (effects, effects));
            disk.make_room();
            let again = bank.post("/dedup").key("before").send().await;
            assert_eq!((again.is_replay(), &again.body), (true, &first.body));
            // It works again at the first request, and for an unguarded write.
            let reply = bank.post("/dedup").key(&key).send().await;
            assert_eq!((reply.status, reply.is_replay()), (201, false), "{reply:?}");
            bank.run("INSERT INTO codes VALUES ('by somebody else'); DELETE FROM codes").await;
            assert_eq!((bank.effects().await, bank.records().await), (effects + 1, effects + 1));
        }
    }
}

//! The cost of requests, measured by the servers' own logs.

use crate::shop::Shop;
use crate::{Kind, Own, Session};
use idempotent_runtime::key::StorageKey;
use std::time::Duration;

/// The server logs every statement that it carries out.
const POSTGRES: [&str; 4] = ["-c", "log_statement=all", "-c", "autovacuum=off"];
const MARIADB: [&str; 2] = ["--general-log=1", "--log-output=TABLE"];

/// A shop on a server that logs, and a look at its logs.
struct Counted {
    shop: Shop,
    session: Session,
    server: Own,
}

impl Counted {
    async fn open(kind: Kind) -> Self {
        let server = kind.start_with(kind.pick(&POSTGRES, &MARIADB)).await;
        let database = server.database().await;
        let shop = Shop::open(&database).await;
        let session = Session::open(&database).await;
        let warm = Self { shop, session, server };
        assert_eq!(warm.shop.order("warm").await.status, 201);
        assert!(warm.shop.order("warm").await.is_replay());
        warm
    }

    /// The number of statements that the store has sent. Each is a round trip.
    async fn sent(&mut self) -> usize {
        match &self.server {
            Own::Postgres(server) => {
                let log = server.log();
                let ours = |line: &&str| {
                    line.contains("LOG:  execute sqlx_s") && line.contains("idempotency_records")
                };
                log.lines().filter(ours).count()
            }
            Own::MariaDb(_) => {
                let ours = "SELECT COUNT(*) FROM mysql.general_log WHERE command_type = 'Execute' \
                            AND argument LIKE '%idempotency_records%' \
                            AND argument NOT LIKE '%general_log%'";
                usize::try_from(self.session.number(ours).await).expect("a count")
            }
        }
    }

    /// A number of the server's that grows with every write.
    async fn written(&mut self) -> i64 {
        let count = match &self.server {
            Own::Postgres(_) => "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint",
            Own::MariaDb(_) => {
                "SELECT CAST(variable_value AS SIGNED) FROM information_schema.global_status \
                 WHERE variable_name = 'Innodb_log_write_requests'"
            }
        };
        self.session.number(count).await
    }
}

/// Checks the numbers of statements for a new request and for a replay.
async fn costs(kind: Kind, new: usize, replay: usize) {
    let mut counted = Counted::open(kind).await;
    for n in 0..10 {
        let before = counted.sent().await;
        assert_eq!(counted.shop.order(&format!("k{n}")).await.status, 201);
        assert_eq!(counted.sent().await - before, new, "new");
        assert!(counted.shop.order(&format!("k{n}")).await.is_replay());
        assert_eq!(counted.sent().await - before - new, replay, "replay");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_request_costs_two_statements_and_a_replay_one() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        costs(kind, 2, 1).await;
    }
}

/// The server does not answer when the client closes a statement, so the next one would wait for an acknowledgement.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_mariadb_a_purge_closes_no_statement() {
    let mut counted = Counted::open(Kind::MariaDb).await;
    let over = "UPDATE idempotency_records SET ends = 1";
    let closed = "SELECT COUNT(*) FROM mysql.general_log WHERE command_type = 'Close stmt'";
    let store = crate::store(&counted.server.database().await).await;
    for _ in 0..3 {
        for n in 0..3 {
            let key = StorageKey::from_bytes([n; 32]);
            let put = store.create(&key, &"v".into(), Duration::from_millis(1)).await;
            assert_eq!(put.expect("it answers"), None);
        }
        counted.session.run(over).await;
        tests::eventually("they are over and dropped", async || {
            (store.purge(100).await.expect("it answers") > 0).then_some(())
        })
        .await;
    }
    assert_eq!(counted.session.number(closed).await, 0);
}

/// A replay waits for no commit, and takes no lock that others wait for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replays_write_nothing() {
    for kind in [Kind::Postgres, Kind::MariaDb] {
        let mut counted = Counted::open(kind).await;
        let before = counted.written().await;
        for _ in 0..50 {
            assert!(counted.shop.order("warm").await.is_replay());
        }
        // The server may write by itself meanwhile, but not once for each replay.
        let written = counted.written().await - before;
        assert!(written < 50, "{kind:?}: {written}");
    }
}

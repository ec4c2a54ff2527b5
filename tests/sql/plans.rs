//! The query plans of the servers, from their logs of the statements that were really sent.
//!
//! A business transaction sends the same statements: `dedup_table` puts, reads and exchanges its record by
//! the SQL of the stores, with its values in the text. Plans for business rows are tested in
//! `tests/transaction/plans.rs`.

use crate::{Kind, Own, Session, store};
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::store::{PageFilter, PageRequest, Store, Swap};
use std::time::Duration;

const LONG: Duration = Duration::from_hours(1);

/// Puts a thousand records whose life is over, and 999 000 that live for an hour.
const POSTGRES: &str = "\
INSERT INTO idempotency_records \
SELECT sha256(n::text::bytea), 'v', extract(epoch FROM now()) * 1000 + \
CASE WHEN n <= 1000 THEN -n ELSE 3600000 END, 'o', 'l', 's' \
FROM generate_series(1, 1000000) AS n; ANALYZE idempotency_records";
const MARIADB: &str = "\
INSERT INTO idempotency_records \
SELECT UNHEX(SHA2(seq, 256)), 'v', UNIX_TIMESTAMP() * 1000 + IF(seq <= 1000, -seq, 3600000), \
'o', 'l', 's' FROM seq_1_to_1000000 ORDER BY 1; ANALYZE TABLE idempotency_records";

/// Sends every statement of the store, often enough that the server uses its final plan.
async fn every_statement(store: &dyn Store) {
    for n in 0..8 {
        let key = StorageKey::from_bytes([n; 32]);
        assert_eq!(store.create(&key, &"v".into(), LONG).await.unwrap(), None);
        assert_eq!(store.create(&key, &"w".into(), LONG).await.unwrap().unwrap(), "v");
        assert_eq!(store.swap(&key, &"v".into(), &"w".into(), LONG).await.unwrap(), Swap::Done);
        let differs = store.swap(&key, &"v".into(), &"w".into(), LONG).await.unwrap();
        assert_eq!(differs, Swap::Differs(Some("w".into())));
        assert_eq!(store.read(&key).await.unwrap().unwrap().value, "w");
        assert_eq!(store.purge(100).await.unwrap(), 100);
    }
    let mut request = PageRequest::first(100);
    for _ in 0..8 {
        let page = store.browse(&request).expect("it can list").await.unwrap();
        assert_eq!(page.entries.len(), 100);
        request = request.after(page.next);
    }
    // A page looks at few records, even if none of them fits its filter.
    for filter in [PageFilter::default().operation("none"), PageFilter::default().state("none")] {
        request = request.only(filter);
        for _ in 0..8 {
            let page = store.browse(&request).expect("it can list").await.unwrap();
            assert!(page.entries.is_empty() && page.next.is_some());
            request = request.after(page.next);
        }
    }
}

/// The number of rows that a page looks at.
const SPAN: u32 = 1000;

#[tokio::test]
async fn postgres_reads_no_table_of_a_million_rows() {
    let options = [
        "fsync=off",
        "max_wal_size=4GB",
        "session_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=0",
    ];
    let options = options.map(|option| ["-c", option]).concat();
    let server = Kind::Postgres.start_with(&options).await;
    let database = server.database().await;
    let store = store(&database).await;
    Session::open(&database).await.run(POSTGRES).await;
    let Own::Postgres(server) = &server else { unreachable!() };
    let before = server.log().len();
    every_statement(&store).await;
    let log = &server.log()[before..];
    let plans: Vec<_> = log.split("LOG:").filter(|entry| entry.contains("plan:")).collect();
    assert!(plans.len() >= 8 * 6 + 24 * 2, "{}", plans.len());
    for plan in plans {
        assert!(!plan.contains("Seq Scan"), "{plan}");
        let index = ["idempotency_records_pkey", "idempotency_records_ends"];
        assert!(index.iter().any(|index| plan.contains(index)), "{plan}");
        // The other index would read all rows, and in another order.
        assert!(!plan.contains("ORDER BY key") || plan.contains(index[0]), "{plan}");
    }
}

#[tokio::test]
async fn mariadb_reads_no_table_of_a_million_rows() {
    let roomy = ["--innodb-buffer-pool-size=512M", "--innodb-log-file-size=256M"];
    let server = Kind::MariaDb.start_with(&roomy).await;
    let database = server.database().await;
    let store = store(&database).await;
    let mut session = Session::open(&database).await;
    session.run(MARIADB).await;
    let log = "SET GLOBAL log_output = 'TABLE'; SET GLOBAL long_query_time = 0; \
               SET GLOBAL slow_query_log = 1";
    session.run(log).await;
    // Connections get the settings when they are opened.
    let store_that_logs = crate::store(&database).await;
    drop(store);
    every_statement(&store_that_logs).await;
    let seen = "SELECT CONCAT(rows_examined, ' ', LEFT(sql_text, 50)) FROM mysql.slow_log \
                WHERE sql_text LIKE '%idempotency_records%' AND sql_text NOT LIKE '%slow_log%'";
    let seen = session.texts(seen).await;
    assert!(seen.len() >= 8 * 6 + 24 * 2, "{}", seen.len());
    for statement in seen {
        let rows = statement.split(' ').next().expect("a number").parse::<u32>().expect("a number");
        let purges = statement.contains("SELECT `key`") || statement.contains("DELETE");
        let pages = ["SELECT `key` FROM idempotency_records WHERE `key`", "SELECT `key`, value"];
        let pages = pages.iter().any(|page| statement.contains(page));
        let most = if pages {
            SPAN
        } else if purges {
            200
        } else {
            1
        };
        assert!(rows <= most, "{statement}");
    }
}

//! The query plans of the servers for the row that guards, from their logs of the statements that were sent.
//!
//! (The statements on records are those of the stores, word for word: `store/sql/…/rows.rs` has each
//! once. Their plans are tested in `tests/sql/plans.rs`.)

use crate::Bank;
use crate::bank::Pool;
use tests::{MariaDbServer, PostgresServer};

const THINGS: &str = "(id BIGINT PRIMARY KEY, version BIGINT NOT NULL DEFAULT 0,
    status VARCHAR(20) NOT NULL DEFAULT 'created', level BIGINT NOT NULL DEFAULT 1)";

impl Bank {
    /// A database of a million things whose ids have this type.
    async fn crowded(pool: Pool, id: &str, things: &str) -> Self {
        let bank = Self::on(pool, tempfile::tempdir().expect("a directory")).await;
        bank.run(&format!("CREATE TABLE things {}", THINGS.replacen("BIGINT", id, 1))).await;
        bank.run(&format!("INSERT INTO things (id) {things}")).await;
        bank
    }

    /// Sends every statement on a row, often enough that the server uses its final plan.
    async fn ask_for_every_row(&self) {
        for id in 100..108 {
            let post = |path: &str| self.post(&format!("/{path}/{id}")).header("If-Match", "\"0\"");
            for (path, status) in [
                ("row", 201),
                ("versioned", 201),
                ("versioned", 412),
                ("complete", 409),
                ("pay", 201),
                ("pay", 200),
                ("raise", 201),
            ] {
                assert_eq!(post(path).send().await.status, status, "{path}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_finds_a_row_among_a_million_by_its_id() {
    let options = [
        "fsync=off",
        "max_wal_size=4GB",
        "session_preload_libraries=auto_explain",
        "auto_explain.log_min_duration=0",
    ];
    let server = PostgresServer::start_with(&options.map(|option| ["-c", option]).concat()).await;
    for id in ["BIGINT", "VARCHAR(40)"] {
        let pool = Pool::postgres(&server.database().await, 4, "SELECT 1").await;
        let many = "SELECT n FROM generate_series(1, 1000000) AS n; ANALYZE things";
        let bank = Bank::crowded(pool, id, many).await;
        let before = server.log().len();
        bank.ask_for_every_row().await;
        let log = &server.log()[before..];
        let about = |entry: &&str| {
            let of_types = entry.contains("FROM pg_attribute");
            entry.contains("plan:") && entry.contains("\"things\"") && !of_types
        };
        let plans: Vec<_> = log.split("LOG:").filter(about).collect();
        // One statement tries, and one reads the row instead.
        assert!(plans.len() >= 8 * 10, "{}", plans.len());
        for plan in plans {
            assert!(plan.contains("things_pkey") && !plan.contains("Seq Scan"), "{id}: {plan}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mariadb_finds_a_row_among_a_million_by_its_id() {
    let roomy = ["--innodb-buffer-pool-size=512M", "--innodb-log-file-size=256M"];
    let logs = ["--log-output=TABLE", "--long-query-time=0", "--slow-query-log=1"];
    let server = MariaDbServer::start_with(&[&roomy[..], &logs[..]].concat()).await;
    for id in ["BIGINT", "VARCHAR(40)"] {
        let pool = Pool::mariadb(&server.database().await, 4, "SELECT 1").await;
        let many = "SELECT seq FROM seq_1_to_1000000; ANALYZE TABLE things";
        let bank = Bank::crowded(pool, id, many).await;
        server.run("TRUNCATE mysql.slow_log").await;
        bank.ask_for_every_row().await;
        let about =
            "FROM mysql.slow_log WHERE sql_text LIKE '%`things`%' AND sql_text LIKE '%`id`%'
                     AND sql_text NOT LIKE '%slow_log%'";
        assert!(bank.number(&format!("SELECT COUNT(*) {about}")).await >= 8 * 10);
        let most = bank.number(&format!("SELECT CAST(MAX(rows_examined) AS SIGNED) {about}")).await;
        assert!(most <= 1, "{id}: {most}");
    }
}

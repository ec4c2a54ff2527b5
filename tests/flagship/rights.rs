//! Databases in which another user makes the tables.

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::process::{Command, Output};
use tests::{Orders, PostgresServer, example};

fn orders(options: &[&str]) -> Output {
    let mut orders = Command::new(example("orders"));
    orders.args(["--addr", "127.0.0.1:0"]).args(options).env_clear();
    orders.output().expect("it starts")
}

/// Since `PostgreSQL` 15 users may not make tables by default.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_who_may_not_make_tables_uses_what_the_printed_sql_made() {
    let database = PostgresServer::shared().await.database().await;
    let mut admin = PgConnection::connect(&database).await.expect("it connects");
    let here: String =
        sqlx::query_scalar("SELECT current_schema()::text").fetch_one(&mut admin).await.unwrap();
    let run = async |admin: &mut PgConnection, statements: String| {
        sqlx::raw_sql(AssertSqlSafe(statements)).execute(admin).await.expect("it is accepted");
    };
    let user = format!("shop_{here}");
    run(&mut admin, format!("CREATE ROLE {user} LOGIN; GRANT USAGE ON SCHEMA {here} TO {user}"))
        .await;
    let limited = database.replace("postgres@", &format!("{user}@"));
    let refused = orders(&["--store", "memory:", "--database", &limited]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(!refused.status.success(), "{told}");
    assert!(told.contains("permission denied") && told.contains("--print-ddl"), "{told}");

    let printed = orders(&["--store", "memory:", "--database", &limited, "--print-ddl"]);
    assert!(printed.status.success(), "{printed:?}");
    let ddl = String::from_utf8(printed.stdout).expect("text");
    let grant = format!(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {here} TO {user};
         GRANT USAGE ON ALL SEQUENCES IN SCHEMA {here} TO {user}"
    );
    // Only the shop's tables are made: the missing table of records is reported by its name.
    let (shop, records) = ddl.split_once("-- The records that commit").expect("two parts");
    run(&mut admin, format!("{shop}; {grant}")).await;
    let refused = orders(&["--store", "memory:", "--database", &limited]);
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("CREATE TABLE IF NOT EXISTS idempotency_records"), "{told}");

    run(&mut admin, format!("--{records}; {grant}")).await;
    let shop = Orders::start("memory:", &limited, &[]);
    let paid = shop.post("/accounts/a/deposit").json(&serde_json::json!({"amount": 7}));
    assert_eq!(paid.send().await.status, 200);
}

#[test]
fn the_sql_is_printed_for_each_database() {
    for (url, words) in [
        ("sqlite:x.db", "ends_ms   INTEGER NOT NULL"),
        ("postgres://127.0.0.1:1/x", "key       bytea  NOT NULL PRIMARY KEY"),
        ("mysql://127.0.0.1:1/x", "`key`     VARBINARY(32) NOT NULL PRIMARY KEY"),
    ] {
        for options in [["--store", url, "--print-ddl"], ["--database", url, "--print-ddl"]] {
            let printed = String::from_utf8(orders(&options).stdout).expect("text");
            assert!(printed.contains(words), "{printed}");
        }
    }
}

//! Records that a business database keeps, beside the store's.

use crate::ran::Ran;
use crate::shop::provide_cryptography;
use actix_web::web::ServiceConfig;
use actix_web::{HttpResponse, post};
use idempotent_runtime::transaction::Tx;
use idempotent_runtime::{Idempotency, MemoryStore, Scope, SqliteStore, idempotent};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use sqlx::{Sqlite, query};
use tests::{ControlledHandler, Server};

#[post("/payments")]
#[idempotent(strategy = "dedup_table", ttl = "1h")]
async fn pay(mut tx: Tx<Sqlite>) -> HttpResponse {
    query("INSERT INTO payments DEFAULT VALUES").execute(&mut *tx).await.expect("a row");
    HttpResponse::Created().body("paid")
}

fn routes(app: &mut ServiceConfig) {
    app.service(pay);
}

#[tokio::test]
async fn a_record_of_the_business_database_is_found_shown_and_forgotten() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let [business, records] = ["business.db", "records.db"].map(|name| directory.path().join(name));
    let options = SqliteConnectOptions::new().filename(&business).create_if_missing(true);
    let pool = SqlitePool::connect_with(options).await.expect("it opens");
    query("CREATE TABLE payments (id INTEGER PRIMARY KEY)").execute(&pool).await.expect("a table");
    let app =
        Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).database(pool.clone());
    let app = app.build().expect("it fits");
    provide_cryptography();
    let server = Server::start(&app, &ControlledHandler::new(), routes);
    let paid = async || {
        let reply = server.post("/payments").key("p-1").send().await;
        assert_eq!(reply.status, 201);
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM payments")
            .fetch_one(&pool)
            .await
            .expect("a number");
        rows
    };
    assert_eq!((paid().await, paid().await), (1, 1));

    drop(SqliteStore::open(&records).await.expect("it opens"));
    let [business, records] = [business, records].map(|path| format!("sqlite:{}", path.display()));
    let run = |arguments: &[&str]| {
        Ran::of(&[arguments, &["--json", "--store", &records, "--database", &business]].concat())
    };
    let find = ["find", "--method", "POST", "--path", "/payments", "--key", "p-1"];
    let found = run(&find).answer();
    assert_eq!(found["record"]["kept_in"], "database");
    let key = found["key"].as_str().expect("a key").to_owned();
    assert_eq!(run(&["show", &key, "--body"]).answer()["stored"]["body"]["text"], "paid");
    // Without the database, its record is not seen.
    let store_alone = Ran::of(&["show", &key, "--json", "--store", &records]);
    assert_eq!(store_alone.error().0, 1);

    let listed = run(&["list"]).answer();
    let kept_in: Vec<_> = listed["records"].as_array().expect("a list").iter().collect();
    assert!(kept_in.len() == 1 && kept_in[0]["kept_in"] == "database", "{listed}");
    assert_eq!(run(&["stats"]).answer()["operations"][0]["operation"], "pay");
    let doctor = run(&["doctor"]).answer();
    assert_eq!(
        (&doctor["operations"][4]["operation"], &doctor["operations"][4]["outcome"]),
        (&"database".into(), &"done".into())
    );

    run(&["forget", &key, "--yes"]).answer();
    assert_eq!(paid().await, 2);
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_reported_without_its_password() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let records = directory.path().join("records.db");
    drop(SqliteStore::open(&records).await.expect("it opens"));
    let records = format!("sqlite:{}", records.display());
    let key = "0".repeat(64);
    for (database, code) in [
        ("postgres://me:pa55word@127.0.0.1:1/db", 3),
        ("mysql://me:pa55word@127.0.0.1:1/db", 3),
        ("sqlite:/no/such/pa55word/file.db", 3),
        ("redis://:pa55word@127.0.0.1:1", 2),
        ("postgres://me:pa55word@h:port/db", 2),
        ("pa55word@h", 2),
    ] {
        let ran = ["show", &key, "--json", "--store", &records, "--patience", "1"];
        let ran = Ran::of(&[&ran[..], &["--database", database]].concat());
        let (told, _, message) = ran.error();
        assert_eq!(told, code, "{database}: {message}");
        assert!(!message.contains("pa55word") || database.starts_with("sqlite"), "{message}");
        if code == 3 {
            let ran = ["doctor", "--json", "--store", &records, "--patience", "1"];
            let doctor = Ran::of(&[&ran[..], &["--database", database]].concat());
            assert_eq!(doctor.code, Some(1), "{doctor:?}");
            let outcome = &doctor.document()["operations"][4]["outcome"];
            assert!(outcome != "done" && !doctor.stdout.contains("me:"), "{outcome}");
        }
    }
}

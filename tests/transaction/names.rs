//! Names of tables and columns: with their schema, and misspelt.

use crate::{Bank, Kind};

on_every_database! {
    a_table_may_be_named_with_its_schema,
    a_column_that_there_is_not_is_an_error,
}

async fn a_table_may_be_named_with_its_schema(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    let table = "things (id BIGINT PRIMARY KEY, version BIGINT NOT NULL DEFAULT 0,
                         status VARCHAR(20) NOT NULL DEFAULT 'created')";
    let schema = match kind {
        Kind::Sqlite => "main",
        Kind::Postgres | Kind::MariaDb => "elsewhere",
    };
    if kind != Kind::Sqlite {
        bank.run("CREATE SCHEMA elsewhere").await;
    }
    bank.run(&format!("CREATE TABLE {schema}.{table}")).await;
    bank.run(&format!("INSERT INTO {schema}.things (id) VALUES (7)")).await;
    let post = |path: &str, id: &str| {
        bank.post(&format!("/elsewhere/{path}/{id}")).header("If-Match", "\"0\"").send()
    };
    for (path, again) in [("row", 201), ("version", 412), ("pay", 200)] {
        assert_eq!(post(path, "7").await.status, 201, "{path}");
        assert_eq!(post(path, "7").await.status, again, "{path}");
        for other in ["8", "7x"] {
            post(path, other).await.is_problem(404, "row-missing");
        }
    }
    assert_eq!(bank.effects().await, 4);
}

/// If no column has the name in quotes, `SQLite` takes it for a text: every row would have the id
/// `ident`.
async fn a_column_that_there_is_not_is_an_error(kind: Kind) {
    let bank = Bank::open(kind, 4).await.with_things("INSERT INTO things (id) VALUES (7)").await;
    for path in ["/misspelt/id/ident", "/misspelt/column/7", "/misspelt/owner/7"] {
        let reply = bank.post(path).as_account("bob").send().await;
        reply.is_problem(500, "database-refused");
    }
    assert_eq!((bank.handler.runs(), bank.effects().await), (0, 0));
    assert_eq!(bank.number("SELECT count(*) FROM things WHERE status = 'created'").await, 1);
}

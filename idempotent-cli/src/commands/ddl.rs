//! `ddl`: the statements that make the table of records.

use crate::failure::{Ending, Failure};
use crate::options::Options;
use crate::output::{Answer, Output};
use crate::store::StoreKind;
use clap::{Args, ValueEnum};
use idempotent_runtime::{MySqlStore, PostgresStore, SqliteStore};
use serde::Serialize;

/// The arguments of `ddl`.
#[derive(Debug, Args)]
pub(crate) struct DdlArguments {
    /// The database. Without it, the one that the store's URL names; nothing connects to it.
    #[arg(value_name = "DATABASE")]
    dialect: Option<Dialect>,
}

/// A database with a table of records.
#[derive(Clone, Copy, Debug, Serialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
enum Dialect {
    Sqlite,
    Postgres,
    /// `MariaDB` too
    #[value(name = "mysql", alias = "mariadb")]
    MySql,
}

#[derive(Serialize)]
struct Statements {
    database: Dialect,
    sql: &'static str,
}

impl Answer for Statements {
    fn for_people(&self) -> String {
        format!("{}\n", self.sql.trim_end())
    }
}

/// Prints the statements.
pub(crate) fn run(
    arguments: &DdlArguments,
    options: &Options,
    output: &Output,
) -> Result<Ending, Failure> {
    let database = match (arguments.dialect, &options.store) {
        (Some(database), _) => database,
        (None, Some(url)) => match StoreKind::of(url)? {
            StoreKind::Sqlite => Dialect::Sqlite,
            StoreKind::Postgres => Dialect::Postgres,
            StoreKind::MySql => Dialect::MySql,
            StoreKind::Redis => {
                return Err(Failure::Usage(
                    "Redis has no tables: there is nothing to create".to_owned(),
                ));
            }
        },
        (None, None) => {
            let why =
                "name a database, `sqlite`, `postgres` or `mysql`, or a store by `--store URL`";
            return Err(Failure::Usage(why.to_owned()));
        }
    };
    let sql = match database {
        Dialect::Sqlite => SqliteStore::SCHEMA,
        Dialect::Postgres => PostgresStore::SCHEMA,
        Dialect::MySql => MySqlStore::SCHEMA,
    };
    output.answer(&Statements { database, sql })?;
    Ok(Ending::Done)
}

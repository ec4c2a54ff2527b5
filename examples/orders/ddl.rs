//! The tables, as SQL for somebody who may create them: `--print-ddl`.

use crate::business;
use crate::options::Options;
use idempotent_runtime::{MySqlStore, PostgresStore, SqliteStore};
use std::fmt::Write;

/// The SQL for the databases that these options name.
pub(crate) fn of(options: &Options) -> anyhow::Result<String> {
    let mut all = String::new();
    writeln!(all, "-- Records, in `--store`.")?;
    match records(&options.store) {
        Some(records) => writeln!(all, "{records}")?,
        None => writeln!(all, "-- It needs no table.")?,
    }
    if let Some((business, records)) =
        business::ddl(&options.database).zip(records(&options.database))
    {
        writeln!(all, "\n-- The shop, in `--database`.\n{business}")?;
        writeln!(all, "\n-- The records that commit with it, in `--database`.\n{records}")?;
    }
    Ok(all)
}

fn records(url: &str) -> Option<&'static str> {
    match url.split(':').next() {
        Some("sqlite") => Some(SqliteStore::SCHEMA),
        Some("postgres" | "postgresql") => Some(PostgresStore::SCHEMA),
        Some("mysql" | "mariadb") => Some(MySqlStore::SCHEMA),
        _ => None,
    }
}

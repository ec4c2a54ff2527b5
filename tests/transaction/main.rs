//! Guards in the business transaction: commits, rollbacks, and waiting for other transactions.

/// Makes a test of every behaviour for each database.
macro_rules! on_every_database {
    ($($behaviour:ident,)*) => {
        on_every_database!(@ sqlite Sqlite; $($behaviour,)*);
        on_every_database!(@ postgres Postgres; $($behaviour,)*);
        on_every_database!(@ mariadb MariaDb; $($behaviour,)*);
    };
    (@ $database:ident $kind:ident; $($behaviour:ident,)*) => {
        mod $database {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    super::$behaviour(crate::Kind::$kind).await;
                }
            )*
        }
    };
}

mod aborted;
mod bank;
mod dedup_table;
mod ended;
mod forgotten;
mod full_disk;
mod leaving;
mod names;
mod owners;
mod plans;
mod pool;
mod refused;
mod routes;
mod rows;
mod sealed;
mod servers;
mod set_last;
mod states;
mod streams;
mod turns;
mod unique;
mod versions;
mod waits;

use bank::{Bank, Kind};

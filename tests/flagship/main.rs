//! The flagship as a person starts it: real processes, real HTTP, real files and servers below.

/// Makes a test of every behaviour for each of these stores.
macro_rules! on {
    ($($store:ident)+: $behaviours:tt) => {
        $(on!(@ $store $behaviours);)+
    };
    (@ $store:ident [$($behaviour:ident,)*]) => {
        mod $store {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    super::$behaviour(crate::Records::$store()).await;
                }
            )*
        }
    };
}

mod accounts;
mod document;
mod drained;
mod inspector;
mod keys;
mod killed;
mod metrics;
mod money;
mod notes;
mod options;
mod phones;
mod processes;
mod records;
mod restarted;
mod rights;
mod routes;
mod rows;
mod shop;
mod signed;
mod simulated;
mod tasks;
mod tokens;
mod users;
mod welcome;

use records::Records;
use shop::Shop;

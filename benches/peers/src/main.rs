//! Other crates, servers written by hand, and this project: the same handler and the same load, in turns.
//!
//! One server at a time gets requests, alone on one core; the load and Redis share the other. Each answer is read
//! and compared, so that a wrong answer stops the run. `README.md` says how to run it.

mod by_hand;
mod load;
mod on_actix;
mod on_axum;
mod on_engine;
mod process;
mod table;
mod target;

use std::env;
use target::Target;

/// The body of requests and answers of all targets: forty bytes.
#[derive(Clone, serde::Deserialize, serde::Serialize)]
struct Order {
    sku: String,
    quantity: u32,
}

/// `peers [ROUNDS] [REDIS-SERVER]` measures; `peers serve TARGET ADDRESS REDIS` is one of the measured servers.
fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        ["serve", name, address, redis] => {
            let target = Target::ALL.iter().find(|target| target.name == name);
            (target.expect("one of the targets").serve)(address, redis);
        }
        _ => {
            let rounds = arguments.first().map_or(15, |rounds| rounds.parse().expect("rounds"));
            let redis = arguments.get(1).copied().unwrap_or("redis-server");
            table::measure(rounds, redis, arguments.get(2..).unwrap_or_default());
        }
    }
}

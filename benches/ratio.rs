//! Two servers in turns, so that whatever else the machine does meets both alike.

use crate::{Load, Requests};
use std::time::Duration;

/// What one side of a comparison is.
#[derive(Debug)]
pub struct Round<'a> {
    /// The guarded server.
    pub guarded: &'a Load,
    /// The hand-written one.
    pub floor: &'a Load,
    /// Which keys both are sent.
    pub requests: Requests,
}

/// Rounds of a comparison, each this long on each side.
const ROUNDS: usize = 41;
const TIME: Duration = Duration::from_millis(250);

/// Runs both sides in turns and prints a row: rates, and the median ratio with its range.
pub async fn compare(name: &str, round: &Round<'_>) {
    let mut ratios = Vec::new();
    let mut rates = (Vec::new(), Vec::new());
    // A first turn to warm up, which does not count.
    for turn in 0..=ROUNDS {
        let floor = round.floor.run(round.requests, TIME).await;
        let guarded = round.guarded.run(round.requests, TIME).await;
        if turn > 0 {
            ratios.push(guarded / floor);
            rates.0.push(floor);
            rates.1.push(guarded);
        }
    }
    ratios.sort_by(f64::total_cmp);
    println!(
        "| {name} | {:.0} | {:.0} | **{:.2}** | {:.2}–{:.2} |",
        median(rates.0),
        median(rates.1),
        median(ratios.clone()),
        ratios[0],
        ratios[ratios.len() - 1],
    );
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

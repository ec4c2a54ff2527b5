//! Two servers in turns, so that other work of the machine affects both alike.

use crate::{Load, Requests};
use std::time::Duration;

/// One side of a comparison.
#[derive(Debug)]
pub struct Round<'a> {
    /// The guarded server.
    pub guarded: &'a Load,
    /// The hand-written one.
    pub floor: &'a Load,
    /// The keys that both get.
    pub requests: Requests,
}

/// The number of rounds of a comparison, and how long each turn is.
const ROUNDS: usize = 41;
const TIME: Duration = Duration::from_millis(250);

/// Runs both sides in turns and prints a row: rates, and the median ratio with its range.
pub async fn compare(name: &str, round: &Round<'_>) {
    let mut rates = (Vec::new(), Vec::new());
    // A first turn to warm up, which does not count.
    for turn in 0..=ROUNDS {
        let floor = round.floor.run(round.requests, TIME).await;
        let guarded = round.guarded.run(round.requests, TIME).await;
        if turn > 0 {
            rates.0.push(floor);
            rates.1.push(guarded);
        }
    }
    row(name, rates.0, rates.1);
}

/// Prints a row of rates that were measured in turns: medians, and the median ratio with its range.
pub fn row(name: &str, floor: Vec<f64>, guarded: Vec<f64>) {
    let mut ratios: Vec<_> = guarded.iter().zip(&floor).map(|(ours, floor)| ours / floor).collect();
    ratios.sort_by(f64::total_cmp);
    println!(
        "| {name} | {:.0} | {:.0} | **{:.2}** | {:.2}–{:.2} |",
        median(floor),
        median(guarded),
        median(ratios.clone()),
        ratios[0],
        ratios[ratios.len() - 1],
    );
}

/// The value in the middle.
#[must_use]
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

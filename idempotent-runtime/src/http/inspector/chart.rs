//! A chart of the last minutes: a bar for each slot of time, stacked by groups of outcomes.

use crate::http::inspector::words::shown;
use crate::observe::{SLOT, SLOTS, TotalSeen};
use std::fmt::Write as _;

/// The width of a slot and the height of the chart, in its own units.
const SLOT_WIDTH: usize = 6;
const HEIGHT: f64 = 36.0;

/// The groups in the order in which they are stacked; each has a colour.
pub(super) const GROUPS: [(&str, &str); 4] = [
    ("ran", "ran"),
    ("replayed", "replayed or done before"),
    ("refused", "refused, or left"),
    ("failed", "failed, unknown or unguarded"),
];

/// The group of an outcome, or of the state of a task or message.
pub(super) fn group(outcome: &str) -> &'static str {
    match outcome {
        "ran" | "accepted" | "started" | "succeeded" | "done" | "unkeyed" | "not-kept"
        | "taken-over" => "ran",
        "replayed" | "already-done" => "replayed",
        "failed" | "panicked" | "handler-panicked" | "outcome-unknown" | "store-unavailable"
        | "unguarded" | "held" | "dead" => "failed",
        _ => "refused",
    }
}

/// The numbers of the last minutes: for each slot, one number for each group.
fn stacked(outcomes: &[(&'static str, TotalSeen)]) -> [[u32; SLOTS]; GROUPS.len()] {
    let mut stacked = [[0; SLOTS]; GROUPS.len()];
    for (outcome, total) in outcomes {
        let at = GROUPS.iter().position(|(name, _)| *name == group(outcome)).unwrap_or_default();
        for (sum, count) in stacked[at].iter_mut().zip(total.recent) {
            *sum += count;
        }
    }
    stacked
}

/// The chart of an operation, with a text for people who cannot see it.
pub(super) fn chart(operation: &str, outcomes: &[(&'static str, TotalSeen)]) -> String {
    let stacked = stacked(outcomes);
    let slot_sum = |slot: usize| stacked.iter().map(|group| group[slot]).sum::<u32>();
    let highest = (0..SLOTS).map(slot_sum).max().unwrap_or_default();
    let scale = HEIGHT / f64::from(highest.max(1));
    let mut below = [0; SLOTS];
    let mut paths = String::new();
    for ((name, _), counts) in GROUPS.iter().zip(&stacked) {
        let mut path = String::new();
        for (slot, count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            let (height, left) = (f64::from(*count) * scale, slot * SLOT_WIDTH);
            below[slot] += count;
            let top = HEIGHT - f64::from(below[slot]) * scale;
            let right = SLOT_WIDTH - 1;
            let _infallible = write!(path, "M{left} {top:.2}h{right}v{height:.2}h-{right}z");
        }
        let _infallible = write!(paths, "<path class=\"{name}\" d=\"{path}\"/>");
    }
    let (width, minutes) = (SLOTS * SLOT_WIDTH, SLOTS as u64 * SLOT.as_secs() / 60);
    let words = in_words(&stacked);
    format!(
        "<svg class=\"chart\" viewBox=\"0 0 {width} {HEIGHT}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{operation} in the last {minutes} minutes: {words}\">{paths}</svg>\
         <p class=\"scale\">{minutes} minutes, at most {highest} in {seconds} s</p>",
        operation = shown(operation),
        seconds = SLOT.as_secs(),
    )
}

fn in_words(stacked: &[[u32; SLOTS]; GROUPS.len()]) -> String {
    let sums = GROUPS.iter().zip(stacked).map(|((_, words), counts)| {
        let sum: u32 = counts.iter().sum();
        (sum > 0).then(|| format!("{sum} {words}"))
    });
    let words: Vec<_> = sums.flatten().collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_stacked_in_slots_and_told_in_words() {
        let total = |counts: [u32; 2]| {
            let mut recent = [0; SLOTS];
            recent[SLOTS - 2..].copy_from_slice(&counts);
            TotalSeen { all: 9, recent }
        };
        let outcomes =
            [("ran", total([1, 2])), ("replayed", total([0, 2])), ("left", total([0, 0]))];
        let drawn = chart("POST /<", &outcomes);
        assert!(drawn.contains("POST /&lt; in the last 5 minutes: 3 ran, 2 replayed"), "{drawn}");
        assert!(drawn.contains("d=\"M168 27.00h5v9.00h-5zM174 18.00h5v18.00h-5z\""), "{drawn}");
        assert!(drawn.contains("class=\"replayed\" d=\"M174 0.00h5v18.00h-5z\""), "{drawn}");
        assert!(drawn.contains("at most 4 in 10 s"), "{drawn}");
        assert!(chart("none", &[]).contains("minutes: nothing"));
    }
}

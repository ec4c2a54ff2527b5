//! The progress of a command that takes long, for a person at a terminal.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// The interval at which the spinner is drawn.
const TURN: Duration = Duration::from_millis(120);

/// A count on stderr, if that is a terminal. It is removed at the end.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A count of things whose number nobody knows yet.
    pub(crate) fn counting(things: &'static str) -> Self {
        let bar = ProgressBar::new_spinner();
        let style = ProgressStyle::with_template(&format!(
            "{{spinner}} {{human_pos}} {things}, {{elapsed}}"
        ));
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        bar.enable_steady_tick(TURN);
        Self(bar)
    }

    /// Adds this number of things to the count.
    pub(crate) fn more(&self, things: u64) {
        self.0.inc(things);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

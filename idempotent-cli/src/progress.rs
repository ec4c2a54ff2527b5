//! The progress of a command that takes long, for a person who looks.

use indicatif::{ProgressBar, ProgressStyle};
use std::time::Duration;

/// How often what turns is drawn anew.
const TURN: Duration = Duration::from_millis(120);

/// Counts on stderr, if that is a terminal, and is gone afterwards.
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

    /// So many more are done.
    pub(crate) fn more(&self, things: u64) {
        self.0.inc(things);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

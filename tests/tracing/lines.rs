//! The trace lines of this crate and of handlers, as a subscriber writes them.

use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use tests::eventually;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::FmtSpan;

/// The lines of this process, at the level `trace`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// Reads. The first call in the process begins to collect lines.
    pub(crate) fn read() -> &'static Self {
        static LINES: OnceLock<Lines> = OnceLock::new();
        LINES.get_or_init(|| {
            let lines = Self::default();
            tracing_subscriber::fmt()
                .with_env_filter(EnvFilter::new("off,idempotent_runtime=trace,handler=trace"))
                .with_span_events(FmtSpan::NEW | FmtSpan::CLOSE)
                .with_ansi(false)
                .with_writer(lines.clone())
                .init();
            lines
        })
    }

    /// All lines so far.
    pub(crate) fn all(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no panic")).into_owned()
    }

    /// The lines that contain all of these texts.
    pub(crate) fn with(&self, parts: &[&str]) -> Vec<String> {
        let all = self.all();
        let lines = all.lines().filter(|line| parts.iter().all(|part| line.contains(part)));
        lines.map(str::to_owned).collect()
    }

    /// The first line that contains all of these texts. Waits for it.
    pub(crate) async fn has(&self, parts: &[&str]) -> String {
        eventually(&format!("{parts:?}"), async || self.with(parts).into_iter().next()).await
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

//! The thin end on Redis: consumer groups of streams.
//!
//! What is delivered is pending in its group until it is acknowledged, with the time since somebody
//! last touched it. Whoever works on an entry touches it again and again; one that nobody touched for
//! the full time is taken over. To give an entry back for later is to say that it was touched so long
//! ago that the full time is over then: nothing of a delay lives in a process that can die.

mod group;
mod session;

use crate::message::consume::source::{Broken, ConsumeError, Source};
use crate::store::redis::{Endpoint, RedisConnections};
use group::{Group, broken};
use session::Reading;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// A stream of Redis 7.0 or later, or Valkey 8 or later, consumed by a group.
///
/// The group is made if it is missing, from the beginning of the stream. A payload is the field
/// `payload` of an entry; the other fields are its headers. Dead letters are entries of the stream
/// `{stream}:dead`, with their fields and `idempotency-reason`, `idempotency-attempts` and
/// `idempotency-id`. What is acknowledged stays in the stream until its publisher trims it.
///
/// No delay is longer than the time after which entries are taken over.
pub struct RedisStream {
    settings: Settings,
    /// This consumer, through all of its connections.
    group: OnceLock<Arc<Group>>,
}

#[derive(Clone)]
struct Settings {
    url: String,
    stream: String,
    group: String,
    dead: String,
    field: String,
    idle: Duration,
}

impl RedisStream {
    /// A stream and a group of it, on the server of this URL, which takes every form that
    /// `RedisStore::connect` takes.
    ///
    /// # Errors
    /// When the URL is none. Nothing is connected yet.
    pub fn new(
        url: impl Into<String>,
        stream: impl Into<String>,
        group: impl Into<String>,
    ) -> Result<Self, ConsumeError> {
        let (url, stream, group) = (url.into(), stream.into(), group.into());
        Endpoint::of(&url)
            .map_err(|error| ConsumeError::Unusable(format!("no URL of Redis: {error}")))?;
        let (dead, field) = (format!("{stream}:dead"), "payload".to_owned());
        let idle = Duration::from_secs(30);
        let settings = Settings { url, stream, group, dead, field, idle };
        Ok(Self { settings, group: OnceLock::new() })
    }

    /// The field of an entry that is its payload. Defaults to `payload`.
    #[must_use]
    pub fn payload_field(mut self, name: impl Into<String>) -> Self {
        self.settings.field = name.into();
        self
    }

    /// The stream that dead letters go to. Defaults to `{stream}:dead`.
    #[must_use]
    pub fn dead_letters(mut self, stream: impl Into<String>) -> Self {
        self.settings.dead = stream.into();
        self
    }

    /// After how long an entry is taken over from a consumer that is gone. Defaults to 30 seconds.
    ///
    /// All consumers of a group must be given the same. Who works on an entry says so at a third of it.
    #[must_use]
    pub fn take_over_after(mut self, idle: Duration) -> Self {
        self.settings.idle = idle.max(Duration::from_millis(10));
        self
    }
}

impl Source for RedisStream {
    type Session = Reading;

    fn describe(&self) -> String {
        let Settings { url, stream, .. } = &self.settings;
        let server = Endpoint::of(url).map(|endpoint| endpoint.describe()).unwrap_or_default();
        format!("the stream `{stream}` of {server}")
    }

    async fn open(&self, _prefetch: u16) -> Result<Reading, Broken> {
        let url = &self.settings.url;
        let endpoint = Endpoint::of(url).map_err(broken)?;
        let waits = Endpoint::blocking(url, session::BLOCK).map_err(broken)?;
        let group = self.group.get_or_init(|| {
            let group = Arc::new(Group::new(&self.settings, RedisConnections::new(endpoint)));
            drop(tokio::spawn(keep(Arc::downgrade(&group), group.idle() / 3)));
            group
        });
        group.make().await.map_err(broken)?;
        let reads = waits.connect().await.map_err(broken)?;
        Ok(Reading::new(Arc::clone(group), reads))
    }
}

impl fmt::Debug for RedisStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisStream").field(&self.describe()).finish()
    }
}

/// Touches what is worked on, at a third of the time after which it would be taken over; as long as
/// there is anybody who could work on it.
async fn keep(group: Weak<Group>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(group) = group.upgrade() else { return };
        if let Err(error) = group.keep().await {
            tracing::warn!(%error, "entries that are worked on could not be kept");
        }
    }
}

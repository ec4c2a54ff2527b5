//! A Redis stream and its group, as an application names them.

use crate::message::consume::source::{
    BrokenConnection, ConsumeError, QueueSession, Source, answers,
};
use crate::message::consume::stream::group::{Group, StreamSettings};
use crate::message::consume::stream::redrive::redrive;
use crate::message::consume::stream::session::{BLOCK, StreamSession};
use crate::store::redis::{Endpoint, RedisConnections};
use ::redis::cmd;
use std::fmt;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;
use tokio::time::MissedTickBehavior;

/// A stream of Redis 7.0 or later, or Valkey 8 or later, consumed by a group.
///
/// If the group is missing, it is created at the beginning of the stream. The payload is the field `payload`
/// of an entry; the other fields are its headers. Dead letters are entries of the stream `{stream}:dead`,
/// with their fields and `idempotency-reason`, `idempotency-attempts` and `idempotency-id`. An acknowledged
/// entry stays in the stream until its publisher trims the stream.
///
/// No delay is longer than the time after which entries are taken over. When a consumer connects, it removes
/// the names of consumers that were idle for a day and hold no entry.
pub struct RedisStream {
    settings: StreamSettings,
    /// The consumer, the same for all of its connections.
    group: OnceLock<Arc<Group>>,
}

impl RedisStream {
    /// Names a stream and its group, on the server of this URL, which may have every form that
    /// `RedisStore::connect` accepts.
    ///
    /// # Errors
    /// When the URL is not a Redis URL. Nothing is connected yet.
    pub fn new(
        url: impl Into<String>,
        stream: impl Into<String>,
        group: impl Into<String>,
    ) -> Result<Self, ConsumeError> {
        let (url, stream, group) = (url.into(), stream.into(), group.into());
        let endpoint = Endpoint::of(&url)
            .map_err(|error| ConsumeError::Unusable(format!("not a Redis URL: {error}")))?;
        for finding in endpoint.in_clear() {
            tracing::warn!(server = endpoint.describe(), "{finding}");
        }
        let (dead_letters, payload_field) = (format!("{stream}:dead"), "payload".to_owned());
        let take_over_after = Duration::from_secs(30);
        let forget_after = Duration::from_hours(24);
        let settings = StreamSettings {
            url,
            stream,
            group,
            dead_letters,
            payload_field,
            take_over_after,
            forget_after,
        };
        Ok(Self { settings, group: OnceLock::new() })
    }

    /// Sets the name of the field with the payload. Defaults to `payload`.
    #[must_use]
    pub fn payload_field(mut self, name: impl Into<String>) -> Self {
        self.settings.payload_field = name.into();
        self
    }

    /// Sets the stream for dead letters. Defaults to `{stream}:dead`.
    #[must_use]
    pub fn dead_letters(mut self, stream: impl Into<String>) -> Self {
        self.settings.dead_letters = stream.into();
        self
    }

    /// Sets the time after which an entry is taken over from a consumer that is gone. Defaults to 30 seconds.
    ///
    /// All consumers of a group must set the same time. A consumer touches its entries each time a third of
    /// it has passed.
    #[must_use]
    pub fn take_over_after(mut self, idle: Duration) -> Self {
        self.settings.take_over_after = idle.max(Duration::from_millis(10));
        self
    }

    /// For tests: sets the time after which the names of consumers are removed.
    #[doc(hidden)]
    #[must_use]
    pub fn forget_after(mut self, idle: Duration) -> Self {
        self.settings.forget_after = idle;
        self
    }

    /// Puts at most this many dead letters back into the stream, the oldest first, and returns their number.
    ///
    /// Each of them begins anew, without its reason and its attempts, and keeps its ID for handlers. A dead
    /// letter that is added in another way, with all its fields, begins anew, too.
    ///
    /// # Errors
    /// When the server does not answer or refuses. Dead letters that were put back until then stay in the stream.
    pub async fn redrive(&self, at_most: usize) -> Result<usize, ConsumeError> {
        let moved = redrive(&self.settings, at_most).await;
        moved.map_err(|broken| broken.of(self.describe()))
    }
}

impl RedisStream {
    /// Checks that the server answers on a new connection within this time: for a readiness probe.
    ///
    /// # Errors
    /// When it does not answer in time, or answers with an error.
    pub async fn ping(&self, within: Duration) -> Result<(), ConsumeError> {
        let asked = async {
            let mut connection = Endpoint::of(&self.settings.url)?.connect().await?;
            Ok(cmd("PING").exec_async(&mut connection).await?)
        };
        answers(self, within, asked).await
    }
}

impl Source for RedisStream {
    fn describe(&self) -> String {
        let StreamSettings { url, stream, .. } = &self.settings;
        let server = Endpoint::of(url).map(|endpoint| endpoint.describe()).unwrap_or_default();
        format!("the stream `{stream}` of {server}")
    }

    async fn open(&self, _prefetch: u16) -> Result<impl QueueSession, BrokenConnection> {
        let url = &self.settings.url;
        let endpoint = Endpoint::of(url)?;
        let waits = Endpoint::blocking(url, BLOCK)?;
        let group = self.group.get_or_init(|| {
            let group = Arc::new(Group::new(&self.settings, RedisConnections::new(endpoint)));
            let every = group.take_over_after() / 3;
            drop(tokio::spawn(touch_regularly(Arc::downgrade(&group), every)));
            group
        });
        group.create().await?;
        group.tidy().await?;
        let reads = waits.connect().await?;
        Ok(StreamSession::new(Arc::clone(group), reads))
    }
}

impl fmt::Debug for RedisStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RedisStream").field(&self.describe()).finish()
    }
}

/// Touches the entries that are being worked on, as long as the consumer exists.
async fn touch_regularly(group: Weak<Group>, every: Duration) {
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let Some(group) = group.upgrade() else { return };
        if let Err(error) = group.touch_held().await {
            tracing::warn!(%error, "entries could not be touched; another consumer may take them over");
        }
    }
}

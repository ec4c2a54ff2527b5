//! A consumer of a group: its commands to the server.

use crate::clock::millis;
use crate::message::consume::decide::{DeadLetterReason, Settlement};
use crate::message::consume::source::BrokenConnection;
use crate::message::consume::stream::entry::StreamEntry;
use crate::store::redis::{RedisConnection, RedisConnections};
use ::redis::{Cmd, FromRedisValue, RedisResult, Script, cmd, from_redis_value};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The names of a stream and of its group, and the settings that its consumers share.
#[derive(Clone)]
pub(super) struct StreamSettings {
    pub(super) url: String,
    pub(super) stream: String,
    pub(super) group: String,
    pub(super) dead_letters: String,
    pub(super) payload_field: String,
    pub(super) take_over_after: Duration,
}

/// A consumer of a group.
pub(super) struct Group {
    settings: StreamSettings,
    connections: RedisConnections,
    /// The name of this consumer, which no other has.
    name: String,
    /// The attempts of the entries that are worked on. Locked while the server is told of them, so that an
    /// entry that is given back is not touched once more.
    held: tokio::sync::Mutex<HashMap<String, u32>>,
    /// The times at which entries that were given back may be taken over.
    dues: Mutex<BTreeSet<Instant>>,
    take_over_script: Script,
    touch_script: Script,
    leave_script: Script,
}

/// The fields of an entry, names and values in turn.
type Fields = Vec<Vec<u8>>;

/// Entries that were delivered to nobody before, by their IDs.
type NewEntries = Vec<(String, Fields)>;

impl Group {
    pub(super) fn new(settings: &StreamSettings, connections: RedisConnections) -> Self {
        Self {
            settings: settings.clone(),
            connections,
            name: format!("{:032x}", rand::random::<u128>()),
            held: tokio::sync::Mutex::default(),
            dues: Mutex::default(),
            take_over_script: Script::new(include_str!("take_over.lua")),
            touch_script: Script::new(include_str!("touch.lua")),
            leave_script: Script::new(include_str!("leave.lua")),
        }
    }

    pub(super) fn payload_field(&self) -> &str {
        &self.settings.payload_field
    }

    pub(super) fn take_over_after(&self) -> Duration {
        self.settings.take_over_after
    }

    /// Creates the group, and the stream, if they are missing.
    pub(super) async fn create(&self) -> RedisResult<()> {
        let mut create = cmd("XGROUP");
        create.arg("CREATE").arg(&self.settings.stream).arg(&self.settings.group).arg("0");
        match self.send::<()>(create.arg("MKSTREAM")).await {
            Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
            answer => answer,
        }
    }

    /// Reads new entries, if there are some within this time.
    pub(super) async fn read_new(
        &self,
        reads: &mut RedisConnection,
        at_most: usize,
        wait: Duration,
    ) -> RedisResult<Vec<StreamEntry>> {
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(&self.settings.group).arg(&self.name);
        read.arg("COUNT").arg(at_most).arg("BLOCK").arg(millis(wait).max(1));
        read.arg("STREAMS").arg(&self.settings.stream).arg(">");
        let streams: Option<Vec<(String, NewEntries)>> = read.query_async(reads).await?;
        let entries = streams.into_iter().flatten().flat_map(|(_, entries)| entries);
        let entries = entries.map(|(id, fields)| StreamEntry::new(id, 1, fields));
        Ok(self.hold(entries).await)
    }

    /// Takes over entries that were given back for now, or left behind.
    pub(super) async fn take_over(&self, at_most: usize) -> RedisResult<Vec<StreamEntry>> {
        let mut call = self.take_over_script.key(&self.settings.stream);
        call.arg(&self.settings.group)
            .arg(&self.name)
            .arg(millis(self.take_over_after()))
            .arg(at_most);
        let entries: Vec<(String, u32, Fields)> = self.connections.invoke(&call).await?;
        let entry = |(id, attempt, fields)| StreamEntry::new(id, attempt, fields);
        Ok(self.hold(entries.into_iter().map(entry)).await)
    }

    /// Holds entries, but for those that are worked on already: they could not be touched for a while.
    async fn hold(&self, entries: impl Iterator<Item = StreamEntry>) -> Vec<StreamEntry> {
        let mut held = self.held.lock().await;
        let mut added = Vec::new();
        for entry in entries {
            if !held.contains_key(&entry.id) {
                held.insert(entry.id.clone(), entry.attempt);
                added.push(entry);
            }
        }
        added
    }

    /// Touches every entry that is worked on.
    pub(super) async fn touch_held(&self) -> RedisResult<()> {
        let held = self.held.lock().await;
        if held.is_empty() {
            return Ok(());
        }
        self.touch(held.iter().map(|(id, attempt)| (&**id, Duration::ZERO, *attempt))).await
    }

    /// Settles an entry of this consumer.
    pub(super) async fn settle(
        &self,
        entry: &StreamEntry,
        settlement: Settlement,
    ) -> Result<(), BrokenConnection> {
        let settled = match settlement {
            Settlement::Acknowledge => self.acknowledge(&entry.id).await,
            Settlement::Later { after, attempts } => {
                self.give_back(&entry.id, after, attempts).await
            }
            Settlement::DeadLetter(reason) => self.dead_letter(entry, &reason).await,
            Settlement::Leave => {
                let attempts = entry.attempt.saturating_sub(1);
                self.give_back(&entry.id, Duration::ZERO, attempts).await
            }
        };
        // Settled or not, nobody works on it here any more.
        self.held.lock().await.remove(&entry.id);
        Ok(settled?)
    }

    /// Lets any consumer take over an entry after this time, with this number of attempts behind it.
    async fn give_back(&self, id: &str, after: Duration, attempts: u32) -> RedisResult<()> {
        let after = after.min(self.take_over_after());
        let idle = self.take_over_after().saturating_sub(after);
        let mut held = self.held.lock().await;
        held.remove(id);
        self.touch([(id, idle, attempts)].into_iter()).await?;
        self.lock_dues().insert(Instant::now() + after);
        Ok(())
    }

    async fn touch<'a>(
        &self,
        entries: impl Iterator<Item = (&'a str, Duration, u32)>,
    ) -> RedisResult<()> {
        let mut call = self.touch_script.key(&self.settings.stream);
        call.arg(&self.settings.group).arg(&self.name);
        for (id, idle, attempts) in entries {
            call.arg(id).arg(millis(idle)).arg(attempts);
        }
        self.connections.invoke(&call).await
    }

    async fn acknowledge(&self, id: &str) -> RedisResult<()> {
        let mut ack = cmd("XACK");
        ack.arg(&self.settings.stream).arg(&self.settings.group).arg(id);
        self.send(&ack).await
    }

    async fn dead_letter(&self, entry: &StreamEntry, reason: &DeadLetterReason) -> RedisResult<()> {
        let StreamEntry { id, attempt, fields } = entry;
        let mut add = cmd("XADD");
        add.arg(&self.settings.dead_letters).arg("*");
        for field in fields {
            add.arg(&field[..]);
        }
        add.arg("idempotency-reason").arg(reason.to_string());
        add.arg("idempotency-attempts").arg(attempt).arg("idempotency-id").arg(id);
        self.send::<()>(&add).await?;
        self.acknowledge(id).await
    }

    /// Leaves the group, if no entry of it is this consumer's any more.
    pub(super) async fn leave(&self) -> RedisResult<()> {
        let mut call = self.leave_script.key(&self.settings.stream);
        call.arg(&self.settings.group).arg(&self.name);
        self.connections.invoke(&call).await
    }

    /// The time until an entry that was given back is due. One that is due is told once.
    pub(super) fn next_due(&self) -> Option<Duration> {
        let mut dues = self.lock_dues();
        let due = dues.first().map(|due| due.saturating_duration_since(Instant::now()));
        if due.is_some_and(|due| due.is_zero()) {
            let later = dues.split_off(&Instant::now());
            *dues = later;
        }
        due
    }

    async fn send<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        from_redis_value(self.connections.send(command).await?).map_err(Into::into)
    }

    fn lock_dues(&self) -> std::sync::MutexGuard<'_, BTreeSet<Instant>> {
        self.dues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

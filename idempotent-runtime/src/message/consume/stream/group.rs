//! A consumer of a group, and its commands to the server.

use crate::clock::{Clock, SystemClock, millis};
use crate::message::consume::decide::Settlement;
use crate::message::consume::history::History;
use crate::message::consume::source::{Arrival, BrokenConnection};
use crate::message::consume::stream::dues::Dues;
use crate::message::consume::stream::entry::StreamEntry;
use crate::message::consume::stream::notices::{TakeOverNotice, tell_trimmed};
use crate::message::consume::stream::past;
use crate::message::delivered::DeliveredCalls;
use crate::store::redis::{RedisConnection, RedisConnections};
use ::redis::{Cmd, FromRedisValue, RedisResult, Script, cmd, from_redis_value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// The names of a stream and its group, and the settings that all consumers of the group share.
#[derive(Clone)]
pub(super) struct StreamSettings {
    pub(super) url: String,
    pub(super) stream: String,
    pub(super) group: String,
    pub(super) dead_letters: String,
    pub(super) payload_field: String,
    pub(super) take_over_after: Duration,
    /// The time after which the name of a consumer is removed that is idle and has no entries.
    pub(super) forget_after: Duration,
}

/// A consumer of a group.
pub(super) struct Group {
    settings: StreamSettings,
    connections: RedisConnections,
    /// The key of the hash with the histories of the group's entries.
    pasts: String,
    /// The name of this consumer, which no other consumer has.
    name: String,
    /// The entries that are being worked on. The lock is held while the server is told about them, so that an
    /// entry that is given back is not touched again.
    held: tokio::sync::Mutex<HashMap<String, u32>>,
    /// The calls of entries that could not be settled, because the server did not answer.
    unsettled: Mutex<HashMap<String, Arc<DeliveredCalls>>>,
    /// The times at which entries that were given back may be taken over.
    pub(super) dues: Dues,
    notice: TakeOverNotice,
    take_over_script: Script,
    touch_script: Script,
    begin_anew_script: Script,
    leave_script: Script,
}

/// The fields of an entry: names and values, in turn.
pub(super) type Fields = Vec<Vec<u8>>;

/// An entry that was taken over: its ID, the way in which it arrived, its history and its fields.
type TakenOver = (String, String, String, Fields);

/// The number of entries that could not be settled, above which their calls are forgotten.
const UNSETTLED: usize = 10_000;

/// Entries that were never delivered before, with their IDs.
pub(super) type NewEntries = Vec<(String, Fields)>;

impl Group {
    pub(super) fn new(settings: &StreamSettings, connections: RedisConnections) -> Self {
        Self {
            settings: settings.clone(),
            connections,
            pasts: past::key(&settings.stream, &settings.group),
            name: format!("{:032x}", rand::random::<u128>()),
            held: tokio::sync::Mutex::default(),
            unsettled: Mutex::default(),
            dues: Dues::default(),
            notice: TakeOverNotice::default(),
            take_over_script: Script::new(include_str!("take_over.lua")),
            touch_script: Script::new(include_str!("touch.lua")),
            begin_anew_script: Script::new(include_str!("begin_anew.lua")),
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

    /// Reads new entries, if some arrive within this time.
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
        let new = || History::beginning(SystemClock::new().wall());
        let entries =
            entries.map(|(id, fields)| StreamEntry::new(id, new(), Arrival::Delivered, fields));
        Ok(self.hold(entries).await)
    }

    /// Takes over entries that were given back to be redelivered, or left behind by a consumer that is gone.
    pub(super) async fn take_over(&self, at_most: usize) -> RedisResult<Vec<StreamEntry>> {
        let mut call = self.take_over_script.key(&self.settings.stream);
        call.key(&self.pasts)
            .arg(&self.settings.group)
            .arg(&self.name)
            .arg(millis(self.take_over_after()))
            .arg(at_most)
            .arg(millis(SystemClock::new().wall()));
        let (entries, trimmed): (Vec<TakenOver>, u64) = self.connections.invoke(&call).await?;
        let StreamSettings { stream, group, .. } = &self.settings;
        let orphans = entries.iter().filter(|(_, way, ..)| way == "orphan").count();
        // If as many came as were wanted, there may be more.
        let is_full = entries.len() >= at_most;
        let quiet = if is_full { Duration::MAX } else { self.take_over_after() };
        self.notice.looked(stream, group, orphans, quiet);
        tell_trimmed(stream, group, trimmed);
        Ok(self.hold(entries.into_iter().map(|taken| self.taken_over(taken))).await)
    }

    fn taken_over(&self, (id, way, past, fields): TakenOver) -> StreamEntry {
        let (written, now) = (past::read(&past), SystemClock::new().wall());
        let has_past = written.is_some();
        let mut history = written.unwrap_or_else(|| History::beginning(now));
        // This process lives: it never received the entry, or could not tell the server that it was done.
        if way == "own" {
            let calls = self.lock_unsettled().remove(&id);
            history.claimed |= calls.is_some_and(|calls| calls.has_claimed());
        }
        // The consumer that had it before has begun its last look.
        let is_over = way != "back" && history.given_up.is_some();
        let arrival = if is_over { Arrival::Orphaned } else { Arrival::Delivered };
        let mut entry = StreamEntry::new(id, history, arrival, fields);
        entry.has_past = has_past;
        entry
    }

    /// Holds entries, except those that are being worked on already, which could not be touched for a while.
    async fn hold(&self, entries: impl Iterator<Item = StreamEntry>) -> Vec<StreamEntry> {
        let mut held = self.held.lock().await;
        let mut added = Vec::new();
        for entry in entries {
            if !held.contains_key(&entry.id) {
                held.insert(entry.id.clone(), entry.history.attempt());
                added.push(entry);
            }
        }
        added
    }

    /// Touches every entry that is being worked on.
    pub(super) async fn touch_held(&self) -> RedisResult<()> {
        let held = self.held.lock().await;
        if held.is_empty() {
            return Ok(());
        }
        let touched =
            held.iter().map(|(id, attempt)| (&**id, Duration::ZERO, *attempt, String::new()));
        self.touch(touched).await
    }

    /// Settles an entry of this consumer.
    pub(super) async fn settle(
        &self,
        entry: &StreamEntry,
        settlement: Settlement,
    ) -> Result<(), BrokenConnection> {
        let settled = match settlement {
            Settlement::Acknowledge => self.acknowledge(entry).await,
            Settlement::Later { after, history } => {
                self.give_back(&entry.id, after, &history).await
            }
            Settlement::DeadLetter { reason, history } => {
                self.dead_letter(entry, &reason.0, history.attempts()).await
            }
            Settlement::BeginAnew => self.begin_anew(entry).await,
            Settlement::Leave => self.give_back(&entry.id, Duration::ZERO, &entry.history).await,
        };
        // Even if it could not be settled, this process does not work on it any more.
        self.held.lock().await.remove(&entry.id);
        if settled.is_err() {
            let mut unsettled = self.lock_unsettled();
            if unsettled.len() > UNSETTLED {
                unsettled.clear();
            }
            unsettled.insert(entry.id.clone(), Arc::clone(&entry.calls));
        }
        Ok(settled?)
    }

    /// Allows any consumer to take over an entry after this time, with this history.
    async fn give_back(&self, id: &str, after: Duration, history: &History) -> RedisResult<()> {
        let after = after.min(self.take_over_after());
        let idle = self.take_over_after().saturating_sub(after);
        let mut held = self.held.lock().await;
        held.remove(id);
        let back = (id, idle, history.attempts(), past::given_back(history));
        self.touch(std::iter::once(back)).await?;
        self.dues.add(after);
        Ok(())
    }

    async fn touch<'a>(
        &self,
        entries: impl Iterator<Item = (&'a str, Duration, u32, String)>,
    ) -> RedisResult<()> {
        let mut call = self.touch_script.key(&self.settings.stream);
        call.key(&self.pasts).arg(&self.settings.group).arg(&self.name);
        for (id, idle, attempts, past) in entries {
            call.arg(id).arg(millis(idle)).arg(attempts).arg(past);
        }
        let StreamSettings { stream, group, .. } = &self.settings;
        tell_trimmed(stream, group, self.connections.invoke(&call).await?);
        Ok(())
    }

    async fn acknowledge(&self, StreamEntry { id, has_past, .. }: &StreamEntry) -> RedisResult<()> {
        let mut ack = cmd("XACK");
        ack.arg(&self.settings.stream).arg(&self.settings.group).arg(id);
        self.send::<()>(&ack).await?;
        if *has_past {
            let mut forget = cmd("HDEL");
            self.send::<()>(forget.arg(&self.pasts).arg(id)).await?;
        }
        Ok(())
    }

    async fn dead_letter(
        &self,
        entry: &StreamEntry,
        reason: &str,
        attempts: u32,
    ) -> RedisResult<()> {
        let mut add = cmd("XADD");
        add.arg(&self.settings.dead_letters).arg("*");
        for field in entry.dead_letter(reason, attempts) {
            add.arg(&field[..]);
        }
        self.send::<()>(&add).await?;
        self.acknowledge(entry).await
    }

    /// Replaces a dead letter that a person put back by a new entry.
    async fn begin_anew(&self, entry: &StreamEntry) -> RedisResult<()> {
        let mut call = self.begin_anew_script.key(&self.settings.stream);
        call.key(&self.pasts).arg(&self.settings.group).arg(&self.name).arg(&entry.id);
        for field in entry.begun_anew() {
            call.arg(&field[..]);
        }
        self.connections.invoke(&call).await
    }

    /// Removes the names of consumers that are gone.
    pub(super) async fn tidy(&self) -> RedisResult<()> {
        self.remove_names("").await
    }

    /// Leaves the group, if no entry belongs to this consumer any more.
    pub(super) async fn leave(&self) -> RedisResult<()> {
        self.remove_names(&self.name).await
    }

    async fn remove_names(&self, own: &str) -> RedisResult<()> {
        let mut call = self.leave_script.key(&self.settings.stream);
        call.arg(&self.settings.group).arg(own).arg(millis(self.settings.forget_after));
        self.connections.invoke(&call).await
    }

    async fn send<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        from_redis_value(self.connections.send(command).await?).map_err(Into::into)
    }

    fn lock_unsettled(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<DeliveredCalls>>> {
        self.unsettled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

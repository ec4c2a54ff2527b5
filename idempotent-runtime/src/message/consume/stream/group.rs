//! A consumer group, and this consumer's place in it.

use super::Settings;
use crate::clock::millis;
use crate::message::consume::decide::{Reason, Settlement};
use crate::message::consume::failure::Failure;
use crate::message::consume::incoming::Incoming;
use crate::message::consume::source::{Acknowledger, Broken, Taken};
use crate::store::redis::{RedisConnection, RedisConnections};
use ::redis::{Cmd, FromRedisValue, RedisError, RedisResult, Script, cmd, from_redis_value};
use bytes::Bytes;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A consumer of a group.
pub struct Group {
    settings: Settings,
    connections: RedisConnections,
    /// This consumer: a name that no other has.
    name: String,
    /// What is worked on, and as which attempt. Locked while the server is told of it, so that what is
    /// given back is not touched once more.
    held: tokio::sync::Mutex<HashMap<String, u32>>,
    /// When what was given back may come again.
    dues: Mutex<BTreeSet<Instant>>,
    take: Script,
    hold: Script,
    leave: Script,
}

/// What an entry is settled by.
#[derive(Debug)]
pub struct AckToken {
    id: String,
    attempt: u32,
    fields: Vec<Bytes>,
}

/// The fields of an entry, names and values in turn.
type Fields = Vec<Vec<u8>>;

/// Entries, each with its ID.
type Entries = Vec<(String, Fields)>;

impl Group {
    pub(super) fn new(settings: &Settings, connections: RedisConnections) -> Self {
        Self {
            settings: settings.clone(),
            connections,
            name: format!("{:032x}", rand::random::<u128>()),
            held: tokio::sync::Mutex::default(),
            dues: Mutex::default(),
            take: Script::new(include_str!("take.lua")),
            hold: Script::new(include_str!("hold.lua")),
            leave: Script::new(include_str!("leave.lua")),
        }
    }

    pub(super) fn idle(&self) -> Duration {
        self.settings.idle
    }

    /// Makes the group, and the stream, if they are missing.
    pub(super) async fn make(&self) -> RedisResult<()> {
        let mut create = cmd("XGROUP");
        create.arg("CREATE").arg(&self.settings.stream).arg(&self.settings.group).arg("0");
        match self.send::<()>(create.arg("MKSTREAM")).await {
            Err(error) if error.code() == Some("BUSYGROUP") => Ok(()),
            answer => answer,
        }
    }

    /// New entries, when there are some within this time.
    pub(super) async fn read(
        &self,
        reads: &mut RedisConnection,
        room: usize,
        wait: Duration,
    ) -> RedisResult<Vec<Taken<AckToken>>> {
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(&self.settings.group).arg(&self.name);
        read.arg("COUNT").arg(room).arg("BLOCK").arg(millis(wait).max(1));
        read.arg("STREAMS").arg(&self.settings.stream).arg(">");
        let streams: Option<Vec<(String, Entries)>> = read.query_async(reads).await?;
        let entries = streams.into_iter().flatten().flat_map(|(_, entries)| entries);
        Ok(self.hold(entries.map(|(id, fields)| (id, 1, fields))).await)
    }

    /// Entries that somebody gave back for now, or left behind.
    pub(super) async fn take_over(&self, room: usize) -> RedisResult<Vec<Taken<AckToken>>> {
        let mut call = self.take.key(&self.settings.stream);
        call.arg(&self.settings.group).arg(&self.name).arg(millis(self.idle())).arg(room);
        let mut connected = self.connections.get().await?;
        let taken = call.invoke_async(&mut connected.connection).await;
        let taken: Vec<(String, u32, Fields)> = connected.check(taken)?;
        Ok(self.hold(taken.into_iter()).await)
    }

    /// What is worked on already could not be kept for a while: it still is worked on.
    async fn hold(
        &self,
        entries: impl Iterator<Item = (String, u32, Fields)>,
    ) -> Vec<Taken<AckToken>> {
        let mut held = self.held.lock().await;
        let mut taken = Vec::new();
        for (id, attempt, fields) in entries {
            if held.contains_key(&id) {
                continue;
            }
            held.insert(id.clone(), attempt);
            let fields: Vec<Bytes> = fields.into_iter().map(Bytes::from).collect();
            let incoming = self.incoming(&id, attempt, &fields);
            taken.push(Taken { ticket: AckToken { id, attempt, fields }, attempt, incoming });
        }
        taken
    }

    fn incoming(&self, id: &str, attempt: u32, fields: &[Bytes]) -> Result<Incoming, Failure> {
        let (mut payload, mut headers) = (None, std::collections::BTreeMap::new());
        for pair in fields.chunks_exact(2) {
            if pair[0] == self.settings.field.as_bytes() {
                payload = Some(pair[1].clone());
            } else if let [Ok(name), Ok(value)] = [&pair[0], &pair[1]].map(|it| str::from_utf8(it))
            {
                headers.insert(name.to_owned(), value.to_owned());
            }
        }
        let missing = || format!("the entry has no field `{}`", self.settings.field);
        let payload = payload.ok_or_else(|| Failure::undecodable(missing()))?;
        Ok(Incoming { id: Some(id.into()), payload, headers: Arc::new(headers), attempt })
    }

    /// Touches everything that is worked on.
    pub(super) async fn keep(&self) -> RedisResult<()> {
        let held = self.held.lock().await;
        if held.is_empty() {
            return Ok(());
        }
        self.touch(held.iter().map(|(id, attempt)| (&**id, Duration::ZERO, *attempt))).await
    }

    /// Makes an entry anybody's after this time; the next attempt follows on so many.
    async fn give_back(&self, id: &str, after: Duration, attempts: u32) -> RedisResult<()> {
        let after = after.min(self.idle());
        let idle = self.idle().saturating_sub(after);
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
        let mut call = self.hold.key(&self.settings.stream);
        call.arg(&self.settings.group).arg(&self.name);
        for (id, idle, attempts) in entries {
            call.arg(id).arg(millis(idle)).arg(attempts);
        }
        let mut connected = self.connections.get().await?;
        let touched = call.invoke_async(&mut connected.connection).await;
        connected.check(touched)
    }

    async fn acknowledge(&self, id: &str) -> RedisResult<()> {
        let mut ack = cmd("XACK");
        ack.arg(&self.settings.stream).arg(&self.settings.group).arg(id);
        self.send(&ack).await
    }

    async fn bury(&self, ticket: &AckToken, why: &Reason) -> RedisResult<()> {
        let mut add = cmd("XADD");
        add.arg(&self.settings.dead).arg("*");
        for field in &ticket.fields {
            add.arg(&field[..]);
        }
        add.arg("idempotency-reason").arg(why.to_string());
        add.arg("idempotency-attempts").arg(ticket.attempt).arg("idempotency-id").arg(&ticket.id);
        self.send::<()>(&add).await?;
        self.acknowledge(&ticket.id).await
    }

    /// Leaves the group, if it has nothing of this consumer's any more.
    pub(super) async fn leave(&self) -> RedisResult<()> {
        let mut call = self.leave.key(&self.settings.stream);
        call.arg(&self.settings.group).arg(&self.name);
        let mut connected = self.connections.get().await?;
        let left = call.invoke_async(&mut connected.connection).await;
        connected.check(left)
    }

    /// How long until something that was given back is due; from then on it is not asked for again.
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
        use ::redis::aio::ConnectionLike;
        let mut connected = self.connections.get().await?;
        let answer = connected.connection.req_packed_command(command).await;
        // A server's refusal comes as a value.
        let answer = connected.check(answer.and_then(::redis::Value::extract_error))?;
        from_redis_value(answer).map_err(Into::into)
    }

    fn lock_dues(&self) -> std::sync::MutexGuard<'_, BTreeSet<Instant>> {
        self.dues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Acknowledger for Arc<Group> {
    type AckToken = AckToken;

    async fn settle(&self, ticket: AckToken, settlement: Settlement) -> Result<(), Broken> {
        let settled = match settlement {
            Settlement::Acknowledge => self.acknowledge(&ticket.id).await,
            Settlement::Later { after, attempts } => {
                self.give_back(&ticket.id, after, attempts).await
            }
            Settlement::DeadLetter(why) => self.bury(&ticket, &why).await,
            Settlement::Leave => {
                self.give_back(&ticket.id, Duration::ZERO, ticket.attempt.saturating_sub(1)).await
            }
        };
        // Whatever became of it, nobody works on it here any more.
        self.held.lock().await.remove(&ticket.id);
        settled.map_err(broken)
    }
}

/// Sorts out what the server will say again, whenever it is asked.
pub(super) fn broken(error: RedisError) -> Broken {
    let never = ["NOAUTH", "WRONGPASS", "NOPERM", "WRONGTYPE"];
    let refused = error.kind() == ::redis::ErrorKind::AuthenticationFailed
        || error.code().is_some_and(|code| never.contains(&code));
    Broken { refused, ..Broken::new(error) }
}

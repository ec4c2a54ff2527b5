//! A connection to Redis that reads a stream as a consumer of a group.

use crate::message::consume::decide::Settlement;
use crate::message::consume::source::{AckToken, BrokenConnection, Delivery, QueueSession};
use crate::message::consume::stream::entry::StreamEntry;
use crate::message::consume::stream::group::Group;
use crate::store::redis::RedisConnection;
use ::redis::RedisResult;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The longest time for which the server lets a read wait.
pub(super) const BLOCK: Duration = Duration::from_millis(500);

/// A consumer, with a connection for reading.
pub(super) struct StreamSession {
    group: Arc<Group>,
    reads: RedisConnection,
    /// A read that is under way. It is never dropped, since the entries that it returns belong to this
    /// consumer already.
    under_way: Option<BoxFuture<'static, RedisResult<Vec<StreamEntry>>>>,
    /// The time of the last look for entries that others left behind.
    looked: Option<Instant>,
}

impl StreamSession {
    pub(super) fn new(group: Arc<Group>, reads: RedisConnection) -> Self {
        Self { group, reads, under_way: None, looked: None }
    }

    /// Looks for entries that others left behind when that is due, and otherwise for new ones.
    fn next_read(&mut self, at_most: usize) -> BoxFuture<'static, RedisResult<Vec<StreamEntry>>> {
        let group = Arc::clone(&self.group);
        let every = (group.take_over_after() / 4).min(Duration::from_secs(5));
        let until =
            self.looked.map_or(Duration::ZERO, |looked| every.saturating_sub(looked.elapsed()));
        let until = group.dues.next().map_or(until, |due| due.min(until));
        if until.is_zero() {
            self.looked = Some(Instant::now());
            return async move { group.take_over(at_most).await }.boxed();
        }
        let mut reads = self.reads.clone();
        async move { group.read_new(&mut reads, at_most, until.min(BLOCK)).await }.boxed()
    }

    /// The entries as deliveries for the driver.
    fn deliveries(&self, entries: Vec<StreamEntry>) -> Vec<Delivery> {
        let delivery = |entry: StreamEntry| Delivery {
            history: entry.history.clone(),
            arrival: entry.arrival,
            calls: Arc::clone(&entry.calls),
            incoming: entry.incoming(self.group.payload_field()),
            ack_token: Box::new(StreamAckToken { group: Arc::clone(&self.group), entry }),
        };
        entries.into_iter().map(delivery).collect()
    }
}

/// Settles an entry of this consumer.
struct StreamAckToken {
    group: Arc<Group>,
    entry: StreamEntry,
}

impl AckToken for StreamAckToken {
    fn settle(
        self: Box<Self>,
        settlement: Settlement,
    ) -> BoxFuture<'static, Result<(), BrokenConnection>> {
        async move { self.group.settle(&self.entry, settlement).await }.boxed()
    }
}

impl QueueSession for StreamSession {
    async fn next(&mut self, at_most: usize) -> Result<Vec<Delivery>, BrokenConnection> {
        loop {
            if self.under_way.is_none() {
                self.under_way = Some(self.next_read(at_most));
            }
            let Some(read) = &mut self.under_way else { continue };
            let read = read.await;
            self.under_way = None;
            let entries = read?;
            if !entries.is_empty() {
                return Ok(self.deliveries(entries));
            }
        }
    }

    async fn stop_delivery(&mut self) -> Vec<Delivery> {
        match self.under_way.take() {
            Some(read) => {
                let entries = read.await.unwrap_or_default();
                self.deliveries(entries)
            }
            None => Vec::new(),
        }
    }

    async fn resume_delivery(&mut self) -> Result<(), BrokenConnection> {
        Ok(())
    }

    async fn close(self) {
        if let Err(error) = self.group.leave().await {
            tracing::debug!(%error, "a consumer stays in its group");
        }
    }
}

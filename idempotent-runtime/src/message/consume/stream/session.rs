//! Reading as a consumer of a group.

use super::group::{AckToken, Group, broken};
use crate::message::consume::source::{Broken, Session, Taken};
use crate::store::redis::RedisConnection;
use ::redis::RedisResult;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a read waits at the server.
pub(super) const BLOCK: Duration = Duration::from_millis(500);

/// A consumer that reads.
pub struct Reading {
    group: Arc<Group>,
    reads: RedisConnection,
    /// A read under way: what it brings is this consumer's, so it is never dropped.
    under_way: Option<BoxFuture<'static, RedisResult<Vec<Taken<AckToken>>>>>,
    /// When it was last looked for what others left behind.
    looked: Option<Instant>,
}

impl Reading {
    pub(super) fn new(group: Arc<Group>, reads: RedisConnection) -> Self {
        Self { group, reads, under_way: None, looked: None }
    }

    /// Looks for what others left behind, when it is time, and else for what is new.
    fn step(&mut self, room: usize) -> BoxFuture<'static, RedisResult<Vec<Taken<AckToken>>>> {
        let group = Arc::clone(&self.group);
        let every = (group.idle() / 4).min(Duration::from_secs(5));
        let until =
            self.looked.map_or(Duration::ZERO, |looked| every.saturating_sub(looked.elapsed()));
        let until = group.next_due().map_or(until, |due| due.min(until));
        if until.is_zero() {
            self.looked = Some(Instant::now());
            return async move { group.take_over(room).await }.boxed();
        }
        let mut reads = self.reads.clone();
        async move { group.read(&mut reads, room, until.min(BLOCK)).await }.boxed()
    }
}

impl Session for Reading {
    type Acknowledger = Arc<Group>;

    async fn next(&mut self, room: usize) -> Result<Vec<Taken<AckToken>>, Broken> {
        loop {
            if self.under_way.is_none() {
                self.under_way = Some(self.step(room));
            }
            let Some(step) = &mut self.under_way else { continue };
            let taken = step.await;
            self.under_way = None;
            let taken = taken.map_err(broken)?;
            if !taken.is_empty() {
                return Ok(taken);
            }
        }
    }

    fn hands(&self) -> Arc<Group> {
        Arc::clone(&self.group)
    }

    async fn stop_delivery(&mut self) -> Vec<Taken<AckToken>> {
        match self.under_way.take() {
            Some(step) => step.await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    async fn close(self) {
        if let Err(error) = self.group.leave().await {
            tracing::debug!(%error, "a consumer stays in its group");
        }
    }
}

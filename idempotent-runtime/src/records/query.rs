//! A look through all records.

use crate::engine::{KeptIn, RecordStage, RecordView, inspect};
use crate::error::StoreError;
use crate::records::page::{RecordCursor, RecordPage};
use crate::setup::Base;
use crate::store::{Cursor, PageFilter, PageRequest};
use crate::transaction;
use std::fmt;
use std::time::Duration;

/// A look through the records of the store and of the business database, page by page: made by `records()`.
///
/// It sees the records of all namespaces that share the store. A record that comes, goes or changes while the
/// pages are read may be on one of them, on two, or on none; one that lives all the while is on at least one.
#[derive(Clone)]
#[must_use = "nothing is looked at before `page`"]
pub struct Records<'a> {
    base: &'a Base,
    operation: Option<String>,
    stage: Option<RecordStage>,
    older_than: Option<Duration>,
    kept_in: Option<KeptIn>,
}

impl<'a> Records<'a> {
    pub(crate) const fn new(base: &'a Base) -> Self {
        Self { base, operation: None, stage: None, older_than: None, kept_in: None }
    }

    /// Only records of this operation, function or pattern, as [`RecordView::operation`] tells it.
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Only records that are so far.
    pub fn stage(mut self, stage: RecordStage) -> Self {
        self.stage = Some(stage);
        self
    }

    /// Only records that were last claimed so long ago, by this host's clock. Those that nobody claimed yet are
    /// left out.
    pub fn older_than(mut self, age: Duration) -> Self {
        self.older_than = Some(age);
        self
    }

    /// Only records that are kept here.
    pub fn kept_in(mut self, place: KeptIn) -> Self {
        self.kept_in = Some(place);
        self
    }

    /// The page after a cursor, or the first one. At most so many records are looked at for it; those that do not
    /// fit are left out, so it may be short, or empty, before the last.
    ///
    /// # Errors
    /// When the store or the business database did not answer, or does not know the cursor; or when the store cannot
    /// list its records, as one of your own whose `browse` says so.
    pub async fn page(
        &self,
        limit: u32,
        after: Option<&RecordCursor>,
    ) -> Result<RecordPage, StoreError> {
        let first = RecordCursor::beginning(self.kept_in.unwrap_or(KeptIn::Store));
        let RecordCursor { place, after } = after.cloned().unwrap_or(first);
        let request = PageRequest::first(limit).after(after).only(self.hint());
        let (records, next) = self.look(place, &request).await?;
        let next = match next {
            Some(after) => Some(RecordCursor { place, after: Some(after) }),
            None => self.place_after(place).map(RecordCursor::beginning),
        };
        Ok(RecordPage { records: records.into_iter().filter(|it| self.fits(it)).collect(), next })
    }

    async fn look(
        &self,
        place: KeptIn,
        request: &PageRequest,
    ) -> Result<(Vec<RecordView>, Option<Cursor>), StoreError> {
        let Base { engine, database, .. } = self.base;
        match (place, database) {
            (KeptIn::Store, _) => inspect::page(engine, request).await,
            (KeptIn::Database, Some(database)) => {
                transaction::page(&**database, engine, request).await
            }
            (KeptIn::Database, None) => Ok((Vec::new(), None)),
        }
    }

    /// The place that is looked at after this one.
    fn place_after(&self, place: KeptIn) -> Option<KeptIn> {
        let is_next = place == KeptIn::Store && self.kept_in.is_none();
        (is_next && self.base.database.is_some()).then_some(KeptIn::Database)
    }

    /// The records that a store with readable columns may give alone.
    fn hint(&self) -> PageFilter {
        let mut hint = PageFilter::default();
        if let Some(operation) = &self.operation {
            hint = hint.operation(operation);
        }
        if let Some(state) = self.stage.and_then(RecordStage::column) {
            hint = hint.state(state);
        }
        hint
    }

    fn fits(&self, record: &RecordView) -> bool {
        let now = self.base.engine.clock().wall();
        let is_old =
            |age| record.claimed().is_some_and(|claimed| now.saturating_sub(claimed) >= age);
        self.operation.as_ref().is_none_or(|operation| record.operation() == operation)
            && self.stage.is_none_or(|stage| record.state().stage() == stage)
            && self.older_than.is_none_or(is_old)
    }
}

impl fmt::Debug for Records<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, stage, older_than, kept_in, .. } = self;
        f.debug_struct("Records")
            .field("operation", operation)
            .field("stage", stage)
            .field("older_than", older_than)
            .field("kept_in", kept_in)
            .finish_non_exhaustive()
    }
}

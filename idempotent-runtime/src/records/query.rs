//! Reads all records, page by page.

use crate::engine::{KeptIn, RecordStage, RecordView, inspect};
use crate::error::StoreError;
use crate::records::page::{RecordCursor, RecordPage};
use crate::setup::Base;
use crate::store::{Cursor, PageFilter, PageRequest};
use crate::transaction;
use std::fmt;
use std::time::Duration;

/// Reads the records of the store and of the business database, page by page. Made by `records()`.
///
/// It sees the records of all namespaces that share the store. A record that comes, expires or changes while
/// the pages are read may be on none, one or two of them. A record that lives all the time is on at least one.
#[derive(Clone)]
#[must_use = "nothing is read before `page`"]
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

    /// Only records of this operation, function or pattern, as [`RecordView::operation`] returns it.
    pub fn operation(mut self, operation: impl Into<String>) -> Self {
        self.operation = Some(operation.into());
        self
    }

    /// Only records in this stage.
    pub fn stage(mut self, stage: RecordStage) -> Self {
        self.stage = Some(stage);
        self
    }

    /// Only records whose last claim is at least this long ago, by this host's clock. Records that were never
    /// claimed are left out.
    pub fn older_than(mut self, age: Duration) -> Self {
        self.older_than = Some(age);
        self
    }

    /// Only records that are kept in this place.
    pub fn kept_in(mut self, place: KeptIn) -> Self {
        self.kept_in = Some(place);
        self
    }

    /// The page after a cursor, or the first page. About `limit` records are read for it at most. Records
    /// that do not match are left out, so a page may be short or empty even if it is not the last.
    ///
    /// # Errors
    /// When the store or the business database did not answer, or did not make the cursor; or when the store
    /// cannot list its records, which a store of your own may not support.
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

    /// The place that is read after this one.
    fn place_after(&self, place: KeptIn) -> Option<KeptIn> {
        let is_next = place == KeptIn::Store && self.kept_in.is_none();
        (is_next && self.base.database.is_some()).then_some(KeptIn::Database)
    }

    /// The filter for stores with readable columns.
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

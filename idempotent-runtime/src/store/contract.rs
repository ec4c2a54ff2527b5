//! The contract of a store.

use crate::clock::Clock;
use crate::key::StorageKey;
use crate::store::browse::{Cursor, PageRequest};
use crate::store::finding::Finding;
use crate::store::future::StoreFuture;
use bytes::Bytes;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// A future that is done when a watched value may have changed.
pub type Changed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A value that is alive, and how long it has left by the store's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The bytes, exactly as they were put.
    pub value: Bytes,
    /// How long until the store forgets it.
    pub left: Duration,
}

impl Entry {
    /// A value that has so long left.
    #[must_use]
    pub fn new(value: impl Into<Bytes>, left: Duration) -> Self {
        Self { value: value.into(), left }
    }
}

/// Some values of a store, and the place where the next ones stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// Values that are alive, under their keys.
    pub entries: Vec<(StorageKey, Entry)>,
    /// Where the next page begins, which may be empty; after the last page there is none.
    pub next: Option<Cursor>,
}

impl Page {
    /// A page of these values.
    #[must_use]
    pub fn new(entries: Vec<(StorageKey, Entry)>, next: Option<Cursor>) -> Self {
        Self { entries, next }
    }
}

/// The result of an exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Swap {
    /// The expected value was there and is replaced.
    Done,
    /// Another value is there, or none; nothing was changed.
    Differs(Option<Bytes>),
}

/// A place for records: Redis, a database, memory, or your own.
///
/// A store is a register with expiry. It knows nothing of leases, owners or tokens: the engine builds
/// them on these operations, once for every backend. An owner is part of the value that it put, so an
/// owner whose lease was taken over expects a value that is not there any more.
///
/// # The contract
/// - Every operation is one atomic step. Two `create`s, two `swap`s with one expected value, or a
///   `create` and a `swap` of one key never both succeed.
/// - Values are bytes, up to several megabytes, and come back exactly as they were put.
/// - A value whose life is over does not exist: `create` puts over it, `swap` and `read` do not
///   see it. Life is counted by the backend's own clock, to the millisecond, and a value is never
///   dropped before it is over, whatever the pressure: refuse new values instead
///   ([`StoreErrorKind::Unavailable`](crate::store::StoreErrorKind)).
/// - An acknowledged value survives the faults that the backend promises to survive.
/// - An error means that the backend did not answer, or that its answer made no sense. After an error
///   the operation may or may not have happened; each can be sent again without harm.
/// - An operation that hangs is an error: the engine gives every call a deadline, and a dropped
///   future must leave the store usable.
///
/// The functions of `store::conformance` (feature `conformance`) check the part of this that can be
/// seen while a backend runs. They see neither a restart nor a backend under pressure.
#[doc = include_str!("../../docs/store.md")]
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// Puts a value where none is; otherwise gives the value that is there and changes nothing.
    ///
    /// Looking and putting are one step: of concurrent `create`s one puts, and all others get its
    /// value. A caller whose answer was lost sends it again, and gets its own value if it was put.
    ///
    /// Tested by `create_puts_where_nothing_is`, `create_tells_what_is_there_and_changes_nothing`,
    /// `of_many_creates_at_once_one_puts` and `what_is_over_does_not_exist`.
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>>;

    /// Replaces `expected` by `value` with a new life, if it is what is there, byte for byte.
    ///
    /// Comparing and replacing are one step: of concurrent `swap`s that expect one value, one
    /// replaces it. A stale owner gets [`Swap::Differs`] with the value that is there now, and
    /// changes nothing.
    ///
    /// Tested by `swap_replaces_what_was_expected`, `swap_tells_what_is_there_instead`,
    /// `swap_tells_that_nothing_is_there`, `of_many_swaps_at_once_one_replaces` and
    /// `a_swap_gives_a_new_life`.
    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap>;

    /// Gives the value that is there and how long it has left.
    ///
    /// Both are of one moment. It changes nothing, so a stale owner sees what every caller sees.
    ///
    /// Tested by `read_tells_how_long_is_left` and `values_come_back_exactly`.
    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>>;

    /// Watches a key, where the backend can tell of changes: from when the outer future answers, the
    /// inner one is done soon after the value changed.
    ///
    /// No promise depends on it. Waiters read the key when they are told, and now and then besides,
    /// so a change that is told late, twice or never only costs time. The engine watches a key once
    /// in each process, however many wait there.
    ///
    /// `None` is a backend that cannot tell. There is no default, since a store around another one would lose it
    /// without a word; so it is with `browse`, `findings` and `adopt`.
    ///
    /// Tested by `a_watch_tells_of_a_change`.
    fn watch<'a>(&'a self, key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>>;

    /// Gives some of the values that are alive, where the backend can list them: one page of a look through
    /// the whole store. For people who look after it; no promise to a caller depends on it.
    ///
    /// - Following [`Page::next`] from the first page to the last gives every value that is alive all the
    ///   while, at least once; one that comes, goes or changes meanwhile may be there or not. A key may come
    ///   again.
    /// - A page has about `limit` values at most, and often fewer: a store that finds values in groups gives a
    ///   group whole. It may be empty and still have a next: one call does little work, however many values
    ///   there are and however few the filter lets through. It locks nothing, and keeps no other operation
    ///   waiting for long.
    /// - The filter is a hint: a store may give more than it lets through, and never less.
    /// - A cursor is no reservation: it can be used late, twice, or never, and by another process. One that
    ///   the store did not give is [`Rejected`](crate::store::StoreErrorKind).
    ///
    /// `None` is a backend that cannot list. There is no default, as for `watch`.
    ///
    /// Tested by `pages_give_everything_that_lives`, `pages_leave_out_what_is_over`,
    /// `a_filter_takes_away_nothing_that_fits`, `pages_lose_nothing_while_others_come_and_go` and
    /// `a_foreign_cursor_is_refused`.
    fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>>;

    /// Drops at most `limit` values whose life is over, and says how many.
    ///
    /// For backends that do not forget by themselves; the others answer 0. A value that gets a new
    /// life meanwhile stays. One call must not keep other operations waiting for long.
    ///
    /// Tested by `a_purge_drops_nothing_that_lives`.
    fn purge(&self, limit: u32) -> StoreFuture<'_, u32>;

    /// The backend and its address without credentials, for people.
    fn describe(&self) -> String;

    /// Settings of the backend that break or weaken this contract, as it had them when the store
    /// connected; empty, if there are none.
    fn findings(&self) -> Vec<Finding>;

    /// Takes what the engine on this store was told. Called once for each engine, before it uses the store.
    ///
    /// A client with deadlines of its own allows an operation as long as the engine does. A store that has no
    /// use for any of it does nothing.
    fn adopt(&self, settings: &StoreSettings);

    /// Whether its answers are there at once, as from the memory of this process: then nothing that it holds is
    /// remembered beside it. Defaults to no.
    fn is_near(&self) -> bool {
        false
    }

    /// The longest for which a future of `create` or `swap` waits without waking its task, whatever becomes of the
    /// server; none, if that may be for ever. Defaults to none.
    ///
    /// An engine of as much patience needs no timer for the first answer of a store that says so.
    fn longest_silence(&self) -> Option<Duration> {
        None
    }
}

/// The settings of an engine that concern its store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreSettings {
    /// How long one conversation with the store may take.
    pub patience: Duration,
    /// The engine's source of time.
    pub clock: Arc<dyn Clock>,
}

impl StoreSettings {
    /// The settings of an engine with this patience and this clock.
    #[must_use]
    pub fn new(patience: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { patience, clock }
    }
}

impl<S: Store + ?Sized> Store for Arc<S> {
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>> {
        (**self).create(key, value, life)
    }

    fn swap<'a>(
        &'a self,
        key: &'a StorageKey,
        expected: &'a Bytes,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Swap> {
        (**self).swap(key, expected, value, life)
    }

    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
        (**self).read(key)
    }

    fn watch<'a>(&'a self, key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
        (**self).watch(key)
    }

    fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
        (**self).browse(request)
    }

    fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
        (**self).purge(limit)
    }

    fn describe(&self) -> String {
        (**self).describe()
    }

    fn findings(&self) -> Vec<Finding> {
        (**self).findings()
    }

    fn adopt(&self, settings: &StoreSettings) {
        (**self).adopt(settings);
    }

    fn is_near(&self) -> bool {
        (**self).is_near()
    }

    fn longest_silence(&self) -> Option<Duration> {
        (**self).longest_silence()
    }
}

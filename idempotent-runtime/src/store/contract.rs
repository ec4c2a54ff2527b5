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

/// A future that ends when a watched value may have changed.
pub type Changed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A value that is alive, and the life that it has left by the store's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The bytes, exactly as they were put.
    pub value: Bytes,
    /// The time until the store drops it.
    pub left: Duration,
}

impl Entry {
    /// A value with this much life left.
    #[must_use]
    pub fn new(value: impl Into<Bytes>, left: Duration) -> Self {
        Self { value: value.into(), left }
    }
}

/// Some values of a store, and the place where the next page begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Page {
    /// Values that are alive, under their keys.
    pub entries: Vec<(StorageKey, Entry)>,
    /// The start of the next page, which may be empty; `None` after the last page.
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
/// A store is a register whose values expire. It knows no leases, owners or tokens: the engine builds them
/// from these operations, once for every backend. The name of an owner is a part of the value that the owner
/// puts. So an owner whose lease was taken over expects a value that is not there any more.
///
/// # The contract
/// - Every operation is one atomic step. Two `create`s, two `swap`s with one expected value, or a
///   `create` and a `swap` of one key never both succeed.
/// - Values are bytes, up to several megabytes, and come back exactly as they were put.
/// - A value whose life is over does not exist: `create` replaces it, and `swap` and `read` do not see it.
///   Life is counted by the backend's own clock, to the millisecond. A value is never dropped before its life
///   is over, even if memory is short: the store refuses new values instead
///   ([`StoreErrorKind::Unavailable`](crate::store::StoreErrorKind)).
/// - An acknowledged value survives the faults that the backend promises to survive.
/// - An error means that the backend did not answer, or that its answer cannot be used. After an error the
///   operation may or may not have happened. Each operation can be sent again without harm.
/// - An operation that hangs counts as an error: the engine gives every call a deadline, and the store must
///   stay usable after a future is dropped.
///
/// The functions of `store::conformance` (feature `conformance`) test the part of the contract that can be
/// seen while a backend runs. They test neither a restart nor a backend that is short of memory.
#[doc = include_str!("../../docs/store.md")]
pub trait Store: Send + Sync + fmt::Debug + 'static {
    /// Puts a value under a key that has none. Otherwise returns the value that is there, and changes nothing.
    ///
    /// This is one step: of concurrent `create`s only one puts, and all others get its value. A caller whose
    /// answer was lost sends it again, and gets its own value if that was put.
    ///
    /// Tested by `create_puts_where_nothing_is`, `create_tells_what_is_there_and_changes_nothing`,
    /// `of_many_creates_at_once_one_puts` and `what_is_over_does_not_exist`.
    fn create<'a>(
        &'a self,
        key: &'a StorageKey,
        value: &'a Bytes,
        life: Duration,
    ) -> StoreFuture<'a, Option<Bytes>>;

    /// Replaces `expected` by `value`, with a new life, if the key has exactly the bytes of `expected`.
    ///
    /// This is one step: of concurrent `swap`s that expect the same value, only one replaces it. A stale
    /// owner gets [`Swap::Differs`] with the value that is there now, and changes nothing.
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

    /// Returns the value of a key, and the life that it has left.
    ///
    /// Both are read at the same moment. It changes nothing, so a stale owner gets the same as every caller.
    ///
    /// Tested by `read_tells_how_long_is_left` and `values_come_back_exactly`.
    fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>>;

    /// Watches a key, if the backend can report changes. The outer future ends when the watch has begun; the
    /// inner one ends soon after the value has changed.
    ///
    /// No promise depends on it. Requests that wait read the key when the inner future ends, and also from
    /// time to time. So a change that is reported late, twice or never only costs time. The engine watches a
    /// key once in each process, however many requests wait there.
    ///
    /// `None` means that the backend cannot report changes. There is no default, since a store that wraps
    /// another one would lose this method without a warning; the same holds for `browse`, `findings` and `adopt`.
    ///
    /// Tested by `a_watch_tells_of_a_change`.
    fn watch<'a>(&'a self, key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>>;

    /// Returns one page of the values that are alive, if the backend can list them. All pages together show
    /// the whole store. It is for operators; no promise to a caller depends on it.
    ///
    /// - The pages from the first to the last one, by [`Page::next`], hold every value that is alive all the
    ///   time, at least once. A value that comes, expires or changes meanwhile may be missing. A key may come
    ///   twice.
    /// - A page has about `limit` values at most, and often fewer. A store that finds values in groups returns
    ///   whole groups. A page may be empty and still have a next one: one call does little work, however many
    ///   values there are and however few the filter lets through. It locks nothing, and delays no other
    ///   operation for long.
    /// - The filter is a hint: a store may return more than it lets through, and never less.
    /// - A cursor reserves nothing: it can be used late, twice, or never, and by another process. A cursor that
    ///   the store did not make is [`Rejected`](crate::store::StoreErrorKind).
    ///
    /// `None` means that the backend cannot list. There is no default, as for `watch`.
    ///
    /// Tested by `pages_give_everything_that_lives`, `pages_leave_out_what_is_over`,
    /// `a_filter_takes_away_nothing_that_fits`, `pages_lose_nothing_while_others_come_and_go` and
    /// `a_foreign_cursor_is_refused`.
    fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>>;

    /// Drops at most `limit` values whose life is over, and returns their number.
    ///
    /// It is for backends that do not drop expired values by themselves; the others return 0. A value that
    /// gets a new life meanwhile stays. One call must not delay other operations for long.
    ///
    /// Tested by `a_purge_drops_nothing_that_lives`.
    fn purge(&self, limit: u32) -> StoreFuture<'_, u32>;

    /// The kind of backend and its address without credentials, for people.
    fn describe(&self) -> String;

    /// Settings of the backend that break or weaken this contract, as they were when the store connected.
    /// Empty if there are none.
    fn findings(&self) -> Vec<Finding>;

    /// Takes the settings of an engine on this store. It is called once for each engine, before that engine
    /// uses the store.
    ///
    /// A client with its own deadlines allows an operation as much time as the engine does. A store that
    /// needs none of the settings does nothing.
    fn adopt(&self, settings: &StoreSettings);

    /// Whether its answers are there at once, as from the memory of this process. Then the engine does not
    /// remember records beside it. Defaults to no.
    fn is_near(&self) -> bool {
        false
    }

    /// The longest time for which a future of `create` or `swap` waits without waking its task, even if the
    /// server dies; `None` if that may be for ever. Defaults to `None`.
    ///
    /// If an engine's patience is at least this long, it needs no timer for the first answer.
    fn longest_silence(&self) -> Option<Duration> {
        None
    }
}

/// The settings of an engine that concern its store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreSettings {
    /// The time that one conversation with the store may take.
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

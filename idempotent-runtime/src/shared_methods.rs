//! The methods that all builders share, and those that everything that they build shares.

/// The setters that all builders share. They need a field `setup`.
macro_rules! common_settings {
    () => {
        /// Keeps apart apps that share a store. Defaults to the empty name.
        pub fn namespace(mut self, name: impl Into<String>) -> Self {
            self.setup.settings.namespace.set_name(name.into());
            self
        }

        /// Makes storage keys and fingerprints keyed hashes, with this secret of at least 32 random bytes,
        /// which must be equal on all hosts. Defaults to none.
        ///
        /// With it, a reader of the store cannot find out whose record it is by trying scopes, such as
        /// account numbers. The keys that records show to people stay readable. The secret cannot be changed
        /// while records live: with another secret none of them is found, and retries run again.
        pub fn key_secret(mut self, secret: impl AsRef<[u8]>) -> Self {
            self.setup.settings.namespace.set_secret(secret.as_ref());
            self
        }

        /// Encrypts outcomes, and the inputs of tasks and their progress, in the store. Defaults to no
        /// encryption.
        ///
        /// Fingerprints are not encrypted. A reader of the store could try likely contents of a small body
        /// until the fingerprint matches, unless [`key_secret`](Self::key_secret) is set, too.
        #[cfg(feature = "seal")]
        pub fn seal(mut self, keys: crate::seal::Keys) -> Self {
            self.setup.settings.seal = crate::seal::Seal::new(keys);
            self
        }

        /// Sets how long a finished request or call is remembered. Defaults to 24 hours.
        pub fn ttl(mut self, ttl: std::time::Duration) -> Self {
            self.setup.settings.ttl = ttl;
            self
        }

        /// Sets how long a run excludes others unless its lease is renewed. Defaults to 60 seconds; at least
        /// 100 milliseconds.
        pub fn lease(mut self, lease: std::time::Duration) -> Self {
            self.setup.settings.lease = lease;
            self
        }

        /// Sets how long a duplicate waits, if its policy says that it waits. Defaults to 10 seconds.
        pub fn wait(mut self, wait: std::time::Duration) -> Self {
            self.setup.settings.wait = wait;
            self
        }

        /// Sets the most requests of one process that wait for one key. Defaults to 10 240; at least one.
        ///
        /// One more is told at once that the first is in progress, or that the lock is taken. A `cache` then
        /// computes its answer without keeping it.
        pub fn waiters_for_one_key(mut self, waiters: usize) -> Self {
            self.setup.bounds.waiters = waiters;
            self
        }

        /// Sets how long one conversation with the store may take. After that the request is refused and
        /// nothing runs, unless its policy says otherwise. Defaults to 2 seconds.
        pub fn store_patience(mut self, patience: std::time::Duration) -> Self {
            self.setup.store_patience = patience;
            self
        }

        /// Sets the business database, for guards that stand in its transaction: a pool of sqlx. Defaults to none.
        ///
        /// Records are kept in its table `idempotency_records`, which is created if it is missing.
        pub fn database(mut self, pool: impl crate::transaction::Database) -> Self {
            self.setup.database = Some(pool.into_business_database());
            self
        }

        /// Accepts a store whose settings break a promise. Defaults to refusing it.
        ///
        /// Findings are still logged, and `check` still returns them.
        pub fn without_check(mut self) -> Self {
            self.setup.check = crate::setup::Check::Unwanted;
            self
        }

        /// Sets the step for runs that are not finished when `drain` has waited long enough. Defaults to
        /// keeping their keys until their leases are over.
        pub fn on_drain_timeout(mut self, on_drain_timeout: crate::engine::OnDrainTimeout) -> Self {
            self.setup.on_drain_timeout = on_drain_timeout;
            self
        }

        /// Turns records off: every request and every call that only a record guards runs unguarded.
        ///
        /// For a time in which running twice is better than refusing. `request_id`, `cache`, `message` and
        /// the keys of rows then store nothing and do not ask the store. A request without its key or its caller
        /// is still refused. A run without a guard is counted in
        /// [`Counts::unguarded`](crate::observe::Counts::unguarded).
        /// `dedup_table` with its record, `unique`, a `message` with a `Tx`, rows, locks, tokens and tasks
        /// are guarded as before. The log says so at the start.
        ///
        /// A run in this time leaves no record: its retry runs once more, even if records are kept again by
        /// then. The process still connects to the store, and `ping` still asks it. If a process has to start
        /// without its store, build it on a [`MemoryStore`](crate::MemoryStore).
        pub fn disabled(mut self) -> Self {
            self.setup.switch = crate::switch::Switch::Off;
            self
        }

        /// Turns records off, like [`disabled`](Self::disabled), if this environment variable is `1` or `true`.
        ///
        /// Records are kept if the variable is unset, empty, `0` or `false`; `build` fails on every other
        /// value. `build` reads the variable once, and reads no other. If both this and `disabled` are
        /// called, the last call counts.
        pub fn disabled_by_env(mut self, variable: impl Into<String>) -> Self {
            self.setup.switch = crate::switch::Switch::ByVariable(variable.into());
            self
        }

        /// The source of time, for tests. Defaults to the host's clocks.
        pub fn clock(mut self, clock: std::sync::Arc<dyn crate::clock::Clock>) -> Self {
            self.setup.clock = clock;
            self
        }
    };
}
pub(crate) use common_settings;

/// The methods of everything that is built on a `Base`: they report and end it. They need a method `base()`.
macro_rules! common_methods {
    () => {
        /// Takes no new runs and waits for those under way, at most this long. Returns the number of runs
        /// that are left.
        ///
        /// It is for the end of a process. Call it before the server or the consumer stops, and give it as
        /// much time as the longest run takes.
        ///
        /// ```
        /// use idempotent_runtime::MemoryStore;
        /// use idempotent_runtime::message::Messages;
        /// use std::time::Duration;
        ///
        /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// # tokio::runtime::Runtime::new()?.block_on(async {
        /// let messages = Messages::builder(MemoryStore::new()).scope("billing").build()?;
        /// let left = messages.drain(Duration::from_secs(30)).await;
        /// assert_eq!(left, 0);
        /// # Ok(())
        /// # })
        /// # }
        /// ```
        pub async fn drain(&self, at_most: std::time::Duration) -> usize {
            let base = self.base();
            base.engine.drain(at_most, base.on_drain_timeout).await
        }

        /// The number of times that each event has happened so far.
        #[must_use]
        pub fn counts(&self) -> crate::observe::Counts {
            self.base().engine.counts()
        }

        /// Settings of the store that break or weaken a promise, as they were when it connected, and calls
        /// that the store or the business database refuses when they are tried.
        ///
        /// `build` logs the settings, and fails on those that break a promise. The trial creates, replaces
        /// and reads a record under a key of its own, so it finds a missing right or table before a request
        /// does. Await it once at the start. To learn whether all parts answer now, call
        /// [`ping`](Self::ping).
        pub async fn check(&self) -> Vec<crate::store::Finding> {
            let base = self.base();
            crate::readiness::check(&base.engine, base.database.as_deref()).await
        }

        /// Checks that the store, the place of locks and the business database answer now, within this time.
        ///
        /// For a readiness probe: a process whose store does not answer still serves requests that need no
        /// store, and recovers by itself. Never for a liveness probe, which would restart all processes at once.
        ///
        /// # Errors
        /// When one of them does not answer in time, or answers with an error.
        pub async fn ping(&self, within: std::time::Duration) -> Result<(), crate::NotReady> {
            let base = self.base();
            crate::readiness::ping(&base.engine, base.database.as_deref(), within).await
        }

        /// Settles an abandoned run whose key is held (`on_abandoned = "hold"`): its effect happened, or it
        /// did not happen and may run.
        ///
        /// The key has 64 hexadecimal digits. It is in the log, when a duplicate got `outcome-unknown` or a
        /// runner found a held task, and in the store; [`records`](Self::records) lists the abandoned
        /// records. With `NotDone`, a request or message runs when it is repeated, and a task is queued
        /// again. With `Done`, a task has succeeded, without a result.
        ///
        /// A record that its handler committed in the middle of a run is settled in the same way, in the
        /// business database.
        ///
        /// # Errors
        /// When the store or the business database did not answer, or the value under the key is not a
        /// record. Calling it again does no harm.
        ///
        /// ```
        /// use idempotent_runtime::MemoryStore;
        /// use idempotent_runtime::engine::{Resolution, Resolved};
        /// use idempotent_runtime::message::Messages;
        ///
        /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// # tokio::runtime::Runtime::new()?.block_on(async {
        /// let messages = Messages::builder(MemoryStore::new()).scope("billing").build()?;
        /// // The key as it is in the log. Here the store has no record under it.
        /// let key = "29bb252b6fe49c80e50dc26b8e1a1ad82ab1a6bcf2262916fd3b01e41e4b344f".parse()?;
        /// let resolved = messages.resolve(&key, Resolution::Done).await?;
        /// assert_eq!(resolved, Resolved::NotAbandoned);
        /// # Ok(())
        /// # })
        /// # }
        /// ```
        pub async fn resolve(
            &self,
            key: &crate::key::StorageKey,
            resolution: crate::engine::Resolution,
        ) -> Result<crate::engine::Resolved, crate::store::StoreError> {
            crate::records::resolve(self.base(), key, resolution).await
        }

        /// The key under which the store has the record of a request or call, as it is in the log.
        ///
        /// The scope is the id that the app's rule returns, as one value, or the segments of the handler's
        /// own template. It is empty if all callers share one scope. The key is given in the same way: one
        /// value for `{header.Idempotency-Key}`.
        ///
        /// # Errors
        /// When they name no record. The error tells why.
        pub fn storage_key(
            &self,
            target: &crate::records::Target,
            scope: &crate::key::KeyParts,
            key: &crate::key::KeyParts,
        ) -> Result<crate::key::StorageKey, crate::records::TargetError> {
            target.storage_key(&self.base().settings, scope, key)
        }

        /// The record of a request or call, as it is now. See [`storage_key`](Self::storage_key) for scope
        /// and key.
        ///
        /// # Errors
        /// When they name no record, or the store or the business database did not answer.
        pub async fn find(
            &self,
            target: &crate::records::Target,
            scope: &crate::key::KeyParts,
            key: &crate::key::KeyParts,
        ) -> Result<Option<crate::records::RecordView>, crate::records::FindError> {
            crate::records::find(self.base(), target, scope, key).await
        }

        /// The record under a key, in the store or else in the business database.
        ///
        /// # Errors
        /// When the store or the business database did not answer.
        pub async fn record(
            &self,
            key: &crate::key::StorageKey,
        ) -> Result<Option<crate::records::RecordView>, crate::store::StoreError> {
            crate::records::record(self.base(), key).await
        }

        /// All records, page by page. Filters can be added.
        pub fn records(&self) -> crate::records::Records<'_> {
            crate::records::Records::new(self.base())
        }

        /// Forgets a record, if it is still the one that was seen. The next request with its key runs.
        ///
        /// The key is given back and its attempts go on, so a late owner changes nothing. A run that goes on
        /// is left alone; with force it loses its key. An unused token cannot be used any more, a task that
        /// has not run will not run, and the address of a forgotten task leads to nothing.
        ///
        /// # Errors
        /// When the store or the business database did not answer. Whether the record was forgotten is
        /// unknown then. Calling it again does no harm.
        pub async fn forget(
            &self,
            record: &crate::records::RecordView,
            force: crate::records::Force,
        ) -> Result<crate::records::Forgotten, crate::store::StoreError> {
            crate::records::forget(self.base(), record, force).await
        }

        /// A description of the store, for people.
        #[must_use]
        pub fn describe_store(&self) -> String {
            self.base().engine.store().describe()
        }
    };
}
pub(crate) use common_methods;

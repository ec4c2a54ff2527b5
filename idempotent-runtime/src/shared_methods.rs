//! The methods that all builders, and all that they build, have in common.

/// The methods of a builder with a `setup` inside that set what all builders set.
macro_rules! common_settings {
    () => {
        /// Keeps apps apart that share a store. Defaults to the empty name.
        pub fn namespace(mut self, name: impl Into<String>) -> Self {
            self.setup.settings.namespace.set_name(name.into());
            self
        }

        /// Makes storage keys and fingerprints keyed hashes with this secret: at least 32 random bytes, equal on
        /// all hosts. Defaults to none.
        ///
        /// Then a reader of the store cannot find out whose record it is by trying scopes, such as account
        /// numbers. Keys that records show to people stay readable. The secret cannot be changed while
        /// records live: with another one none of them is found, and retries run again.
        pub fn key_secret(mut self, secret: impl AsRef<[u8]>) -> Self {
            self.setup.settings.namespace.set_secret(secret.as_ref());
            self
        }

        /// Seals what runs leave behind, and the inputs of tasks and their progress: encrypts them in the store. Defaults
        /// to no keys.
        ///
        /// Fingerprints stay as they are: of a small body, whoever reads the store may find out the content by trying
        /// what it may be, unless [`key_secret`](Self::key_secret) is set, too.
        #[cfg(feature = "seal")]
        pub fn seal(mut self, keys: crate::seal::Keys) -> Self {
            self.setup.settings.seal = crate::seal::Seal::new(keys);
            self
        }

        /// How long a finished request or call is remembered. Defaults to 24 hours.
        pub fn ttl(mut self, ttl: std::time::Duration) -> Self {
            self.setup.settings.ttl = ttl;
            self
        }

        /// How long a run excludes others without being renewed. Defaults to 60 seconds; at least 100
        /// milliseconds.
        pub fn lease(mut self, lease: std::time::Duration) -> Self {
            self.setup.settings.lease = lease;
            self
        }

        /// How long a duplicate waits, where it waits. Defaults to 10 seconds.
        pub fn wait(mut self, wait: std::time::Duration) -> Self {
            self.setup.settings.wait = wait;
            self
        }

        /// The most requests of one process that wait for one key. Defaults to 10 240; at least one.
        ///
        /// One more is told at once that the first is in progress, or that the lock is taken; a `cache` computes
        /// without keeping.
        pub fn waiters_for_one_key(mut self, waiters: usize) -> Self {
            self.setup.bounds.waiters = waiters;
            self
        }

        /// How long one conversation with the store may take before nothing runs.
        /// Defaults to 2 seconds.
        pub fn store_patience(mut self, patience: std::time::Duration) -> Self {
            self.setup.store_patience = patience;
            self
        }

        /// The business database, for guards that stand in its transaction: a pool of sqlx.
        ///
        /// Records are kept in its table `idempotency_records`, which is made where it is missing.
        pub fn database(mut self, pool: impl crate::transaction::Database) -> Self {
            self.setup.database = Some(pool.into_business_database());
            self
        }

        /// Accepts a store whose settings break what is promised on top of it.
        ///
        /// Findings are still logged, and `check` still tells them.
        pub fn without_check(mut self) -> Self {
            self.setup.check = crate::setup::Check::Unwanted;
            self
        }

        /// The fate of runs that are not finished when `drain` has waited long enough. Defaults to keeping
        /// their keys until their leases are over.
        pub fn on_drain_timeout(mut self, on_drain_timeout: crate::engine::OnDrainTimeout) -> Self {
            self.setup.on_drain_timeout = on_drain_timeout;
            self
        }

        /// Turns records off: every request and every call that only a record guards runs unguarded.
        ///
        /// For a time in which it is better to repeat than to refuse. `request_id`, `cache`, `message` and the keys
        /// of rows keep and ask nothing then. A request still needs its key and its caller to be let through, and is
        /// counted in [`Counts::unguarded`](crate::observe::Counts::unguarded). `dedup_table` with its record, `unique`, a
        /// `message` with a `Tx`, rows, locks, tokens and tasks are guarded as ever. The log says so at the start.
        ///
        /// What runs meanwhile is forgotten: a retry that comes when records are kept again runs once more. The store
        /// is still connected to, and `ping` still asks it: a process that has to start without its store is built on a
        /// [`MemoryStore`](crate::MemoryStore).
        pub fn disabled(mut self) -> Self {
            self.setup.switch = crate::switch::Switch::Off;
            self
        }

        /// Turns records off, as [`disabled`](Self::disabled), if this variable of the environment is `1` or `true`.
        ///
        /// It does not if the variable is unset, empty, `0` or `false`; `build` fails on everything else. The
        /// variable is read once, by `build`, and no other is. Of this and `disabled` the last call counts.
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

/// The methods of what was built on a `Base`, which `base()` gives, that tell and end it.
macro_rules! common_methods {
    () => {
        /// Takes no new runs, waits for those under way, and answers how many are left.
        ///
        /// For the end of a process: call it before the server or the consumer stops, and allow it
        /// as long as the longest run takes.
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

        /// How often each thing happened so far.
        #[must_use]
        pub fn counts(&self) -> crate::observe::Counts {
            self.base().engine.counts()
        }

        /// Settings of the store that break or weaken a promise, as they were when it connected, and
        /// operations that store and business database refuse when they are tried.
        ///
        /// `build` logs the settings, and fails on those that break a promise. The trial creates, replaces and
        /// reads a record under a key of its own, so it finds a missing right or table before a request does. To be
        /// awaited once at the start; whether all of it answers now is for [`ping`](Self::ping) to say.
        pub async fn check(&self) -> Vec<crate::store::Finding> {
            let base = self.base();
            crate::readiness::check(&base.engine, base.database.as_deref()).await
        }

        /// Whether store, place of locks and business database answer now, within this time.
        ///
        /// For a readiness probe: a process whose store does not answer still serves what needs no store, and
        /// recovers by itself. Never for a liveness probe, by which all processes would be restarted at once.
        ///
        /// # Errors
        /// When one of them does not answer, or with an error.
        pub async fn ping(&self, within: std::time::Duration) -> Result<(), crate::NotReady> {
            let base = self.base();
            crate::readiness::ping(&base.engine, base.database.as_deref(), within).await
        }

        /// Settles a run whose process died and whose key is held (`on_abandoned = "hold"`): it happened, or it
        /// did not and may run.
        ///
        /// The key is in the log, where a duplicate was answered `outcome-unknown` or a task was found, and in the
        /// store, as 64 hexadecimal digits; [`records`](Self::records) lists what is held. A request or message runs
        /// when it is repeated; a task is put in line again, and one that happened has succeeded, without a result.
        ///
        /// A record that committed in mid-transaction is settled like this, too, in the business database.
        ///
        /// # Errors
        /// When the store or the business database did not answer, or what they hold under the key is no
        /// record. Asking again does no harm.
        ///
        /// ```
        /// use idempotent_runtime::MemoryStore;
        /// use idempotent_runtime::engine::{Resolution, Resolved};
        /// use idempotent_runtime::message::Messages;
        ///
        /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
        /// # tokio::runtime::Runtime::new()?.block_on(async {
        /// let messages = Messages::builder(MemoryStore::new()).scope("billing").build()?;
        /// // The key as the log names it; here nothing is under it.
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

        /// The key under which the store has the record of a request or call, as in the log.
        ///
        /// The scope is what the app's rule gives, as one value, or the segments of the handler's own
        /// template; it is empty where all callers share one. The key is given in the same way: one value for
        /// `{header.Idempotency-Key}`.
        ///
        /// # Errors
        /// When they name no record, with the reason.
        pub fn storage_key(
            &self,
            target: &crate::records::Target,
            scope: &crate::key::KeyParts,
            key: &crate::key::KeyParts,
        ) -> Result<crate::key::StorageKey, crate::records::TargetError> {
            target.storage_key(&self.base().settings, scope, key)
        }

        /// The record of a request or call, as of now; see [`storage_key`](Self::storage_key) for scope and key.
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
        /// When one of them did not answer.
        pub async fn record(
            &self,
            key: &crate::key::StorageKey,
        ) -> Result<Option<crate::records::RecordView>, crate::store::StoreError> {
            crate::records::record(self.base(), key).await
        }

        /// All records, or those that fit, page by page.
        pub fn records(&self) -> crate::records::Records<'_> {
            crate::records::Records::new(self.base())
        }

        /// Forgets a record, if it is still as it was seen: the next request with its key runs.
        ///
        /// It leaves a key given back, whose attempts go on growing, so a late owner changes nothing. A run that
        /// goes on is left alone, and with force loses its key. A token that nobody used cannot be used any more, a
        /// task that did not run will not, and the address of any task that is forgotten leads to nothing.
        ///
        /// # Errors
        /// When the store or the business database did not answer; whether it forgot is unknown then. Sending it
        /// again does no harm.
        pub async fn forget(
            &self,
            record: &crate::records::RecordView,
            force: crate::records::Force,
        ) -> Result<crate::records::Forgotten, crate::store::StoreError> {
            crate::records::forget(self.base(), record, force).await
        }

        /// The store underneath, for people.
        #[must_use]
        pub fn describe_store(&self) -> String {
            self.base().engine.store().describe()
        }
    };
}
pub(crate) use common_methods;

//! The settings of an engine, and the check that they do not contradict each other.

use crate::clock::{Clock, SystemClock};
#[cfg(feature = "actix")]
use crate::engine::task::Tasks;
use crate::engine::{Engine, EngineBounds, OnDrainTimeout, WAITERS};
use crate::error::StoreError;
use crate::observe::Outage;
use crate::policy::{LONGEST, SHORTEST_LEASE};
use crate::store::{Finding, Locks, Severity, Store, StoreSettings};
use crate::strategy::Settings;
use crate::switch::{NoSwitch, Recording, Switch};
use crate::transaction::BusinessDatabase;
use std::sync::Arc;
use std::time::Duration;

/// A builder without a scope, which cannot build yet.
#[derive(Clone, Copy, Debug)]
pub struct NoScope;

/// The scope of a builder that has one.
#[diagnostic::on_unimplemented(
    message = "this builder has no scope yet, which says what belongs to whom",
    label = "write `.scope(…)` before this",
    note = "an app's scope is the caller: `.scope(Scope::of::<Account>())`, or `.scope(Scope::shared())` where there is one",
    note = "that of messages is their sender: `.scope(\"billing\")`, `.scope_of_functions()` or `.scope_shared()`"
)]
pub trait GivenScope<T> {
    /// The scope itself.
    #[doc(hidden)]
    fn given(self) -> T;
}

/// The settings of every builder, for handlers and for functions.
#[derive(Debug)]
pub(crate) struct Setup {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Settings,
    pub(crate) store_patience: Duration,
    pub(crate) check: Check,
    pub(crate) database: Option<Arc<dyn BusinessDatabase>>,
    /// The place of locks, if it is not the store.
    pub(crate) locks: Option<Arc<dyn Locks>>,
    pub(crate) on_drain_timeout: OnDrainTimeout,
    pub(crate) bounds: EngineBounds,
    pub(crate) switch: Switch,
}

/// Whether the store's settings are checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Check {
    Wanted,
    Unwanted,
}

/// The guard of handlers and functions, shared by everything that one builder built.
#[derive(Debug)]
pub(crate) struct Base {
    pub(crate) engine: Engine,
    pub(crate) settings: Settings,
    #[cfg(feature = "actix")]
    pub(crate) tasks: Tasks,
    pub(crate) database: Option<Arc<dyn BusinessDatabase>>,
    pub(crate) recording: Recording,
    /// The step for runs that last longer than a drain.
    pub(crate) on_drain_timeout: OnDrainTimeout,
    /// Outages of the store and of the database, as guarded functions meet them.
    pub(crate) store_outage: Outage,
    pub(crate) database_outage: Outage,
}

/// The reason why an engine cannot be built with these settings.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// A run could last longer than the record that excludes others.
    #[error("`lease` ({lease:?}) must be shorter than `ttl` ({ttl:?}): lengthen `ttl`")]
    LeaseNotBelowTtl {
        /// The lease that was set.
        lease: Duration,
        /// The ttl that was set.
        ttl: Duration,
    },
    /// A lease could end before its renewal arrives.
    #[error("`lease` ({0:?}) is shorter than 100 ms, which a renewal may take: lengthen it")]
    LeaseTooShort(Duration),
    /// A duration is zero that must not be.
    #[error("`{0}` is zero: give it at least a millisecond")]
    Zero(&'static str),
    /// A duration is longer than clocks can add.
    #[error("`{0}` is longer than ten years: shorten it")]
    TooLong(&'static str),
    /// A secret is so short that it could be guessed.
    #[error("`{0}` is shorter than 32 bytes: use as many random ones")]
    ShortSecret(&'static str),
    /// The store's settings break the promises of this crate.
    #[error(
        "the store cannot keep what is promised: {}; or build `without_check()`",
        .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    )]
    UnfitStore(Vec<Finding>),
    /// The host cannot start a thread. Without it no lease is kept alive.
    #[error("the thread that keeps leases alive cannot be started: raise the limit of threads")]
    NoThread(#[source] StoreError),
    /// The database does not support settings of a transaction.
    #[error("`on_begin` names settings of a transaction, but {0} has none: leave it out")]
    NoSettings(String),
    /// The keys of `seal` cannot be used.
    #[cfg(feature = "seal")]
    #[error(transparent)]
    Keys(#[from] crate::seal::KeysError),
    /// There is a previous secret, but no current one.
    #[error("`previous_token_secret` is set without `token_secret`: set the new one, too")]
    NoCurrentSecret,
    /// The variable of `disabled_by_env` is neither yes nor no.
    #[error(transparent)]
    NoSwitch(NoSwitch),
}

impl Setup {
    pub(crate) fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            clock: Arc::new(SystemClock::new()),
            settings: Settings::default(),
            store_patience: Duration::from_secs(2),
            check: Check::Wanted,
            database: None,
            locks: None,
            on_drain_timeout: OnDrainTimeout::default(),
            bounds: EngineBounds { waiters: WAITERS, remembered: 4 << 20 },
            switch: Switch::default(),
        }
    }

    /// Builds the engine, if the settings do not contradict each other and the store's settings break no promise.
    pub(crate) fn build(self) -> Result<Arc<Base>, BuildError> {
        self.check_settings()?;
        self.check_store()?;
        let Self { store, clock, settings, store_patience, database, locks, .. } = self;
        let Self { on_drain_timeout, bounds, switch, .. } = self;
        let recording = switch.read().map_err(BuildError::NoSwitch)?;
        store.adopt(&StoreSettings::new(store_patience, Arc::clone(&clock)));
        let beside = (bounds, settings.seal.clone());
        let engine = Engine::with_bounds(store, clock, store_patience, locks, beside);
        engine.start_thread().map_err(BuildError::NoThread)?;
        let (store_outage, database_outage) = Default::default();
        Ok(Arc::new(Base {
            engine,
            #[cfg(feature = "actix")]
            tasks: Tasks::new(&settings.namespace, settings.tasks),
            settings,
            database,
            recording,
            on_drain_timeout,
            store_outage,
            database_outage,
        }))
    }

    /// Checks that the business database supports the settings of `on_begin`.
    pub(crate) fn check_on_begin(&self) -> Result<(), BuildError> {
        match &self.database {
            Some(database) if !database.has_settings() => {
                Err(BuildError::NoSettings(database.describe()))
            }
            _ => Ok(()),
        }
    }

    fn check_settings(&self) -> Result<(), BuildError> {
        let Settings { ttl, lease, wait, .. } = self.settings;
        let durations = [("lease", lease), ("ttl", ttl), ("store_patience", self.store_patience)];
        #[cfg(feature = "actix")]
        let durations = durations.into_iter().chain([("token_ttl", self.settings.token_ttl)]);
        for (name, duration) in durations {
            if duration < Duration::from_millis(1) {
                return Err(BuildError::Zero(name));
            }
            if duration > LONGEST {
                return Err(BuildError::TooLong(name));
            }
        }
        if lease < SHORTEST_LEASE {
            return Err(BuildError::LeaseTooShort(lease));
        }
        if wait > LONGEST {
            return Err(BuildError::TooLong("wait"));
        }
        if lease >= ttl {
            return Err(BuildError::LeaseNotBelowTtl { lease, ttl });
        }
        if self.settings.namespace.secret_length().is_some_and(|length| length < 32) {
            return Err(BuildError::ShortSecret("key_secret"));
        }
        #[cfg(feature = "seal")]
        if let Some(keys) = self.settings.seal.keys() {
            keys.check()?;
        }
        #[cfg(feature = "actix")]
        if let Some(secrets) = &self.settings.secrets {
            check_secrets(secrets)?;
        }
        Ok(())
    }

    fn check_store(&self) -> Result<(), BuildError> {
        let findings = self.store.findings();
        for finding in &findings {
            tracing::warn!(store = self.store.describe(), "{finding}");
        }
        let (errors, _): (Vec<_>, Vec<_>) =
            findings.into_iter().partition(|finding| finding.severity == Severity::Error);
        match self.check {
            Check::Wanted if !errors.is_empty() => Err(BuildError::UnfitStore(errors)),
            Check::Wanted | Check::Unwanted => Ok(()),
        }
    }
}

#[cfg(feature = "actix")]
fn check_secrets(secrets: &crate::strategy::TokenSecrets) -> Result<(), BuildError> {
    if secrets.current.is_empty() {
        return Err(BuildError::NoCurrentSecret);
    }
    if secrets.current.len() < 32 {
        return Err(BuildError::ShortSecret("token_secret"));
    }
    match &secrets.previous {
        Some(secret) if secret.len() < 32 => Err(BuildError::ShortSecret("previous_token_secret")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::MemoryStore;

    /// The error of `build` after this change of the settings.
    fn refused(change: impl FnOnce(&mut Setup)) -> String {
        let mut setup = Setup::new(Arc::new(MemoryStore::new()));
        change(&mut setup);
        setup.build().expect_err("it is refused").to_string()
    }

    #[test]
    fn settings_that_cannot_be_kept_are_refused() {
        let too_long = |name| format!("`{name}` is longer than ten years: shorten it");
        assert_eq!(refused(|setup| setup.settings.ttl = Duration::MAX), too_long("ttl"));
        assert_eq!(refused(|setup| setup.settings.wait = Duration::MAX), too_long("wait"));
        assert_eq!(refused(|setup| setup.settings.lease = LONGEST * 2), too_long("lease"));
        assert_eq!(
            refused(|setup| setup.settings.namespace.set_secret(&[7; 31])),
            "`key_secret` is shorter than 32 bytes: use as many random ones"
        );
        assert_eq!(
            refused(|setup| setup.settings.ttl = Duration::ZERO),
            "`ttl` is zero: give it at least a millisecond"
        );
        assert_eq!(
            refused(|setup| setup.settings.lease = Duration::from_millis(99)),
            "`lease` (99ms) is shorter than 100 ms, which a renewal may take: lengthen it"
        );
        assert_eq!(
            refused(|setup| setup.settings.lease = setup.settings.ttl),
            "`lease` (86400s) must be shorter than `ttl` (86400s): lengthen `ttl`"
        );
    }
}

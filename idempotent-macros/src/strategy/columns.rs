//! The columns of the table of strategies.

/// A strategy: one row of the table.
pub(crate) struct Strategy {
    /// Its name in the attribute.
    pub(crate) name: &'static str,
    /// Its variant in the runtime's `Strategy`, which also has its default fingerprint.
    pub(crate) variant: &'static str,
    pub(crate) subject: Subject,
    pub(crate) guard: GuardPlace,
    pub(crate) default_key: DefaultKey,
    pub(crate) key_form: KeyForm,
    pub(crate) ttl: TtlOf,
    pub(crate) row: RowCondition,
    pub(crate) execution: Execution,
    /// Arguments of its own. A strategy refuses an argument that others list here and it does not.
    pub(crate) adds: &'static [&'static str],
    /// Arguments that most strategies take, and that have no effect with this one.
    pub(crate) refuses: &'static [&'static str],
    /// Arguments that it needs.
    pub(crate) needs: &'static [Need],
}

/// The kind of function that the attribute guards.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// A handler of actix.
    Handler,
    /// A function that no request calls.
    Function,
}

impl Subject {
    /// Its name in messages.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Handler => "handler",
            Self::Function => "function",
        }
    }
}

/// The place of the guard.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum GuardPlace {
    /// The store: the key is held by a lease.
    Lease,
    /// The business transaction of the handler.
    Transaction,
    /// A unique index. The handler's transaction is guarded, if the handler takes one.
    Insert,
    /// The transaction of the function, if the function takes one; else the store.
    TransactionIfTaken,
}

/// The key of a function whose attribute has no `key`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum DefaultKey {
    /// The header `Idempotency-Key`.
    Header,
    /// The path and the query.
    PathAndQuery,
    /// It has none: nothing is remembered.
    Unkeyed,
    /// There is no default: the strategy needs the argument.
    Given,
}

/// The form that a key must have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyForm {
    /// The key tells requests apart.
    Varies,
    /// The key may be the same for all requests.
    MayBeConstant,
    /// The key is a token: one placeholder, and every request must have it.
    Token,
}

/// The thing that lives as long as `ttl` says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TtlOf {
    /// The record that excludes others: a lease or a wait must end earlier.
    Record,
    /// An answer that many read.
    Answer,
}

/// The condition that a row of the business has to meet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum RowCondition {
    /// No row guards.
    NoRow,
    /// The row is there.
    Exists,
    /// The row has a version.
    HasVersion,
    /// The row is in a state.
    InState,
}

/// The moment at which the handler runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Execution {
    /// It runs while its client waits.
    AtOnce,
    /// It runs later, as a task.
    AsTask,
}

/// An argument that a strategy needs.
pub(crate) struct Need {
    pub(crate) argument: &'static str,
    /// The end of the sentence "`strategy = …` needs …".
    pub(crate) what: &'static str,
    pub(crate) help: &'static str,
}

impl Need {
    pub(crate) const fn new(
        argument: &'static str,
        what: &'static str,
        help: &'static str,
    ) -> Self {
        Self { argument, what, help }
    }
}

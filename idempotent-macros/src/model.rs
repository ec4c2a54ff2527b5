//! What a valid annotation is. Expansion takes nothing else, and cannot fail.

use proc_macro2::{Group, TokenStream};
use std::time::Duration;
use syn::{Attribute, Expr, Ident, LitStr, Path, Signature, Type, Visibility};

/// A guarded handler.
pub(crate) struct Handler {
    /// Attributes that belong to the function actix sees: routes, documentation.
    pub(crate) outer: Vec<Attribute>,
    /// Attributes that belong to the user's function: lints, `instrument`.
    pub(crate) inner: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: Group,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) policy: Policy,
    pub(crate) key: Template,
    pub(crate) scope: Scope,
    pub(crate) window: Window,
    /// When the client sent the request for the first time.
    pub(crate) first_sent: Option<Template>,
    pub(crate) row: Row,
    pub(crate) existing: Existing,
    pub(crate) engine: Engine,
}

/// A parameter of the handler.
pub(crate) struct Parameter {
    /// Its pattern without `mut` and `ref`, to be matched against a reference.
    pub(crate) pattern: TokenStream,
    pub(crate) kind: Type,
    /// The names its pattern binds.
    pub(crate) names: Vec<Ident>,
}

/// What an app may set for all, and a handler for itself.
#[derive(Clone, Copy)]
pub(crate) enum Setting<T> {
    /// As the app says.
    App,
    /// As the attribute says.
    Own(T),
}

impl<T> Setting<T> {
    /// The handler's own, or this.
    pub(crate) fn or(self, default: T) -> T {
        match self {
            Self::Own(value) => value,
            Self::App => default,
        }
    }
}

/// What guards it.
pub(crate) enum Engine {
    /// The app's, which actix gives to a handler.
    App,
    /// What a function names.
    Named {
        engine: Box<Expr>,
        /// Its text.
        written: LitStr,
        takes: Takes,
    },
}

/// What a function takes beside what its callers give.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Takes {
    Nothing,
    /// A `Tx`, as this parameter.
    Transaction(usize),
}

/// How a handler is told from its duplicates.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    RequestId,
    Token,
    Lock,
    Cache,
    DedupTable,
    RowLock,
    Version,
    State,
    Unique,
    Async,
    Message,
}

impl Strategy {
    /// Whether its guard stands in the business transaction; for `unique` and `message`, if the
    /// function takes it.
    pub(crate) const fn is_transactional(self) -> bool {
        matches!(
            self,
            Self::DedupTable
                | Self::RowLock
                | Self::Version
                | Self::State
                | Self::Unique
                | Self::Message
        )
    }
}

/// What a duplicate of a finished request gets.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDuplicate {
    Replay,
    Reject,
    Accept,
}

/// What a duplicate gets while the first runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnInFlight {
    Reject,
    Wait,
}

/// What happens to a key whose owner died.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnAbandoned {
    Retry,
    Hold,
}

/// What happens while the store does not answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnStoreError {
    Refuse,
    Run,
}

/// What answers in place of a handler whose insert met a unique index.
pub(crate) enum Existing {
    None,
    Function {
        path: Path,
        /// The index that counts; any, if it is not given.
        constraint: Setting<String>,
    },
}

/// The row that guards the handler.
pub(crate) enum Row {
    None,
    Locked(RowName),
    Versioned {
        row: RowName,
        column: String,
        /// The version that the client saw.
        version: Template,
    },
    InState {
        row: RowName,
        column: String,
        from: Path,
        to: Path,
    },
}

/// Which row it is.
pub(crate) struct RowName {
    pub(crate) table: String,
    /// The column that names the row.
    pub(crate) column: String,
    pub(crate) id: Template,
}

impl Row {
    /// Which row it is, if there is one.
    pub(crate) const fn name(&self) -> Option<&RowName> {
        match self {
            Self::None => None,
            Self::Locked(row) | Self::Versioned { row, .. } | Self::InState { row, .. } => {
                Some(row)
            }
        }
    }
}

/// Whether a request without a key is refused.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyRequirement {
    Required,
    Optional,
    /// There is no key, and nothing is remembered.
    Unkeyed,
}

/// What a repeated request must repeat.
pub(crate) enum Fingerprint {
    Request,
    Nothing,
    Template(Template),
}

/// Whose request it is.
pub(crate) enum Scope {
    /// As the app's rule says.
    App,
    /// Everybody's.
    Shared,
    /// As the template says.
    Template(Template),
}

/// Which responses are stored.
pub(crate) enum Statuses {
    Default,
    /// Inclusive ranges.
    Ranges(Vec<(u16, u16)>),
}

/// How far a request's timestamp may be from now.
pub(crate) enum Window {
    Open,
    Within(Duration, Template),
}

/// The policy that a `static` will hold.
pub(crate) struct Policy {
    pub(crate) operation: String,
    pub(crate) strategy: Strategy,
    pub(crate) on_duplicate: OnDuplicate,
    pub(crate) on_in_flight: OnInFlight,
    pub(crate) on_abandoned: OnAbandoned,
    pub(crate) on_store_error: OnStoreError,
    pub(crate) key_requirement: KeyRequirement,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) statuses: Statuses,
    /// In lower case.
    pub(crate) headers: Vec<String>,
    pub(crate) message: Setting<String>,
    pub(crate) max_body: Setting<usize>,
    pub(crate) ttl: Setting<Duration>,
    pub(crate) lease: Setting<Duration>,
    pub(crate) wait: Setting<Duration>,
    pub(crate) stale: Setting<Duration>,
}

/// A template whose every placeholder names something.
#[derive(Default)]
pub(crate) struct Template(pub(crate) Vec<Segment>);

/// A piece of a template.
pub(crate) enum Segment {
    Text(String),
    /// Read from the request.
    Request(Source, String),
    /// An expression on the handler's parameters, and its text.
    Value(Box<Expr>, LitStr),
}

/// What of a request is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Header,
    Query,
    Path,
    Cookie,
    Form,
}

impl Source {
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("header", Self::Header),
        ("query", Self::Query),
        ("path", Self::Path),
        ("cookie", Self::Cookie),
        ("form", Self::Form),
    ];

    /// Its name in a template, which is that of the runtime's method.
    pub(crate) fn name(self) -> &'static str {
        let row = Self::ALL.iter().find(|(_, source)| *source == self);
        row.map_or("", |(name, _)| name)
    }
}

impl Template {
    /// Whether the body must be there to fill it in.
    pub(crate) fn reads_form(&self) -> bool {
        self.0.iter().any(|segment| matches!(segment, Segment::Request(Source::Form, _)))
    }

    /// Whether it is the same for every request.
    pub(crate) fn is_constant(&self) -> bool {
        self.0.iter().all(|segment| matches!(segment, Segment::Text(_)))
    }
}

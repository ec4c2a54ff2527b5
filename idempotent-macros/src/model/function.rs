//! A function with a valid annotation.

use crate::model::policy::{Policy, Scope};
use crate::model::row::{Existing, Row};
use crate::model::template::Template;
use proc_macro2::{Group, TokenStream};
use std::time::Duration;
use syn::{Attribute, Expr, Ident, LitStr, Path, Signature, Type, Visibility};

/// A guarded function: a handler of actix, or a function that no request calls.
pub(crate) struct GuardedFunction {
    /// The path of the runtime, where it is not `::idempotent_runtime`.
    pub(crate) runtime: Option<Path>,
    /// Attributes of the outer function: for a `message`, all; for a handler, its routes and the like.
    pub(crate) outer: Vec<Attribute>,
    /// Attributes of the user's function inside of it: lints, `instrument`.
    pub(crate) inner: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) signature: Signature,
    pub(crate) body: Group,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) policy: Policy,
    pub(crate) key: Template,
    /// The path parameters that the key of an answer reads; given only if it must read all of the route's.
    pub(crate) answer_paths: Option<Vec<String>>,
    pub(crate) scope: Scope,
    pub(crate) window: Window,
    /// The time at which the client sent the request for the first time.
    pub(crate) first_sent: Option<Template>,
    pub(crate) row: Row,
    pub(crate) existing: Existing,
    pub(crate) engine: Engine,
}

/// A parameter of a guarded function.
pub(crate) struct Parameter {
    /// Its pattern without `mut` and `ref`, to be matched against a reference.
    pub(crate) pattern: TokenStream,
    pub(crate) ty: Type,
    /// The names its pattern binds.
    pub(crate) names: Vec<Ident>,
    pub(crate) tx_mark: TxMark,
}

/// The mark by which a parameter says whether it is the business transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TxMark {
    /// It has none: the name of its type decides.
    None,
    /// `#[tx]`
    Tx,
    /// `#[tx(false)]`
    NoTx,
}

/// The engine that guards the function.
pub(crate) enum Engine {
    /// The app's engine, which actix gives to a handler.
    App,
    /// The value of an expression.
    Named {
        engine: Box<Expr>,
        /// The text of the expression.
        written: LitStr,
        tx: TxParameter,
        /// Types of other parameters that may be a `Tx` by another name.
        maybe_tx: Vec<Type>,
    },
}

/// The parameter that callers leave out, because the runtime fills it in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TxParameter {
    None,
    /// The parameter at this place is a `Tx`.
    At(usize),
}

/// The bound on the distance of a request's timestamp from now.
pub(crate) enum Window {
    Open,
    Within(Duration, Template),
}

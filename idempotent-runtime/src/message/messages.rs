//! `Messages`, which guards functions, and the trait of everything that can be their `engine`.

use crate::error::StoreError;
use crate::key::KeyParts;
use crate::message::delivered::DeliveredCalls;
use crate::setup::{Base, BuildError, GivenScope, NoScope, Setup};
use crate::shared_methods::{common_methods, common_settings};
use crate::store::{Store, open};
use crate::transaction::TxSettings;
use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

/// Guards functions with `strategy = "message"`. It is built once, and the functions name it as their `engine`.
///
/// In an app of actix-web, its `Idempotency` works as an `engine`, too. `Messages` needs no actix-web.
///
/// ```
/// # #[cfg(feature = "macros")]
/// # mod consumer {
/// use idempotent_runtime::message::{MessageError, Messages};
/// use idempotent_runtime::{MemoryStore, idempotent};
///
/// struct Payment {
///     id: String,
///     cents: u64,
/// }
///
/// #[idempotent(strategy = "message", key = "{payment.id}", engine = "messages")]
/// async fn book(messages: &Messages, payment: Payment) -> Result<u64, MessageError> {
///     // … runs once for each id; later calls get the stored number.
///     Ok(payment.cents)
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # pub(super) async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let messages = Messages::builder(MemoryStore::new()).scope("billing").build()?;
/// let payment = |cents| Payment { id: "p-1".to_owned(), cents };
/// assert_eq!(book(&messages, payment(5)).await?, 5);
/// assert_eq!(book(&messages, payment(6)).await?, 5, "the same message");
/// # Ok(())
/// # }
/// # }
/// # #[cfg(feature = "macros")]
/// # consumer::main().unwrap();
/// ```
///
/// Clones share everything.
#[derive(Clone)]
pub struct Messages(MessageContext);

/// Builds a [`Messages`]. Created by [`Messages::builder`] or [`Messages::connect`].
#[must_use = "nothing is guarded before `build`"]
pub struct MessagesBuilder<S = MessageScope> {
    setup: Setup,
    scope: S,
    on_begin: MessageOnBegin,
}

/// The parts of an engine that a call needs.
#[doc(hidden)]
#[derive(Clone)]
pub struct MessageContext {
    pub(crate) base: Arc<Base>,
    pub(crate) scope: MessageScope,
    pub(crate) on_begin: MessageOnBegin,
    /// The guarded calls of the delivered message, if this call belongs to one.
    pub(crate) calls: Option<Arc<DeliveredCalls>>,
}

impl MessageContext {
    pub(crate) fn new(base: Arc<Base>, scope: MessageScope, on_begin: MessageOnBegin) -> Self {
        Self { base, scope, on_begin, calls: None }
    }
}

/// The settings of a call's transaction.
#[derive(Clone)]
pub(crate) enum MessageOnBegin {
    /// None.
    Nothing,
    /// Settings that this function makes from the scope.
    OfScope(Arc<OnBeginOfScope>),
    /// Settings that are made from a request, which a function does not have.
    #[cfg_attr(not(feature = "actix"), expect(dead_code, reason = "an app's `on_begin` reads one"))]
    OfRequests,
}

/// Makes the settings of a transaction from a scope.
type OnBeginOfScope = dyn Fn(&str) -> TxSettings + Send + Sync;

/// The scope of a call whose function sets none.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub enum MessageScope {
    /// The same for all calls; empty if all senders share one scope.
    Fixed(KeyParts),
    /// None: each function must set its own.
    OfFunctions,
}

/// An `engine` of functions: [`Messages`], an app's `Idempotency`, and references to them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` guards no functions",
    label = "`engine` names this",
    note = "`engine` is a `Messages`, an `Idempotency`, or a reference or `Arc` of one"
)]
pub trait MessageEngine: sealed::SealedEngine {
    /// The parts of the engine that a call needs.
    #[doc(hidden)]
    fn context(&self) -> MessageContext;
}

pub(crate) mod sealed {
    /// Allows only types of this crate, which have an engine inside, to implement the trait.
    pub trait SealedEngine {}
}

impl sealed::SealedEngine for Messages {}

impl MessageEngine for Messages {
    fn context(&self) -> MessageContext {
        self.0.clone()
    }
}

/// A pointer to an engine is an engine, too.
macro_rules! pointers {
    ($([$($generic:tt)*] $kind:ty;)*) => {
        $(
            impl<$($generic)*> sealed::SealedEngine for $kind {}

            impl<$($generic)*> MessageEngine for $kind {
                fn context(&self) -> MessageContext {
                    (**self).context()
                }
            }
        )*
    };
}

pointers! {
    [G: MessageEngine + ?Sized] &G;
    [G: MessageEngine + ?Sized] Box<G>;
    [G: MessageEngine + ?Sized] Rc<G>;
    [G: MessageEngine + ?Sized] Arc<G>;
    [G: MessageEngine] LazyLock<G>;
}

impl Messages {
    /// Starts a builder on this store.
    pub fn builder(store: impl Store) -> MessagesBuilder<NoScope> {
        let (setup, on_begin) = (Setup::new(Arc::new(store)), MessageOnBegin::Nothing);
        MessagesBuilder { setup, scope: NoScope, on_begin }
    }

    /// Starts a builder on the store that this URL names; see [`store::open`](crate::store::open).
    ///
    /// # Errors
    /// When the URL names no store of this build, or the store cannot be opened.
    pub async fn connect(url: &str) -> Result<MessagesBuilder<NoScope>, StoreError> {
        Ok(Self::builder(open(url).await?))
    }

    common_methods!();

    /// The same engine as this one, for the calls of one delivered message.
    #[cfg(any(feature = "amqp", feature = "redis"))]
    pub(crate) fn delivered(
        engine: &impl MessageEngine,
        calls: Option<Arc<DeliveredCalls>>,
    ) -> Self {
        Self(MessageContext { calls, ..engine.context() })
    }

    fn base(&self) -> &Base {
        &self.0.base
    }
}

impl MessagesBuilder<NoScope> {
    /// Gives all calls this scope, unless a function sets its own `scope`.
    ///
    /// There is no default: `build` needs one of `scope`, `scope_of_functions` and `scope_shared`.
    pub fn scope(self, name: impl Into<Arc<str>>) -> MessagesBuilder {
        let name: Arc<str> = name.into();
        self.with(MessageScope::Fixed(KeyParts::new().value(&name)))
    }

    /// Leaves the scope to each function. A call of a function without a `scope` is refused.
    pub fn scope_of_functions(self) -> MessagesBuilder {
        self.with(MessageScope::OfFunctions)
    }

    /// Lets all senders share one scope: a sender that knows a key gets the value stored under it.
    ///
    /// Right only if a single system sends.
    pub fn scope_shared(self) -> MessagesBuilder {
        self.with(MessageScope::Fixed(KeyParts::new()))
    }

    fn with(self, scope: MessageScope) -> MessagesBuilder {
        MessagesBuilder { setup: self.setup, scope, on_begin: self.on_begin }
    }
}

impl<S> MessagesBuilder<S> {
    common_settings!();

    /// Sets values at the start of each transaction of a function, made from the call's scope, for policies
    /// of the database (row level security). Defaults to none.
    ///
    /// On `PostgreSQL` they are settings of the transaction (`set_config(name, value, true)`). On `MariaDB`
    /// and `MySQL` they are variables of the session (`SET @name`), which are NULL again afterwards. `SQLite`
    /// has neither, so `build` fails with it.
    pub fn on_begin<N, V, L>(mut self, settings: impl Fn(&str) -> L + Send + Sync + 'static) -> Self
    where
        L: IntoIterator<Item = (N, V)>,
        N: Into<String>,
        V: Into<String>,
    {
        self.on_begin = MessageOnBegin::OfScope(Arc::new(move |scope| {
            let all = settings(scope).into_iter();
            all.map(|(name, value)| (name.into(), value.into())).collect()
        }));
        self
    }
}

impl GivenScope<Self> for MessageScope {
    fn given(self) -> Self {
        self
    }
}

impl<S> MessagesBuilder<S> {
    /// Builds a `Messages`.
    ///
    /// # Errors
    /// When a setting contradicts another or is unsafe. The message names the setting and tells what to change.
    pub fn build(self) -> Result<Messages, BuildError>
    where
        S: GivenScope<MessageScope>,
    {
        let Self { setup, scope, on_begin } = self;
        if matches!(on_begin, MessageOnBegin::OfScope(_)) {
            setup.check_on_begin()?;
        }
        Ok(Messages(MessageContext::new(setup.build()?, scope.given(), on_begin)))
    }
}

impl fmt::Debug for MessageContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageContext").field("scope", &self.scope).finish_non_exhaustive()
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let MessageContext { base, scope, .. } = &self.0;
        f.debug_struct("Messages").field("base", base).field("scope", scope).finish()
    }
}

impl<S: fmt::Debug> fmt::Debug for MessagesBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setup, scope, .. } = self;
        let mut shown = f.debug_struct("MessagesBuilder");
        shown.field("setup", setup).field("scope", scope).finish_non_exhaustive()
    }
}

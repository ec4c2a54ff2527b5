//! What guards functions, and what else does: built once, given to each by its `engine`.

use crate::engine::{Resolution, Resolved};
use crate::error::StoreError;
use crate::key::StorageKey;
use crate::setup::{Base, BuildError, NoScope, Setup, common_methods, common_settings};
use crate::store::{Store, open};
use std::fmt;
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

/// Guards functions with `strategy = "message"`: built once, and named by their `engine`.
///
/// In an app of actix-web its `Idempotency` does as well. This one needs no actix-web.
///
/// ```
/// # #[cfg(feature = "macros")]
/// # mod consumer {
/// use idempotent_runtime::{MemoryStore, MessageError, Messages, idempotent};
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
pub struct Messages(Parts);

/// Builds a [`Messages`]. Created by [`Messages::builder`] or [`Messages::connect`].
#[must_use = "nothing is guarded before `build`"]
pub struct MessagesBuilder<S = Whose> {
    setup: Setup,
    whose: S,
}

/// What a call needs of whatever guards it.
#[doc(hidden)]
#[derive(Clone)]
pub struct Parts {
    pub(crate) base: Arc<Base>,
    pub(crate) whose: Whose,
}

/// Whose calls are whose, where the function does not say.
#[doc(hidden)]
#[derive(Clone, Debug)]
pub enum Whose {
    /// Everybody's.
    Shared,
    /// All belong to one name.
    Named(Arc<str>),
    /// Each function has to say.
    OfFunctions,
}

/// What can be the `engine` of a function: [`Messages`], an app's `Idempotency`, and references.
#[diagnostic::on_unimplemented(
    message = "`{Self}` guards no functions",
    label = "`engine` names this",
    note = "`engine` is a `Messages`, an `Idempotency`, or a reference or `Arc` of one"
)]
pub trait MessageEngine: sealed::Sealed {
    /// What a call needs of it.
    #[doc(hidden)]
    fn parts(&self) -> Parts;
}

pub(crate) mod sealed {
    /// Keeps the trait to what has an engine of ours.
    pub trait Sealed {}
}

impl sealed::Sealed for Messages {}

impl MessageEngine for Messages {
    fn parts(&self) -> Parts {
        self.0.clone()
    }
}

/// What leads to something that guards.
macro_rules! leads {
    ($([$($generic:tt)*] $kind:ty;)*) => {
        $(
            impl<$($generic)*> sealed::Sealed for $kind {}

            impl<$($generic)*> MessageEngine for $kind {
                fn parts(&self) -> Parts {
                    (**self).parts()
                }
            }
        )*
    };
}

leads! {
    [G: MessageEngine + ?Sized] &G;
    [G: MessageEngine + ?Sized] Box<G>;
    [G: MessageEngine + ?Sized] Rc<G>;
    [G: MessageEngine + ?Sized] Arc<G>;
    [G: MessageEngine] LazyLock<G>;
}

impl Messages {
    /// A builder on this store.
    pub fn builder(store: impl Store) -> MessagesBuilder<NoScope> {
        MessagesBuilder { setup: Setup::new(Arc::new(store)), whose: NoScope }
    }

    /// A builder on the store this URL names; see `store::open`.
    ///
    /// # Errors
    /// When the URL names no store of this build, or the store cannot be opened.
    pub async fn connect(url: &str) -> Result<MessagesBuilder<NoScope>, StoreError> {
        Ok(Self::builder(open(url).await?))
    }

    common_methods!();

    /// Says what became of a message whose process died and whose key is held
    /// (`on_abandoned = "hold"`): it happened, or it did not and may run.
    ///
    /// The key is in the log, where the message was found, and in the store, as 64 hexadecimal digits.
    ///
    /// # Errors
    /// When the store did not answer, or what it holds under the key is no record. Asking again does
    /// no harm.
    pub async fn resolve(
        &self,
        key: &StorageKey,
        resolution: Resolution,
    ) -> Result<Resolved, StoreError> {
        self.base().engine.resolve(key, resolution).await
    }

    fn base(&self) -> &Base {
        &self.0.base
    }
}

impl MessagesBuilder<NoScope> {
    /// Everything belongs to this name, unless a function has a `scope` of its own.
    ///
    /// There is no default, and no `build` before one of the three is chosen.
    pub fn scope(self, name: impl Into<Arc<str>>) -> MessagesBuilder {
        MessagesBuilder { setup: self.setup, whose: Whose::Named(name.into()) }
    }

    /// Each function says by its own `scope` whose a call is; one that does not is refused.
    pub fn scope_of_functions(self) -> MessagesBuilder {
        MessagesBuilder { setup: self.setup, whose: Whose::OfFunctions }
    }

    /// All senders are one: whoever knows a key can have the value stored under it.
    ///
    /// Right where one system sends, and for nothing else.
    pub fn scope_shared(self) -> MessagesBuilder {
        MessagesBuilder { setup: self.setup, whose: Whose::Shared }
    }
}

impl<S> MessagesBuilder<S> {
    common_settings!();
}

impl MessagesBuilder {
    /// Builds it.
    ///
    /// # Errors
    /// When a setting contradicts another or is unsafe; the message says which and what to do.
    pub fn build(self) -> Result<Messages, BuildError> {
        Ok(Messages(Parts { base: self.setup.build()?, whose: self.whose }))
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parts").field("whose", &self.whose).finish_non_exhaustive()
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts { base, whose } = &self.0;
        f.debug_struct("Messages").field("base", base).field("whose", whose).finish()
    }
}

impl<S: fmt::Debug> fmt::Debug for MessagesBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setup, whose } = self;
        f.debug_struct("MessagesBuilder").field("setup", setup).field("whose", whose).finish()
    }
}

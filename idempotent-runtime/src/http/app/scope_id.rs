//! Types that identify a caller.

use actix_web::web::ReqData;
use std::fmt::Display;
use std::rc::Rc;
use std::sync::Arc;

/// A type that identifies a caller: an account, a customer, a tenant, a session.
///
/// The app's authentication makes a value of it, and [`Scope::of`](crate::Scope::of) or
/// [`Scope::extract`](crate::Scope::extract) reads it.
///
/// ```
/// use idempotent_runtime::ScopeId;
/// use std::fmt::Display;
///
/// struct Account {
///     id: u64,
///     name: String,
/// }
///
/// impl ScopeId for Account {
///     fn scope_id(&self) -> impl Display {
///         self.id
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say who a caller is",
    label = "this type has no `scope_id`",
    note = "write `impl ScopeId for {Self} {{ fn scope_id(&self) -> impl std::fmt::Display {{ … }} }}`: \
            the id of the account, customer or tenant, which stays the same when a credential is refreshed"
)]
pub trait ScopeId {
    /// The caller's id, which no other caller has.
    ///
    /// It stays the same when the caller signs in again or refreshes a token. An empty id names nobody: its
    /// request is refused with 400 `scope-missing`. The id is hashed, and neither stored nor logged.
    fn scope_id(&self) -> impl Display;
}

/// Implements the trait for the pointers in which an app may keep its caller.
macro_rules! through {
    ($($pointer:ty: $inner:ident),+ $(,)?) => {$(
        impl<$inner: ScopeId + ?Sized> ScopeId for $pointer {
            fn scope_id(&self) -> impl Display {
                (**self).scope_id()
            }
        }
    )+};
}

through!(&T: T, Box<T>: T, Rc<T>: T, Arc<T>: T);

/// A value that a middleware put into the request's extensions, read by an extractor.
impl<T: ScopeId + Clone + 'static> ScopeId for ReqData<T> {
    fn scope_id(&self) -> impl Display {
        (**self).scope_id()
    }
}

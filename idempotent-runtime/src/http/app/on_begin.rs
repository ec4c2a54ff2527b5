//! The settings of a transaction, which an app makes from the request.

use crate::message::MessageOnBegin;
use crate::setup::{BuildError, Setup};
use crate::transaction::TxSettings;
use actix_web::HttpRequest;

/// Makes the settings of a request's transaction, if the app sets any.
#[derive(Default)]
pub(crate) struct OnBegin(Option<Box<SettingsOfRequest>>);

type SettingsOfRequest = dyn Fn(&HttpRequest) -> TxSettings + Send + Sync;

impl OnBegin {
    pub(super) fn of<N, V, L>(settings: impl Fn(&HttpRequest) -> L + Send + Sync + 'static) -> Self
    where
        L: IntoIterator<Item = (N, V)>,
        N: Into<String>,
        V: Into<String>,
    {
        Self(Some(Box::new(move |request| {
            let all = settings(request).into_iter();
            all.map(|(name, value)| (name.into(), value.into())).collect()
        })))
    }

    /// Checks that the business database supports such settings.
    pub(super) fn check(&self, setup: &Setup) -> Result<(), BuildError> {
        if self.0.is_some() { setup.check_on_begin() } else { Ok(()) }
    }

    /// The same for functions, which have no request.
    pub(super) fn of_messages(&self) -> MessageOnBegin {
        if self.0.is_some() { MessageOnBegin::OfRequests } else { MessageOnBegin::Nothing }
    }

    /// The settings of this request's transaction.
    pub(crate) fn settings(&self, request: &HttpRequest) -> TxSettings {
        self.0.as_ref().map(|settings| settings(request)).unwrap_or_default()
    }
}

//! An app's own additions to replays.

use actix_web::{HttpRequest, HttpResponse};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Adds to the replay that a request gets.
type AddToReplay = dyn Fn(&HttpRequest, &mut HttpResponse) + Send + Sync;

/// An app's own additions to replays; by default none.
#[derive(Default)]
pub(crate) struct OnReplay(Option<Box<AddToReplay>>);

impl OnReplay {
    pub(super) fn of(
        add: impl Fn(&HttpRequest, &mut HttpResponse) + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Box::new(add)))
    }

    /// A replay of what is stored, with the additions; without them, where making them panics.
    pub(crate) fn added<T: Clone>(
        &self,
        request: &HttpRequest,
        stored: T,
        replay: impl Fn(&HttpRequest, T) -> Option<HttpResponse>,
    ) -> Option<HttpResponse> {
        let Some(add) = &self.0 else { return replay(request, stored) };
        let mut response = replay(request, stored.clone())?;
        if catch_unwind(AssertUnwindSafe(|| add(request, &mut response))).is_ok() {
            return Some(response);
        }
        let path = request.path();
        tracing::error!(
            path,
            "`on_replay` panicked; the client gets the replay as it is without it"
        );
        replay(request, stored)
    }
}

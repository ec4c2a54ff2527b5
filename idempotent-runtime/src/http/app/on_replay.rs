//! An app's own additions to replays.

use actix_web::{HttpRequest, HttpResponse};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A function that adds to the replay of a request.
type AddToReplay = dyn Fn(&HttpRequest, &mut HttpResponse) + Send + Sync;

/// An app's own additions to replays; none by default.
#[derive(Default)]
pub(crate) struct OnReplay(Option<Box<AddToReplay>>);

impl OnReplay {
    pub(super) fn of(
        add: impl Fn(&HttpRequest, &mut HttpResponse) + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Box::new(add)))
    }

    /// A replay of a stored response with the app's additions; without them if adding panics.
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
            "`on_replay` panicked; the client gets the replay without its additions"
        );
        replay(request, stored)
    }
}

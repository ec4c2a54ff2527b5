//! Problems and replays as the app wants its clients to see them.

use crate::http::answer::own_refusal;
use crate::http::answer::page::negotiated;
use crate::http::answer::problem::{PROBLEM_TYPES, Problem};
use crate::http::app::on_replay::OnReplay;
use actix_web::{HttpRequest, HttpResponse};
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A function that renders problems in the app's own way.
type OnError = dyn Fn(&HttpRequest, &Problem) -> HttpResponse + Send + Sync;

/// Problems and replays as the app wants its clients to see them.
pub(crate) struct Rendering {
    /// The beginning of the problems' types.
    pub(super) types: Cow<'static, str>,
    pub(super) on_error: Option<Box<OnError>>,
    pub(super) on_replay: OnReplay,
}

impl Default for Rendering {
    fn default() -> Self {
        Self { types: Cow::Borrowed(PROBLEM_TYPES), on_error: None, on_replay: OnReplay::default() }
    }
}

impl Rendering {
    pub(crate) fn render(&self, request: &HttpRequest, problem: &Problem) -> HttpResponse {
        let ours = || negotiated(request, problem, &self.types);
        let Some(render) = &self.on_error else { return ours() };
        let problem = problem.clone().of_types(self.types.clone());
        // A handler's panic is rendered here, too. Nobody would catch a second panic.
        let rendered = catch_unwind(AssertUnwindSafe(|| render(request, &problem)));
        let Ok(rendered) = rendered else {
            tracing::error!(
                path = request.path(),
                "`on_error` panicked; the client gets the default rendering of the problem"
            );
            return ours();
        };
        own_refusal::marked(request, problem.kind, problem.mark(rendered))
    }

    /// The app's additions to replays.
    pub(crate) fn on_replay(&self) -> &OnReplay {
        &self.on_replay
    }

    /// Renders a problem without a request, which would tell the form that its client prefers.
    pub(crate) fn render_bare(&self, problem: &Problem) -> HttpResponse {
        problem.response(&self.types)
    }
}

//! A problem as a page that a person understands, for browsers.

use crate::http::answer::html::Escaped;
use crate::http::answer::own_refusal::marked;
use crate::http::answer::problem::{Problem, ProblemKind};
use crate::http::request::prefers_html::prefers_html;
use actix_web::http::Uri;
use actix_web::http::header::{
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderValue, REFERER, RETRY_AFTER, VARY,
};
use actix_web::{HttpRequest, HttpResponse};

/// A problem in the form that its client prefers: a page for a browser, `application/problem+json` for a
/// program. The problem's type begins with `types`.
pub(crate) fn negotiated(request: &HttpRequest, problem: &Problem, types: &str) -> HttpResponse {
    let mut response =
        if prefers_html(request) { page(request, problem) } else { problem.response(types) };
    response.headers_mut().append(VARY, HeaderValue::from_static("accept"));
    marked(request, problem.kind, response)
}

impl Problem {
    /// The response that is sent without an `on_error`: a page for a client that prefers one, else
    /// `application/problem+json`. The problem's type begins with the app's
    /// [`problem_types`](crate::IdempotencyBuilder::problem_types).
    ///
    /// An `on_error` that renders only some problems, or problems of some clients, calls this for the others:
    ///
    /// ```
    /// use actix_web::HttpResponse;
    /// use idempotent_runtime::response::ProblemKind;
    /// use idempotent_runtime::{Idempotency, MemoryStore, Scope};
    ///
    /// let builder = Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).on_error(
    ///     |request, problem| match problem.kind {
    ///         ProblemKind::KeyMissing => HttpResponse::BadRequest().body("send an Idempotency-Key"),
    ///         _ => problem.default_response(request),
    ///     },
    /// );
    /// ```
    #[must_use]
    pub fn default_response(&self, request: &HttpRequest) -> HttpResponse {
        negotiated(request, self, &self.types)
    }
}

fn page(request: &HttpRequest, problem: &Problem) -> HttpResponse {
    let words = Words::of(problem);
    let page = format!(
        include_str!("page.html.in"),
        title = words.title,
        happened = words.happened,
        advice = words.advice,
        back = Escaped(back(request).as_deref().unwrap_or("/")),
        status = problem.kind.status().as_u16(),
        name = problem.kind.name(),
        detail = Escaped(&problem.detail),
    );
    let mut response = HttpResponse::build(problem.kind.status());
    if let Some(seconds) = problem.retry_after {
        response.insert_header((RETRY_AFTER, seconds));
    }
    let response = response
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'unsafe-inline'"))
        .body(page);
    problem.mark(response)
}

/// The page from which the person came, if it belongs to this host.
fn back(request: &HttpRequest) -> Option<String> {
    let from = request.headers().get(REFERER)?.to_str().ok()?;
    let here = request.headers().get(HOST)?.to_str().ok()?;
    let uri: Uri = from.parse().ok()?;
    let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
    let is_ours = uri.authority().is_some_and(|place| place.as_str() == here);
    (is_web && is_ours).then(|| from.to_owned())
}

/// A problem in words for a person.
struct Words {
    title: &'static str,
    happened: &'static str,
    advice: &'static str,
}

const AGAIN: &str = "Wait a moment, then reload this page. It is safe to send it again: what was \
                     already done is not done twice.";

const UNKNOWN: (&str, &str, &str) = (
    "We do not know whether this worked",
    "Something broke while it was being carried out.",
    "Please do not send it again before you checked whether it happened.",
);

impl Words {
    fn of(problem: &Problem) -> Self {
        use ProblemKind as K;
        let (title, happened, advice) = match problem.kind {
            K::TokenInvalid => (
                "This form has expired",
                "It was open for too long, or was made for somebody else. What you sent was not \
                 carried out.",
                "Go back, reload the page to get a new form, and send it again.",
            ),
            K::Duplicate => (
                "This was already sent",
                "It was carried out when you sent it first, and nothing was done a second time.",
                "You need not do anything. If you want it once more, go back, reload the page and \
                 fill in the new form.",
            ),
            K::KeyReused => (
                "This form was already sent",
                "It was sent before with other contents. What you sent first stands; what you sent \
                 now was not carried out.",
                "To send something else, go back, reload the page and fill in the new form.",
            ),
            K::InProgress => (
                "This is still being worked on",
                "What you sent has arrived and is not done yet.",
                AGAIN,
            ),
            K::Locked => (
                "Somebody else is working on this",
                "What you sent was not carried out, because only one at a time may work on this.",
                AGAIN,
            ),
            K::NotReplayable => (
                "This was already done",
                "It was carried out when you sent it first. Its answer was not kept, so it cannot \
                 be shown again.",
                "Go back, and look there for the result.",
            ),
            K::OutcomeUnknown => UNKNOWN,
            K::RetryTooLate => (
                "This was sent too long ago",
                "What you sent now was not carried out. Whether it was when you sent it first is not \
                 known any more.",
                "Please check whether it happened before you send it anew.",
            ),
            K::StoreUnavailable if !problem.retryable => UNKNOWN,
            K::StoreUnavailable | K::ShuttingDown | K::TooManyRuns | K::TooManyTasks => (
                "We cannot do this right now",
                "Something that we need for it does not answer.",
                AGAIN,
            ),
            K::VersionMismatch | K::VersionMissing | K::VersionInvalid => (
                "Somebody changed this meanwhile",
                "What you sent was based on an older state and was not carried out.",
                "Go back, reload the page to see what it is now, and decide anew.",
            ),
            K::IllegalTransition | K::TaskStarted | K::TaskCancelled => (
                "This is not possible any more",
                "It is in another state by now. What you sent was not carried out.",
                "Go back, and reload the page to see what it is now.",
            ),
            K::RowMissing | K::TaskMissing => (
                "There is nothing here",
                "What you asked for does not exist, or not any more.",
                "Go back, and check what you chose.",
            ),
            K::BodyTooLarge => (
                "This is too large",
                "What you sent is larger than we accept, and was not carried out.",
                "Go back, and send less, or a smaller file.",
            ),
            K::DatabaseRefused => (
                "This cannot be carried out",
                "Something on our side refuses it. Nothing of what you sent was kept.",
                "Please tell us about it. Sending it again does not help.",
            ),
            K::HandlerPanicked | K::Misconfigured => (
                "Something went wrong on our side",
                "We could not finish what you sent.",
                "Go back, check whether it happened, and try again later.",
            ),
            K::KeyMissing | K::KeyInvalid | K::ScopeMissing | K::HostInvalid | K::StaleRequest => (
                "This could not be accepted",
                "Something that must be sent with it is missing or outdated. It was not carried \
                 out.",
                "Go back, reload the page, and send it again.",
            ),
        };
        Self { title, happened, advice }
    }
}

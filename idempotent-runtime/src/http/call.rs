//! One request on its way through a guarded handler: what generated code calls, step by step.

use crate::engine::{Begun, Execution};
use crate::fingerprint::Fingerprint;
use crate::http::app::Idempotency;
use crate::http::detach::Commitment;
use crate::http::problem::{Problem, ProblemKind};
use crate::http::refusal;
use crate::http::response::replay;
use crate::http::scope::NoScope;
use crate::http::template::{Draft, Template, Unfilled};
use crate::http::timestamp;
use crate::key::Segments;
use crate::policy::{FingerprintOf, Policy, Presence};
use crate::strategy::{self, Reading};
use actix_web::dev::Payload;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, Responder};
use bytes::Bytes;

/// The longest single value in a key, and in a scope or fingerprint.
const VALUE_MAX: usize = 1024;
const LONG_VALUE_MAX: usize = 8192;

/// Why a handler is not reached.
#[derive(Debug)]
pub enum Exit {
    /// An extractor, or the app's scope function, refused the request.
    Refused(Error),
    /// We refused it.
    Problem(Problem),
    /// It ran before, and this is its response.
    Replayed(HttpResponse),
}

impl From<Problem> for Exit {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

/// One request on its way through a guarded handler.
pub struct Call {
    pub(super) policy: &'static Policy,
    pub(super) app: Idempotency,
    pub(super) request: HttpRequest,
    pub(super) payload: Payload,
    pub(super) body: Bytes,
    pub(super) commitment: Commitment,
    pub(super) execution: Option<Execution>,
    pub(super) drafts: Drafts,
}

/// The templates of one handler, as far as they are filled in.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    key: Draft,
    scope: Option<Draft>,
    fingerprint: Draft,
    timestamp: Draft,
}

impl Call {
    /// Extracts the handler's arguments, all at once, as actix does.
    pub async fn extract<T: FromRequest>(&mut self) -> Result<T, Exit> {
        let extracted = T::from_request(&self.request, &mut self.payload).await;
        extracted.map_err(|error| Exit::Refused(error.into()))
    }

    /// Fills in the template of the key.
    pub fn key(&mut self) -> Template<'_> {
        template(&mut self.drafts.key, &self.app, &self.request, &self.body, VALUE_MAX)
    }

    /// Fills in the handler's own template of the scope, in place of the app's rule.
    pub fn scope(&mut self) -> Template<'_> {
        let draft = self.drafts.scope.get_or_insert_default();
        template(draft, &self.app, &self.request, &self.body, LONG_VALUE_MAX)
    }

    /// Fills in the handler's own template of the fingerprint.
    pub fn fingerprint(&mut self) -> Template<'_> {
        let draft = &mut self.drafts.fingerprint;
        template(draft, &self.app, &self.request, &self.body, LONG_VALUE_MAX)
    }

    /// Fills in the template of the request's timestamp.
    pub fn timestamp(&mut self) -> Template<'_> {
        let draft = &mut self.drafts.timestamp;
        template(draft, &self.app, &self.request, &self.body, VALUE_MAX)
    }

    /// Claims the key, so that the handler may run; or says what the client gets instead.
    pub async fn claim(&mut self) -> Result<(), Exit> {
        if let Some(window) = self.policy.within {
            let sent = self.filled(&self.drafts.timestamp, ProblemKind::StaleRequest)?;
            debug_assert!(!sent.is_empty(), "the macro fills the timestamp in");
            let now = self.app.engine().clock().wall();
            timestamp::check(self.drafts.timestamp.value(), now, window)
                .map_err(|why| self.problem(ProblemKind::StaleRequest, why))?;
        }
        let key = match self.drafts.key.segments() {
            Err(Unfilled::Missing(_)) if self.policy.presence == Presence::Optional => {
                return Ok(());
            }
            _ => self.filled(&self.drafts.key, ProblemKind::KeyInvalid)?,
        };
        let scope = self.whose()?;
        let reading = Reading {
            scope: &scope,
            key,
            value: self.drafts.key.value(),
            route: (self.request.method().as_str(), self.request.path()),
            fingerprint: self.what()?,
            now: self.app.engine().clock().wall(),
        };
        let ask = strategy::ask(self.policy, self.app.settings(), &reading)
            .map_err(|refusal| refusal::problem(&self.request, self.policy, refusal))?;
        self.commitment.commit();
        match self.app.engine().begin(ask).await {
            Ok(Begun::Run(execution)) => {
                self.execution = Some(execution);
                Ok(())
            }
            Ok(Begun::Replay(stored)) => Err(replay(stored).map_or_else(
                || Exit::Problem(refusal::unreadable(&self.request)),
                Exit::Replayed,
            )),
            Ok(Begun::Refused(refusal)) => {
                Err(refusal::problem(&self.request, self.policy, refusal).into())
            }
            Err(error) => Err(refusal::store_failed(&self.request, &error).into()),
        }
    }

    /// Makes a response of what the handler returned.
    pub fn respond(&self, returned: impl Responder) -> HttpResponse {
        returned.respond_to(&self.request).map_into_boxed_body()
    }

    fn whose(&self) -> Result<Segments, Exit> {
        if let Some(draft) = &self.drafts.scope {
            return self.filled(draft, ProblemKind::ScopeMissing).cloned();
        }
        self.app.scope().of(&self.request).map_err(|none| match none {
            NoScope::Refused(error) => Exit::Refused(error),
            NoScope::Missing(why) => self.problem(ProblemKind::ScopeMissing, why).into(),
        })
    }

    fn what(&self) -> Result<Fingerprint, Exit> {
        Ok(match self.policy.fingerprint {
            FingerprintOf::Nothing => Fingerprint::NONE,
            FingerprintOf::Request => Fingerprint::of_request(
                self.request.method().as_str(),
                self.request.path(),
                self.request.query_string(),
                &self.body,
            ),
            FingerprintOf::Template => {
                let filled = self.filled(&self.drafts.fingerprint, ProblemKind::KeyInvalid)?;
                Fingerprint::of_segments(filled)
            }
        })
    }

    fn filled<'a>(&self, draft: &'a Draft, invalid: ProblemKind) -> Result<&'a Segments, Exit> {
        draft.segments().map_err(|why| match why {
            Unfilled::Missing(why) if invalid == ProblemKind::KeyInvalid => {
                self.problem(ProblemKind::KeyMissing, why).into()
            }
            Unfilled::Missing(why) | Unfilled::Invalid(why) => self.problem(invalid, why).into(),
        })
    }

    fn problem(&self, kind: ProblemKind, detail: String) -> Problem {
        Problem::new(kind, self.request.path(), detail)
    }
}

fn template<'a>(
    draft: &'a mut Draft,
    app: &Idempotency,
    request: &'a HttpRequest,
    body: &'a Bytes,
    longest: usize,
) -> Template<'a> {
    Template { draft, request, body, form: app.key_form(), longest }
}

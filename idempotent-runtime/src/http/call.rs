//! One request on its way through a guarded handler: what generated code calls, step by step.

#![expect(clippy::result_large_err, reason = "a box for each exit would cost more than its moves")]

use crate::engine::Admission;
use crate::engine::decide::Refusal;
use crate::error::{StoreError, StoreErrorKind};
use crate::http::app::Idempotency;
use crate::http::body::{Unread, buffer, refilled};
use crate::http::handler::{Arguments, Extract};
use crate::http::problem::{Problem, ProblemKind};
use crate::http::refusal;
use crate::http::response::replay;
use crate::http::serving::{Run, Shared, misconfigured};
use crate::http::task::Kept;
use crate::http::template::Template;
use crate::key::KeyParts;
use crate::outcome::Outcome;
use crate::policy::{FingerprintOf, OnStoreError, Policy, Strategy};
use crate::template_value::{LONG_VALUE_MAX, TemplateValue, Unfilled, VALUE_MAX};
use actix_web::dev::Payload;
use actix_web::{Error, HttpRequest, HttpResponse};
use bytes::Bytes;
use std::borrow::Cow;
use std::rc::Rc;

/// Why a handler is not reached.
#[derive(Debug)]
pub(super) enum Exit {
    /// An extractor, or the app's scope function, refused the request.
    Refused(Error),
    /// The answer is known: a stored response, or a problem.
    Answered(HttpResponse),
}

impl Exit {
    pub(super) fn into_result(self) -> Result<HttpResponse, Error> {
        match self {
            Self::Refused(error) => Err(error),
            Self::Answered(response) => Ok(response),
        }
    }
}

/// One request on its way through a guarded handler.
pub struct Call {
    pub(super) policy: &'static Policy,
    pub(super) operation: Cow<'static, str>,
    pub(super) app: Idempotency,
    pub(super) request: HttpRequest,
    pub(super) payload: Payload,
    pub(super) body: Bytes,
    pub(super) shared: Rc<Shared>,
    pub(super) drafts: TemplateValues,
    pub(super) kept: Option<Box<Kept>>,
}

/// The templates of one handler, as far as they are filled in.
#[derive(Debug, Default)]
pub(super) struct TemplateValues {
    pub(super) key: TemplateValue,
    // Boxed, because few handlers have these, and futures are moved often.
    pub(super) scope: Option<Box<TemplateValue>>,
    pub(super) fingerprint: Option<Box<TemplateValue>>,
    pub(super) timestamp: Option<Box<TemplateValue>>,
    pub(super) first_sent: Option<Box<TemplateValue>>,
    pub(super) row: Option<Box<TemplateValue>>,
    pub(super) version: Option<Box<TemplateValue>>,
}

impl Call {
    pub(super) fn new(
        policy: &'static Policy,
        app: Idempotency,
        request: HttpRequest,
        payload: Payload,
        shared: &Rc<Shared>,
    ) -> Self {
        let (body, drafts, shared) = (Bytes::new(), TemplateValues::default(), Rc::clone(shared));
        let (operation, kept) = (Cow::Borrowed(policy.operation), None);
        Self { policy, operation, app, request, payload, body, shared, drafts, kept }
    }

    /// Reads the body if it is part of the fingerprint, then extracts the handler's arguments.
    pub(super) async fn extract(&mut self, extract: Extract) -> Result<Arguments, Exit> {
        self.read_body().await?;
        self.extracted(extract).await
    }

    pub(super) async fn extracted(&mut self, extract: Extract) -> Result<Arguments, Exit> {
        extract(&self.request, &mut self.payload).await.map_err(Exit::Refused)
    }

    pub(super) async fn read_body(&mut self) -> Result<(), Exit> {
        let twice = self.policy.strategy == Strategy::Unique;
        let compared = self.policy.fingerprint == FingerprintOf::Request;
        if !compared && !self.policy.reads_form && !twice {
            return Ok(());
        }
        let longest = self.app.max_body(self.policy);
        match buffer(&self.request, &mut self.payload, longest).await {
            Ok(body) => {
                self.payload = refilled(body.clone());
                self.body = body;
                Ok(())
            }
            Err(Unread::Broken(error)) => Err(Exit::Refused(error.into())),
            Err(Unread::TooLong) => {
                let what = format!("the body is longer than {longest} bytes");
                Err(self.problem(ProblemKind::BodyTooLarge, what))
            }
        }
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
        let draft = self.drafts.fingerprint.get_or_insert_default();
        template(draft, &self.app, &self.request, &self.body, LONG_VALUE_MAX)
    }

    /// Fills in the template of the request's timestamp.
    pub fn timestamp(&mut self) -> Template<'_> {
        let draft = self.drafts.timestamp.get_or_insert_default();
        template(draft, &self.app, &self.request, &self.body, VALUE_MAX)
    }

    /// Fills in the template of when the request was sent for the first time.
    pub fn first_sent(&mut self) -> Template<'_> {
        let draft = self.drafts.first_sent.get_or_insert_default();
        template(draft, &self.app, &self.request, &self.body, VALUE_MAX)
    }

    /// Fills in the template of the id of the row that guards the handler.
    pub fn row(&mut self) -> Template<'_> {
        let draft = self.drafts.row.get_or_insert_default();
        template(draft, &self.app, &self.request, &self.body, VALUE_MAX)
    }

    /// Fills in the template of the version that the client saw.
    pub fn version(&mut self) -> Template<'_> {
        let draft = self.drafts.version.get_or_insert_default();
        template(draft, &self.app, &self.request, &self.body, VALUE_MAX)
    }

    /// Claims the key, so that the handler may run; or says what the client gets instead.
    pub(super) async fn claim(&mut self) -> Result<(), Exit> {
        // Their futures are large, and most handlers have none.
        match self.policy.strategy {
            Strategy::Async => return Box::pin(self.accept()).await,
            Strategy::Cache => return Box::pin(self.read()).await,
            _ => {}
        }
        let ask = self.ask()?;
        if self.policy.strategy != Strategy::Lock {
            self.shared.record.set(ask.as_ref().map(|ask| ask.claim.key));
        }
        if self.is_transactional()? {
            // Its future is large, and most handlers have none.
            return Box::pin(self.open(ask)).await;
        }
        let Some(ask) = &ask else {
            return Ok(());
        };
        self.shared.committed.set(true);
        // Two small futures cost an allocator less than one that is too large for its fast lists.
        let begun = Box::pin(self.app.engine().begin(ask)).await;
        self.begun(begun)
    }

    /// Whether the guard stands in the business transaction: for an insert, if the handler does.
    fn is_transactional(&self) -> Result<bool, Exit> {
        let taken = self.shared.takes_transaction.get();
        match self.policy.strategy {
            Strategy::DedupTable | Strategy::RowLock | Strategy::Version | Strategy::State => {
                Ok(true)
            }
            Strategy::Unique => Ok(taken),
            Strategy::RequestId
            | Strategy::Token
            | Strategy::Lock
            | Strategy::Cache
            | Strategy::Async
            | Strategy::Message => {
                if taken {
                    // The compiler sees a `Tx` among the parameters, and not one inside of an
                    // extractor.
                    let why = "a handler takes `Tx`, and no guard of its stands in a transaction";
                    return Err(Exit::Refused(misconfigured(&self.request, why)));
                }
                Ok(false)
            }
        }
    }

    pub(super) fn begun(&self, begun: Result<Admission, StoreError>) -> Result<(), Exit> {
        match begun {
            Ok(Admission::Run(run)) => {
                self.shared.attempt.set(run.attempt());
                self.shared.run.replace(Some(Run::Leased(run)));
                Ok(())
            }
            Ok(Admission::Replay(stored)) => Err(self.replayed(*stored)),
            Ok(Admission::Refused(refusal)) => Err(self.refused(refusal)),
            Err(error) if self.may_run_without(&error) => {
                self.app.engine().counters().unguarded.count();
                refusal::runs_unguarded(&self.request, &error);
                Ok(())
            }
            Err(error) => Err(self.exit(&refusal::store_failed(&self.request, &error))),
        }
    }

    /// A record that cannot be read says that there was a request before: that one never runs again.
    fn may_run_without(&self, error: &StoreError) -> bool {
        self.policy.on_store_error == OnStoreError::Run && error.kind() != StoreErrorKind::Corrupt
    }

    pub(super) fn filled<'a>(
        &self,
        draft: &'a TemplateValue,
        invalid: ProblemKind,
    ) -> Result<&'a KeyParts, Exit> {
        draft.segments().map_err(|why| match why {
            Unfilled::Missing(why) if invalid == ProblemKind::KeyInvalid => {
                self.problem(ProblemKind::KeyMissing, why)
            }
            Unfilled::Missing(why) | Unfilled::Invalid(why) => self.problem(invalid, why),
        })
    }

    pub(super) fn replayed(&self, stored: Outcome) -> Exit {
        let counters = self.app.engine().counters();
        // A function's value is no response.
        let response = match stored {
            Outcome::Response(response) => replay(response),
            Outcome::Value(_) | Outcome::Tombstone => None,
        };
        if let Some(response) = response {
            counters.replayed.count();
            return Exit::Answered(response);
        }
        counters.undecodable.count();
        self.exit(&refusal::unreadable(&self.request))
    }

    pub(super) fn refused(&self, refusal: Refusal) -> Exit {
        self.exit(&refusal::problem(&self.request, self.policy, refusal))
    }

    pub(super) fn problem(&self, kind: ProblemKind, detail: String) -> Exit {
        self.exit(&Problem::new(kind, self.request.path(), detail))
    }

    pub(super) fn exit(&self, problem: &Problem) -> Exit {
        Exit::Answered(self.app.render(&self.request, problem))
    }
}

fn template<'a>(
    draft: &'a mut TemplateValue,
    app: &Idempotency,
    request: &'a HttpRequest,
    body: &'a Bytes,
    longest: usize,
) -> Template<'a> {
    Template { draft, request, body, form: app.key_form(), longest }
}

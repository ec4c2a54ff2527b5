//! The way of one request through a guarded handler. Generated code calls it, step by step.

#![expect(clippy::result_large_err, reason = "a box for each exit would cost more than its moves")]

use crate::http::answer::misconfigured::misconfigured;
use crate::http::answer::problem::{Problem, ProblemKind};
use crate::http::app::idempotency::Idempotency;
use crate::http::call::run::RunState;
use crate::http::request::body::RequestBody;
use crate::http::request::template::{AbsentHeader, Template};
use crate::key::{Guard, KeyParts};
use crate::observe::Operation;
use crate::policy::{GuardPlace, Policy};
use crate::template_value::{LONG_VALUE_MAX, TemplateValue, Unfilled, VALUE_MAX};
use actix_web::dev::Payload;
use actix_web::{Error, HttpRequest, HttpResponse};
use bytes::Bytes;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::rc::Rc;
use tracing::Level;
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;

/// The reason why a handler is not reached.
#[derive(Debug)]
pub(crate) enum Exit {
    /// An extractor, or the app's scope function, refused the request.
    Refused(Error),
    /// The answer is known: a stored response, or a problem.
    Answered(HttpResponse),
}

impl Exit {
    pub(crate) fn into_result(self) -> Result<HttpResponse, Error> {
        match self {
            Self::Refused(error) => Err(error),
            Self::Answered(response) => Ok(response),
        }
    }
}

/// The state of one request on its way through a guarded handler.
pub struct Call {
    pub(crate) policy: &'static Policy,
    /// The guard that keeps the record.
    pub(crate) guard: Guard,
    /// The operation, as people see it.
    pub(crate) shown: Cow<'static, str>,
    /// The pattern of its route, once it has been read.
    pub(crate) pattern: OnceCell<Option<String>>,
    pub(crate) app: Idempotency,
    pub(crate) request: HttpRequest,
    pub(crate) payload: Payload,
    pub(crate) body: RequestBody,
    pub(crate) state: Rc<RunState>,
    pub(crate) values: TemplateValues,
    /// The arguments of a request that becomes a task, serialised.
    pub(crate) task_arguments: Option<Box<KeptArguments>>,
}

/// The arguments of a request that becomes a task: the names of the parameters, and each value serialised.
pub(crate) type KeptArguments = (&'static str, Vec<Bytes>);

/// The templates of one handler, and the values that are filled in so far.
#[derive(Debug, Default)]
pub(crate) struct TemplateValues {
    pub(crate) key: TemplateValue,
    // Boxed, because few handlers have these, and futures are moved often.
    pub(crate) scope: Option<Box<TemplateValue>>,
    pub(crate) fingerprint: Option<Box<TemplateValue>>,
    pub(crate) timestamp: Option<Box<TemplateValue>>,
    pub(crate) first_sent: Option<Box<TemplateValue>>,
    pub(crate) row: Option<Box<TemplateValue>>,
    pub(crate) version: Option<Box<TemplateValue>>,
    pub(crate) owner: Option<Box<TemplateValue>>,
}

impl TemplateValues {
    /// The expression that is being evaluated and has not ended.
    pub(crate) fn evaluated(&self) -> Option<&'static str> {
        let Self { key, scope, fingerprint, timestamp, first_sent, row, version, owner } = self;
        let rare = [scope, fingerprint, timestamp, first_sent, row, version, owner];
        let rare = rare.into_iter().flatten().find_map(|value| value.evaluated());
        key.evaluated().or(rare)
    }
}

impl Call {
    pub(crate) fn new(
        policy: &'static Policy,
        app: Idempotency,
        request: HttpRequest,
        payload: Payload,
        state: &Rc<RunState>,
    ) -> Self {
        let (body, values, state) =
            (RequestBody::default(), TemplateValues::default(), Rc::clone(state));
        let (shown, task_arguments) = (Cow::Borrowed(policy.shown_operation()), None);
        let pattern = OnceCell::new();
        let guard = match policy.strategy.traits().guard {
            GuardPlace::Task => Guard::Task,
            _ => Guard::Handler,
        };
        Self {
            policy,
            guard,
            shown,
            pattern,
            app,
            request,
            payload,
            body,
            state,
            values,
            task_arguments,
        }
    }

    /// The pattern of the route, if one matches.
    pub(crate) fn pattern(&self) -> Option<&str> {
        self.pattern.get_or_init(|| self.request.match_pattern()).as_deref()
    }

    /// The operation: the policy's name for it, or the route.
    fn operation(&self) -> Operation<'_> {
        let strategy = self.policy.strategy.name();
        match (self.policy.operation, self.pattern()) {
            (None, Some(name)) => {
                Operation { method: Some(known_method(&self.request)), name, strategy }
            }
            (name, _) => Operation { method: None, name: name.unwrap_or("unmatched"), strategy },
        }
    }

    /// From now on the request is counted and traced as one of its operation.
    pub(crate) fn begin_course(&self) {
        let nobody = Operation { method: None, name: "", strategy: "" };
        let counted = if cfg!(feature = "_meters") { self.operation() } else { nobody };
        // Without a listener, a span would still be written to the `log` crate, field by field.
        let span = (LevelFilter::current() >= Level::INFO).then(|| {
            tracing::info_span!(
                "guarded request",
                idempotency.operation = %self.operation(),
                idempotency.strategy = self.policy.strategy.name(),
                idempotency.key = Empty,
                idempotency.attempt = Empty,
                idempotency.outcome = Empty,
            )
        });
        let meters = self.app.engine().counters().meters.operations.of(counted);
        self.state.course.begins(meters, span);
    }

    /// Fills in the template of the key.
    pub fn key(&mut self) -> Template<'_> {
        let key = template(&mut self.values.key, &self.app, &self.request, &self.body, VALUE_MAX);
        match self.policy.strategy.traits().guard {
            GuardPlace::Cache => Template { absent_header: AbsentHeader::Value, ..key },
            _ => key,
        }
    }

    /// Fills in the handler's own template of the scope, in place of the app's rule.
    pub fn scope(&mut self) -> Template<'_> {
        let value = self.values.scope.get_or_insert_default();
        template(value, &self.app, &self.request, &self.body, LONG_VALUE_MAX)
    }

    /// Fills in the handler's own template of the fingerprint.
    pub fn fingerprint(&mut self) -> Template<'_> {
        let value = self.values.fingerprint.get_or_insert_default();
        template(value, &self.app, &self.request, &self.body, LONG_VALUE_MAX)
    }

    /// Fills in the template of the request's timestamp.
    pub fn timestamp(&mut self) -> Template<'_> {
        let value = self.values.timestamp.get_or_insert_default();
        template(value, &self.app, &self.request, &self.body, VALUE_MAX)
    }

    /// Fills in the template of the time when the request was sent first.
    pub fn first_sent(&mut self) -> Template<'_> {
        let value = self.values.first_sent.get_or_insert_default();
        template(value, &self.app, &self.request, &self.body, VALUE_MAX)
    }

    /// Fills in the template of the id of the row that guards the handler.
    pub fn row(&mut self) -> Template<'_> {
        let value = self.values.row.get_or_insert_default();
        template(value, &self.app, &self.request, &self.body, VALUE_MAX)
    }

    /// Fills in the template of the version that the client saw.
    pub fn version(&mut self) -> Template<'_> {
        let value = self.values.version.get_or_insert_default();
        template(value, &self.app, &self.request, &self.body, VALUE_MAX)
    }

    /// Fills in the template of the owner that the row must have.
    pub fn owner(&mut self) -> Template<'_> {
        let value = self.values.owner.get_or_insert_default();
        template(value, &self.app, &self.request, &self.body, VALUE_MAX)
    }

    /// The parts of a template that was filled in. `invalid` is the kind of problem if a value is not allowed.
    pub(crate) fn filled<'a>(
        &self,
        value: &'a TemplateValue,
        invalid: ProblemKind,
    ) -> Result<&'a KeyParts, Exit> {
        value.segments().map_err(|why| match why {
            Unfilled::Absent(why) | Unfilled::Missing(why)
                if invalid == ProblemKind::KeyInvalid =>
            {
                self.problem(ProblemKind::KeyMissing, why)
            }
            Unfilled::Absent(why) | Unfilled::Missing(why) | Unfilled::Invalid(why) => {
                self.problem(invalid, why)
            }
            Unfilled::Unmatched(why) => self.misconfigured(&why),
        })
    }

    pub(crate) fn problem(&self, kind: ProblemKind, detail: String) -> Exit {
        self.exit(&Problem::new(kind, self.request.path(), detail))
    }

    /// The exit if the app lacks a part that the handler needs, or has two where only one may be.
    pub(crate) fn misconfigured(&self, why: &str) -> Exit {
        self.exit(&misconfigured(&self.request, why))
    }

    pub(crate) fn exit(&self, problem: &Problem) -> Exit {
        Exit::Answered(self.app.render(&self.request, problem))
    }
}

/// The method of a request; a method that a client invented gets one common name.
fn known_method(request: &HttpRequest) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    let method = request.method().as_str();
    known.into_iter().find(|known| *known == method).unwrap_or("OTHER")
}

fn template<'a>(
    value: &'a mut TemplateValue,
    app: &Idempotency,
    request: &'a HttpRequest,
    body: &'a RequestBody,
    longest: usize,
) -> Template<'a> {
    let (form, absent_header) = (app.key_form(), AbsentHeader::Missing);
    Template { value, request, body, form, absent_header, longest }
}

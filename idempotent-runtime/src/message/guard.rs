//! A call of a guarded function: generated code makes it and drives it.

use crate::engine::RecordPlace;
use crate::fingerprint::Fingerprint;
use crate::key::{Guard, KeyParts};
use crate::message::course::CallCourse;
use crate::message::error::MessageError;
use crate::message::messages::{MessageContext, MessageEngine, MessageOnBegin, MessageScope};
use crate::message::run::{MessageAdmission, MessageClaim, MessageRun};
use crate::message::shape::difference;
use crate::outcome::Outcome;
use crate::policy::{OnDuplicate, Policy};
use crate::strategy::message;
use crate::template_value::{LONG_VALUE_MAX, TemplateFiller, TemplateValue, VALUE_MAX};
use crate::transaction::{BusinessDatabase, TxSettings};
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
use crate::transaction::{TxSlot, tx::BusinessTx};
use bytes::Bytes;
use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::any::TypeId;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::Arc;
use tracing::Instrument;

/// The largest value in bytes that is stored, unless the function sets another limit.
const LONGEST_VALUE: usize = 2 << 20;

/// One call of a guarded function.
pub struct Message {
    policy: &'static Policy,
    context: MessageContext,
    key: TemplateValue,
    scope: Option<TemplateValue>,
    fingerprint: Option<TemplateValue>,
}

impl Message {
    /// A call of the function with this policy, guarded by this engine.
    #[must_use]
    pub fn new(policy: &'static Policy, engine: &(impl MessageEngine + ?Sized)) -> Self {
        let (key, context) = (TemplateValue::default(), engine.context());
        Self { policy, context, key, scope: None, fingerprint: None }
    }

    /// Fills in the template of the key.
    pub fn key(&mut self) -> TemplateFiller<'_> {
        TemplateFiller { value: &mut self.key, longest: VALUE_MAX }
    }

    /// Fills in the function's own template of the scope, in place of the engine's.
    pub fn scope(&mut self) -> TemplateFiller<'_> {
        let value = self.scope.get_or_insert_default();
        TemplateFiller { value, longest: LONG_VALUE_MAX }
    }

    /// Fills in the function's template of the fingerprint.
    pub fn fingerprint(&mut self) -> TemplateFiller<'_> {
        let value = self.fingerprint.get_or_insert_default();
        TemplateFiller { value, longest: LONG_VALUE_MAX }
    }

    fn course(&self) -> CallCourse {
        CallCourse::begin(self.policy, &self.context.base)
    }

    fn into_claim(self) -> Result<MessageClaim, MessageError> {
        self.check_definition()?;
        let fingerprint = match &self.fingerprint {
            Some(template) => Fingerprint::of_segments(template.segments()?),
            None => Fingerprint::NONE,
        };
        let (policy, settings) = (self.policy, &self.context.base.settings);
        let (scope, key) = (self.scope_parts()?, self.key.segments()?);
        let request = message::claim_request(policy, settings, scope, key, fingerprint);
        let settings = match &self.context.on_begin {
            MessageOnBegin::OfScope(on_begin) => on_begin(&scope.whole()),
            MessageOnBegin::Nothing | MessageOnBegin::OfRequests => TxSettings::new(),
        };
        let MessageContext { base, calls, .. } = self.context;
        Ok(MessageClaim { policy, base, request, settings, calls })
    }

    /// Refuses the second of two functions with one operation, since it would return the values of the first.
    fn check_definition(&self) -> Result<(), MessageError> {
        let policy = self.policy;
        let operation = message::operation(policy);
        let place = RecordPlace { guard: Guard::Message, method: None, found_by: operation };
        self.context.base.engine.definitions().claim(place, policy).map_err(|taken| {
            tracing::error!(
                operation,
                refused = %policy.definition,
                first = %taken.by,
                "two functions have one operation; give each its own `operation`, or set \
                 `shared_operation = true` in both",
            );
            MessageError::Misconfigured(
                "another function has the same operation; give this one its own `operation`",
            )
        })
    }

    fn scope_parts(&self) -> Result<&KeyParts, MessageError> {
        if let Some(template) = &self.scope {
            return Ok(template.segments()?);
        }
        match &self.context.scope {
            MessageScope::Fixed(scope) => Ok(scope),
            MessageScope::OfFunctions => Err(MessageError::Misconfigured(
                "this call has no scope: give the function a `scope = \"{…}\"`, or its \
                 engine a scope that needs no request",
            )),
        }
    }

    /// The engine's business database, which must be of the same kind as the function's `Tx`.
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
        expect(dead_code, reason = "there is no transaction without a database")
    )]
    fn database(&self, kind: TypeId) -> Result<Arc<dyn BusinessDatabase>, MessageError> {
        let Some(database) = self.context.base.database.clone() else {
            let why = "the function takes `Tx`, but its engine has no `.database(pool)`";
            return Err(MessageError::Misconfigured(why));
        };
        if matches!(self.context.on_begin, MessageOnBegin::OfRequests) {
            let why = "the function takes `Tx`, but the `on_begin` of its engine reads a request: \
                       use a `Messages`, whose `on_begin` reads the scope";
            return Err(MessageError::Misconfigured(why));
        }
        if database.kind() != kind {
            let why = "the function takes a `Tx` of another database than its engine has";
            return Err(MessageError::Misconfigured(why));
        }
        Ok(database)
    }
}

/// Runs a function for one call, unless it ran for the same call before.
///
/// Its value is stored before the caller gets it. After an error the key is given back, so that the next call
/// runs. After a panic the key is given back or held, as the policy says, and the panic goes on to the
/// caller. The function is a part of the caller's future: if that is dropped in the middle, the same happens
/// as after a panic.
///
/// # Errors
/// The function's own error; or a [`MessageError`] if the function did not run, or its record could not be stored.
pub async fn guard<T, E, W>(message: Message, work: W) -> Result<T, E>
where
    T: Serialize + DeserializeOwned,
    E: From<MessageError>,
    W: Future<Output = Result<T, E>>,
{
    let (policy, mut course) = (message.policy, message.course());
    let span = course.span();
    let guarded = async move {
        let admission = match message.into_claim() {
            Ok(claim) => {
                course.has_key(&claim.request.claim.key);
                claim.by_lease().await
            }
            Err(error) => Err(error),
        };
        course.admitted(&admission);
        match admission? {
            MessageAdmission::Run(run) => run_to_its_end(run, policy, work, course).await,
            MessageAdmission::Value(value) => Ok(parsed(&value)?),
        }
    };
    guarded.instrument(span).await
}

/// The same in the business transaction. The function's work on its `Tx` and the record commit together,
/// before the caller gets the value, or not at all.
///
/// # Errors
/// The same as those of [`guard`].
#[cfg(any(feature = "sqlite", feature = "postgres", feature = "mysql"))]
pub async fn guard_in_transaction<X, T, E, W>(
    message: Message,
    work: impl FnOnce(X) -> W,
) -> Result<T, E>
where
    X: BusinessTx,
    T: Serialize + DeserializeOwned,
    E: From<MessageError>,
    W: Future<Output = Result<T, E>>,
{
    let (policy, slot, mut course) = (message.policy, TxSlot::default(), message.course());
    let span = course.span();
    let guarded = async move {
        let claim = message.database(TypeId::of::<X::Database>());
        let claim = claim.and_then(|database| Ok((database, message.into_claim()?)));
        let admission = match claim {
            Ok((database, claim)) => {
                course.has_key(&claim.request.claim.key);
                claim.in_transaction(database, &slot).await
            }
            Err(error) => Err(error),
        };
        course.admitted(&admission);
        match admission? {
            MessageAdmission::Run(run) => {
                run_to_its_end(run, policy, work(X::in_slot(slot)), course).await
            }
            MessageAdmission::Value(value) => Ok(parsed(&value)?),
        }
    };
    guarded.instrument(span).await
}

/// Runs a function whose key is claimed.
async fn run_to_its_end<T, E, W>(
    run: MessageRun,
    policy: &Policy,
    work: W,
    mut course: CallCourse,
) -> Result<T, E>
where
    T: Serialize + DeserializeOwned,
    E: From<MessageError>,
    W: Future<Output = Result<T, E>>,
{
    let ended = ended(run, policy, work).await;
    course.ended(&ended);
    ended
}

async fn ended<T, E, W>(run: MessageRun, policy: &Policy, work: W) -> Result<T, E>
where
    T: Serialize + DeserializeOwned,
    E: From<MessageError>,
    W: Future<Output = Result<T, E>>,
{
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(Ok(value)) => {
            match outcome_of(&value, policy) {
                Ok(outcome) => run.complete(outcome).await?,
                // The transaction can be rolled back.
                Err(why) if run.is_in_transaction() => {
                    run.release().await;
                    return Err(MessageError::Unrepeatable(why).into());
                }
                Err(_) => run.complete(Outcome::Tombstone).await?,
            }
            Ok(value)
        }
        Ok(Err(error)) => {
            run.release().await;
            Err(error)
        }
        Err(panic) => {
            run.give_up().await;
            resume_unwind(panic)
        }
    }
}

/// Serialises a value as JSON: people and later versions of a program can read it, fields may be added with a
/// default, and every type that serde describes without help fits.
///
/// The error is the reason why later calls would not get this value.
fn outcome_of<T>(value: &T, policy: &Policy) -> Result<Outcome, String>
where
    T: Serialize + DeserializeOwned,
{
    if policy.on_duplicate == OnDuplicate::Reject {
        // Nobody will ever get the value again.
        return Ok(Outcome::Tombstone);
    }
    let longest = policy.max_body.unwrap_or(LONGEST_VALUE);
    let tell = |why: &str| {
        tracing::error!(
            operation = policy.shown_operation(),
            why,
            "the value of a function cannot be stored; later calls are told that it ran",
        );
    };
    let json = match serde_json::to_vec(value) {
        Ok(json) if json.len() > longest => {
            tell(&format!("{} bytes are more than {longest}", json.len()));
            return Ok(Outcome::Tombstone);
        }
        Ok(json) => Ok(json),
        Err(error) => Err(error.to_string()),
    };
    let kept = json.and_then(|json| match difference(value, &json) {
        None => Ok(Outcome::Value(Bytes::from(json))),
        Some(why) => Err(why),
    });
    kept.inspect_err(|why| tell(why))
}

fn parsed<T: DeserializeOwned>(json: &[u8]) -> Result<T, MessageError> {
    serde_json::from_slice(json).map_err(MessageError::Unreadable)
}

//! One call on its way through a guarded function: what generated code calls, step by step.

use crate::engine::{Admission, ClaimRequest};
use crate::error::{StoreError, StoreErrorKind};
use crate::fingerprint::Fingerprint;
use crate::key::KeyParts;
use crate::message::detached::Detached;
use crate::message::error::MessageError;
use crate::message::messages::{MessageEngine, Parts, Whose};
use crate::message::run::{End, Run};
use crate::outcome::Outcome;
use crate::policy::Policy;
use crate::strategy::message;
use crate::template_value::{LONG_VALUE_MAX, TemplateValue, Unfilled, VALUE_MAX};
use crate::transaction::{self, Plan, TxSlot};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::ready;
use std::any::TypeId;
use std::fmt::Display;
use std::sync::Arc;

/// One call of a guarded function.
pub struct Message {
    policy: &'static Policy,
    parts: Parts,
    key: TemplateValue,
    scope: Option<TemplateValue>,
    fingerprint: Option<TemplateValue>,
}

/// Fills in one template of one call; every method adds a segment.
pub struct Filling<'a> {
    draft: &'a mut TemplateValue,
    longest: usize,
}

/// What a claim has come to.
pub(super) enum Claimed {
    /// The function may run.
    Run(Run),
    /// It ran before; this is what it returned, serialised.
    Value(Bytes),
}

#[expect(
    clippy::return_self_not_must_use,
    reason = "each call fills in the draft; the value only chains"
)]
impl Filling<'_> {
    /// Literal text.
    pub fn text(self, text: &str) -> Self {
        self.draft.text(text);
        self
    }

    /// The value of an expression, as `Display` writes it.
    pub fn value(self, expression: &str, value: &dyn Display) -> Self {
        self.draft.show(expression, value, self.longest);
        self
    }
}

impl Message {
    /// A call of the function with this policy, guarded by this.
    #[must_use]
    pub fn new(policy: &'static Policy, engine: &(impl MessageEngine + ?Sized)) -> Self {
        let (key, parts) = (TemplateValue::default(), engine.parts());
        Self { policy, parts, key, scope: None, fingerprint: None }
    }

    /// Fills in the template of the key.
    pub fn key(&mut self) -> Filling<'_> {
        Filling { draft: &mut self.key, longest: VALUE_MAX }
    }

    /// Fills in the function's own template of the scope, in place of the engine's.
    pub fn scope(&mut self) -> Filling<'_> {
        Filling { draft: self.scope.get_or_insert_default(), longest: LONG_VALUE_MAX }
    }

    /// Fills in the function's template of the fingerprint.
    pub fn fingerprint(&mut self) -> Filling<'_> {
        Filling { draft: self.fingerprint.get_or_insert_default(), longest: LONG_VALUE_MAX }
    }

    /// Claims the key, so that the function may run; or gives what it returned.
    pub(super) async fn claim(self) -> Result<Claimed, MessageError> {
        let ask = self.ask()?;
        let (engine, policy) = (self.parts.base.engine.clone(), self.policy);
        let begun = Detached::new(
            async move { engine.begin(&ask).await },
            // Nobody will run it: the key is free again. Nothing happened yet.
            |begun| match begun {
                Ok(Admission::Run(run)) => run.release().boxed(),
                _ => ready(()).boxed(),
            },
        );
        match begun.await {
            Ok(Admission::Run(run)) => {
                let ttl = self.parts.base.settings.ttl(policy);
                Ok(Claimed::Run(Run::new(policy, End::Leased(run), ttl)))
            }
            Ok(Admission::Replay(outcome)) => self.replayed(*outcome),
            Ok(Admission::Refused(refusal)) => Err(refusal.into()),
            Err(error) => Err(MessageError::store_failed(policy.operation, error)),
        }
    }

    /// Opens a transaction of the business database with the key in it, and lends it there.
    #[cfg_attr(
        not(any(feature = "sqlite", feature = "postgres", feature = "mysql")),
        expect(dead_code, reason = "there is no transaction without a database")
    )]
    pub(super) async fn open(self, kind: TypeId, lent: &TxSlot) -> Result<Claimed, MessageError> {
        let (base, policy) = (Arc::clone(&self.parts.base), self.policy);
        let Some(database) = base.database.clone() else {
            let why = "the function takes `Tx`, and its engine has no `.database(pool)`";
            return Err(MessageError::Misconfigured(why));
        };
        if database.kind() != kind {
            let why = "the function takes a `Tx` of another database than its engine has";
            return Err(MessageError::Misconfigured(why));
        }
        let wait = policy.wait.unwrap_or(base.settings.wait);
        let plan = Plan { request: Some(self.ask()?), row: None, wait };
        let begun = Detached::new(
            async move { transaction::begin(&database, &base.engine, plan).await },
            |begun| match begun {
                Ok(transaction::TransactionAdmission::Run(run)) => run.roll_back().boxed(),
                _ => ready(()).boxed(),
            },
        );
        match begun.await {
            Ok(transaction::TransactionAdmission::Run(mut run)) => {
                run.put_into(lent);
                let ttl = self.parts.base.settings.ttl(policy);
                Ok(Claimed::Run(Run::new(policy, End::Transaction(run, lent.clone()), ttl)))
            }
            Ok(transaction::TransactionAdmission::Replay(outcome)) => self.replayed(*outcome),
            Ok(transaction::TransactionAdmission::Refused(refusal)) => Err(refusal.into()),
            Ok(transaction::TransactionAdmission::Row(_)) => Err(MessageError::NotReplayable),
            Err(error) => Err(MessageError::store_failed(policy.operation, error)),
        }
    }

    /// What the engine is asked.
    fn ask(&self) -> Result<ClaimRequest, MessageError> {
        let fingerprint = match &self.fingerprint {
            Some(draft) => Fingerprint::of_segments(filled(draft)?),
            None => Fingerprint::NONE,
        };
        let settings = &self.parts.base.settings;
        let (scope, key) = (self.whose()?, filled(&self.key)?);
        Ok(message::claim_request(self.policy, settings, &scope, key, fingerprint))
    }

    fn whose(&self) -> Result<KeyParts, MessageError> {
        if let Some(draft) = &self.scope {
            return filled(draft).cloned();
        }
        match &self.parts.whose {
            Whose::Shared => Ok(KeyParts::new()),
            Whose::Named(name) => Ok(KeyParts::new().value(name)),
            Whose::OfFunctions => Err(MessageError::Misconfigured(
                "nobody says whose this call is: give the function a `scope = \"{…}\"`, or its \
                 engine a scope that needs no request",
            )),
        }
    }

    fn replayed(&self, outcome: Outcome) -> Result<Claimed, MessageError> {
        let counters = self.parts.base.engine.counters();
        if let Outcome::Value(value) = outcome {
            counters.replayed.count();
            return Ok(Claimed::Value(value));
        }
        counters.undecodable.count();
        let corrupt = StoreError::new(StoreErrorKind::Corrupt, "create");
        let corrupt = corrupt.because("what is stored under this key is no function's value");
        Err(MessageError::store_failed(self.policy.operation, corrupt))
    }
}

fn filled(draft: &TemplateValue) -> Result<&KeyParts, MessageError> {
    draft.segments().map_err(|why| match why {
        Unfilled::Missing(why) => MessageError::KeyMissing(why),
        Unfilled::Invalid(why) => MessageError::KeyInvalid(why),
    })
}

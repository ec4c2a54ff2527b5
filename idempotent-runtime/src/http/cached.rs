//! Safe reads that are computed once: from the request to the answer, and from the answer to the
//! record.
//!
//! Whatever goes wrong between, the handler computes: a read changes nothing, so the worst is that
//! it is computed twice.

#![expect(clippy::result_large_err, reason = "a box for each exit would cost more than its moves")]

use crate::engine::{Admission, Answer, Execution, Found, Life};
use crate::error::StoreError;
use crate::fingerprint::Fingerprint;
use crate::http::app::Idempotency;
use crate::http::call::{Call, Exit};
use crate::http::freshness::{conditional, dressed, is_kept, tagged};
use crate::http::path::concrete;
use crate::http::problem::ProblemKind;
use crate::http::refusal;
use crate::http::response::{CACHING, Taken, Taking, again};
use crate::http::serving::Run;
use crate::http::settle::is_stored;
use crate::key::{KeyParts, StorageKey};
use crate::outcome::{Outcome, StoredResponse};
use crate::policy::{KeyRequirement, Policy};
use crate::strategy::{self, Read, Reading};
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse};
use std::borrow::Cow;
use std::error::Error as StdError;
use std::time::Duration;

/// A computation under way.
pub(crate) struct Computing {
    turn: Turn,
    kept: Kept,
}

enum Turn {
    /// Everybody else waits for it.
    First(Execution),
    /// Everybody else reads the old answer meanwhile.
    Again(Execution, Box<Answer>),
}

/// Where its answer is kept, how long, and for whom.
#[derive(Clone, Copy)]
struct Kept {
    key: StorageKey,
    life: Life,
    whose: Whose,
}

/// Who reads an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    Everybodys,
    One,
}

impl Call {
    /// Answers with what was computed before, or lets the handler compute.
    pub(super) async fn read(&mut self) -> Result<(), Exit> {
        if !matches!(*self.request.method(), Method::GET | Method::HEAD) {
            return Ok(());
        }
        let (read, whose) = self.asked()?;
        let key = read.first.claim.key;
        let kept = Kept { key, life: read.life, whose };
        self.shared.record.set(Some(key));
        match self.app.engine().look(&key, read.life).await {
            Ok(Found::Fresh(answer)) => Err(self.found(answer.response, answer.age, whose)),
            Ok(Found::Stale(answer)) => self.renew(&read, kept, answer).await,
            Ok(Found::Nothing) => self.first(&read, kept).await,
            Ok(Found::NotKept) => Ok(()),
            Err(error) => {
                self.uncached(&error);
                Ok(())
            }
        }
    }

    fn asked(&self) -> Result<(Read, Whose), Exit> {
        let (key, scope) = (self.read_key()?, self.whose()?);
        let whose = if scope.is_empty() { Whose::Everybodys } else { Whose::One };
        let reading = Reading {
            scope: &scope,
            operation: &self.operation,
            key: &key,
            route: ("", ""),
            fingerprint: Fingerprint::NONE,
            clock: self.app.engine().clock(),
        };
        Ok((strategy::read(self.policy, self.app.settings(), &reading), whose))
    }

    /// The handler's own template, or path and query.
    fn read_key(&self) -> Result<Cow<'_, KeyParts>, Exit> {
        if self.policy.key_requirement == KeyRequirement::Unkeyed {
            let path = KeyParts::new().value(&concrete(self.request.path()));
            return Ok(Cow::Owned(path.value(self.request.query_string())));
        }
        self.filled(&self.drafts.key, ProblemKind::KeyInvalid).map(Cow::Borrowed)
    }

    /// Nobody has computed it: this request does, or waits for the one that does.
    async fn first(&mut self, read: &Read, kept: Kept) -> Result<(), Exit> {
        self.shared.committed.set(true);
        match self.app.engine().begin(&read.first).await {
            Ok(Admission::Run(run)) => {
                self.compute(Turn::First(run), kept);
                return Ok(());
            }
            Ok(Admission::Replay(outcome)) => {
                if let Outcome::Response(stored) = *outcome {
                    return Err(self.found(stored, Duration::ZERO, kept.whose));
                }
            }
            // It took too long, the process is about to end, or the answer is not kept.
            Ok(Admission::Refused(_)) => {}
            Err(error) => self.uncached(&error),
        }
        self.shared.committed.set(false);
        Ok(())
    }

    /// The client gets the old answer at once; if nobody else does, this request computes a new one.
    async fn renew(&mut self, read: &Read, kept: Kept, old: Box<Answer>) -> Result<(), Exit> {
        let Exit::Answered(stale) = self.found(old.response.clone(), old.age, kept.whose) else {
            return Ok(());
        };
        self.shared.committed.set(true);
        // Sent as soon as anything here waits.
        self.shared.early.set(Some(stale));
        if let Ok(Admission::Run(turn)) = self.app.engine().begin(&read.again).await {
            match self.app.engine().look(&kept.key, kept.life).await {
                Ok(Found::Stale(now)) if now.is(&old) => {
                    self.compute(Turn::Again(turn, old), kept);
                    return Ok(());
                }
                // Somebody was faster.
                _ => turn.release().await,
            }
        }
        let sent = || HttpResponse::NoContent().finish();
        Err(Exit::Answered(self.shared.early.take().unwrap_or_else(sent)))
    }

    fn compute(&self, turn: Turn, kept: Kept) {
        if let Turn::First(run) = &turn {
            self.shared.attempt.set(run.attempt());
        }
        self.shared.run.replace(Some(Run::Computing(Box::new(Computing { turn, kept }))));
    }

    fn found(&self, stored: StoredResponse, age: Duration, whose: Whose) -> Exit {
        let Some(response) = again(stored) else {
            return self.exit(&refusal::unreadable(&self.request));
        };
        self.app.engine().counters().replayed.count();
        let response = dressed(response, Some(age), whose);
        Exit::Answered(conditional(&self.request, response))
    }

    fn uncached(&self, error: &StoreError) {
        tracing::warn!(
            path = self.request.path(),
            error = error as &dyn StdError,
            "a read is computed and not kept because the store failed",
        );
    }
}

impl Computing {
    /// Nothing comes of it.
    pub(super) async fn give_up(self) {
        match self.turn {
            Turn::First(run) | Turn::Again(run, _) => run.release().await,
        }
    }
}

/// Keeps the handler's response, if it may be kept, before it is sent.
pub(super) async fn keep(
    policy: &'static Policy,
    app: Idempotency,
    request: HttpRequest,
    computing: Computing,
    response: HttpResponse,
) -> HttpResponse {
    let Computing { turn, kept: Kept { key, life, whose } } = computing;
    if !is_stored(policy, &response) {
        Computing { turn, kept: Kept { key, life, whose } }.give_up().await;
        return response;
    }
    let (response, copy) = if is_kept(&response, whose) {
        take(policy, &app, response).await
    } else {
        (response, None)
    };
    match (turn, copy) {
        (Turn::First(run), Some(copy)) => {
            run.complete(Outcome::Response(copy), life.whole()).await;
        }
        // Whoever waits for the next would wait for nothing.
        (Turn::First(run), None) => {
            run.complete(Outcome::Tombstone, life.fresh).await;
        }
        (Turn::Again(run, old), copy) => {
            if let Some(copy) = copy {
                renewed(&app, &key, &old, copy, life).await;
            }
            run.release().await;
        }
    }
    conditional(&request, dressed(response, None, whose))
}

async fn renewed(
    app: &Idempotency,
    key: &StorageKey,
    old: &Answer,
    copy: StoredResponse,
    life: Life,
) {
    if let Err(error) = app.engine().renew(key, old, copy, life).await {
        let error = &error as &dyn StdError;
        tracing::warn!(%key, error, "an answer was computed again and could not be kept");
    }
}

/// What is kept of a response, under the tag by which its client asks for it again.
async fn take(
    policy: &'static Policy,
    app: &Idempotency,
    response: HttpResponse,
) -> (HttpResponse, Option<StoredResponse>) {
    let taking = Taking { headers: [policy.headers, &CACHING], longest: app.max_body(policy) };
    let (response, copy) = match taking.at_once(response) {
        (response, Taken::Copy(copy)) => (response, Some(copy)),
        (response, Taken::Nothing) => (response, None),
        (response, Taken::Unread) => taking.reading(response).await,
    };
    match copy {
        Some(copy) => {
            let (response, copy) = tagged(response, copy);
            (response, Some(copy))
        }
        None => (response, None),
    }
}

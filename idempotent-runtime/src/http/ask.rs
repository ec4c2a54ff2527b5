//! From a request to what the engine is asked: its window, whose it is, which, and what it repeats.

#![expect(clippy::result_large_err, reason = "a box for each exit would cost more than its moves")]

use crate::engine::ClaimRequest;
use crate::fingerprint::Fingerprint;
use crate::http::call::{Call, Exit};
use crate::http::multipart::{self, Parts};
use crate::http::path::concrete;
use crate::http::problem::ProblemKind;
use crate::http::scope::NoScope;
use crate::http::timestamp::{self, Untimely};
use crate::key::KeyParts;
use crate::policy::{FingerprintOf, KeyRequirement, Strategy};
use crate::strategy::{self, Reading};
use crate::template_value::Unfilled;
use std::borrow::Cow;

impl Call {
    /// What the engine is asked; nothing, if there is no key and none is needed.
    pub(super) fn ask(&self) -> Result<Option<ClaimRequest>, Exit> {
        self.check_window()?;
        if self.policy.key_requirement == KeyRequirement::Unkeyed {
            return Ok(None);
        }
        let key = match self.drafts.key.segments() {
            Err(Unfilled::Missing(_))
                if self.policy.key_requirement == KeyRequirement::Optional =>
            {
                return Ok(None);
            }
            _ => self.filled(&self.drafts.key, ProblemKind::KeyInvalid)?,
        };
        self.check_first_sent()?;
        let scope = self.whose()?;
        let path = concrete(self.request.path());
        let reading = Reading {
            scope: &scope,
            operation: &self.operation,
            key,
            route: (self.request.method().as_str(), &path),
            fingerprint: self.what()?,
            clock: self.app.engine().clock(),
        };
        strategy::ask(self.policy, self.app.settings(), &reading)
            .map(Some)
            .map_err(|refusal| self.refused(refusal))
    }

    fn check_window(&self) -> Result<(), Exit> {
        let (Some(window), Some(sent)) = (self.policy.within, &self.drafts.timestamp) else {
            return Ok(());
        };
        self.filled(sent, ProblemKind::StaleRequest)?;
        let now = self.app.engine().clock().wall();
        timestamp::check(sent.value(), now, window)
            .map_err(|why| self.problem(ProblemKind::StaleRequest, why))
    }

    /// A retry must not come when its record may be forgotten: it would run again.
    fn check_first_sent(&self) -> Result<(), Exit> {
        let Some(sent) = &self.drafts.first_sent else { return Ok(()) };
        self.filled(sent, ProblemKind::StaleRequest)?;
        let now = self.app.engine().clock().wall();
        let life = self.app.settings().ttl(self.policy);
        timestamp::check_first(sent.value(), now, life).map_err(|why| match why {
            Untimely::Unusable(why) => self.problem(ProblemKind::StaleRequest, why),
            Untimely::TooLate(why) => self.problem(ProblemKind::RetryTooLate, why),
        })
    }

    pub(super) fn whose(&self) -> Result<KeyParts, Exit> {
        if let Some(draft) = &self.drafts.scope {
            return self.filled(draft, ProblemKind::ScopeMissing).cloned();
        }
        if self.policy.strategy == Strategy::Lock {
            // Everybody's: what a lock protects does not care who touches it.
            return Ok(KeyParts::new());
        }
        self.app.scope().of(&self.request).map_err(|none| match none {
            NoScope::Refused(error) => Exit::Refused(error),
            NoScope::Missing(why) => self.problem(ProblemKind::ScopeMissing, why),
        })
    }

    fn what(&self) -> Result<Fingerprint, Exit> {
        if let Some(draft) = &self.drafts.fingerprint {
            return Ok(Fingerprint::of_segments(self.filled(draft, ProblemKind::KeyInvalid)?));
        }
        Ok(match self.policy.fingerprint {
            FingerprintOf::Nothing | FingerprintOf::Template => Fingerprint::NONE,
            FingerprintOf::Request => Fingerprint::of_request(
                self.request.method().as_str(),
                &concrete(self.request.path()),
                self.request.query_string(),
                &self.comparable(),
            ),
        })
    }

    /// The body as it can be compared: a browser that sends a form again draws a new boundary.
    fn comparable(&self) -> Cow<'_, [u8]> {
        if multipart::is_multipart(&self.request)
            && let Ok(parts) = Parts::of(&self.request, &self.body)
        {
            return parts.without_boundary().into();
        }
        Cow::Borrowed(&self.body)
    }
}

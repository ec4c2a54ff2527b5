//! The steps of the protocol at which a process can die.

use std::fmt;
use std::str::FromStr;

/// A moment in the life of a guarded request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    BeforeClaim,
    AfterClaim,
    BeforeEffect,
    AfterEffect,
    BeforeComplete,
    AfterComplete,
    /// Only in a transaction: its last statement was carried out.
    BeforeCommit,
    BeforeResponse,
}

/// All steps in their order, with their names in the documentation.
const STEPS: [(Step, &str); 8] = [
    (Step::BeforeClaim, "before the claim reaches the store"),
    (Step::AfterClaim, "after the claim was granted"),
    (Step::BeforeEffect, "in the handler, before its effect"),
    (Step::AfterEffect, "in the handler, after its effect"),
    (Step::BeforeComplete, "before the outcome reaches the store"),
    (Step::AfterComplete, "after the outcome was stored"),
    (Step::BeforeCommit, "before the transaction commits"),
    (Step::BeforeResponse, "before the response is sent"),
];

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named = STEPS.iter().find(|(step, _)| step == self);
        f.write_str(named.map_or("", |(_, name)| name))
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let named = STEPS.iter().find(|(_, known)| *known == name);
        named.map(|(step, _)| *step).ok_or_else(|| format!("there is no step {name:?}"))
    }
}

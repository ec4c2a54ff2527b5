//! The form of refusals that other checks provoked.

use crate::check::finding::Seen;
use crate::check::trial::{Refusal, Trial};
use serde_json::Value;

const NONE: &str = "no check met a refusal";

/// A refusal must say in a standard form what is wrong.
pub(crate) fn documents(trial: &Trial) -> Seen {
    let refusals = trial.refusals();
    let ours = |refusal: &&Refusal| {
        refusal.of != "a request that fails" && matches!(refusal.answer.status, 400 | 409 | 422)
    };
    let seen: Vec<_> = refusals.iter().filter(ours).collect();
    let fault = seen.iter().find_map(|refusal| fault(refusal).map(|fault| (refusal, fault)));
    match fault {
        Some((refusal, fault)) => {
            Seen::does_not_hold(format!("{} gets {} {fault}", refusal.of, refusal.answer.status))
        }
        None if seen.is_empty() => Seen::cannot_tell(NONE),
        None => Seen::holds(format!("in {} refusals", seen.len())),
    }
}

fn fault(refusal: &Refusal) -> Option<String> {
    let kind = refusal.answer.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case("application/problem+json") {
        return Some("that is not `application/problem+json`".to_owned());
    }
    let Ok(Value::Object(problem)) = serde_json::from_slice(&refusal.answer.body) else {
        return Some("whose problem is not a JSON object".to_owned());
    };
    let is_text = |member: &str| {
        problem.get(member).is_some_and(|text| text.as_str().is_some_and(|text| !text.is_empty()))
    };
    if let Some(member) = ["type", "title"].into_iter().find(|member| !is_text(member)) {
        return Some(format!("whose problem has no `{member}`"));
    }
    let status = problem.get("status").and_then(Value::as_u64);
    (status != Some(refusal.answer.status.into()))
        .then(|| "whose problem has no `status`, or one that is not the answer's".to_owned())
}

/// A client that is told to come later must be told when.
pub(crate) fn retry_after(trial: &Trial) -> Seen {
    let refusals = trial.refusals();
    let later: Vec<_> = refusals.iter().filter(|refusal| comes_later(refusal)).collect();
    let silent = later.iter().find(|refusal| refusal.answer.retry_after().is_none());
    match silent {
        Some(refusal) => Seen::does_not_hold(format!(
            "{} gets {} without a `Retry-After` that can be read",
            refusal.of, refusal.answer.status
        )),
        None if later.is_empty() => Seen::cannot_tell("no request was told to come later"),
        None => Seen::holds(format!("in {} refusals", later.len())),
    }
}

fn comes_later(refusal: &Refusal) -> bool {
    match refusal.answer.status {
        429 | 503 => true,
        409 => matches!(refusal.of, "one of many with one key" | "the second of two in flight"),
        _ => false,
    }
}

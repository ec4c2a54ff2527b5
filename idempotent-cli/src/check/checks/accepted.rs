//! The request itself. All other checks need it to be accepted.

use crate::check::finding::Seen;
use crate::check::trial::{Accepted, Trial};
use crate::check::wire::{NoAnswer, Reply};
use tokio::time::Instant;

/// Sends the request with two keys: both must be done. Then sends the first again, for the checks of
/// replays. Returns the answers that the other checks compare with.
pub(crate) async fn accepted(trial: &Trial) -> Result<(Seen, Option<Accepted>), NoAnswer> {
    let asked = trial.fresh();
    let begun = Instant::now();
    let first = trial.send(&asked).await?;
    let took = begun.elapsed();
    if !first.is_success() {
        return Ok((refused(trial, &first), None));
    }
    let other = trial.settled(&trial.fresh()).await?;
    if !other.is_success() {
        let told = trial.told(&other);
        let hint = if trial.template.has_unique_bodies() {
            ""
        } else {
            "; does it refuse equal bodies? Put `{unique}` into the body"
        };
        let seen = format!("with another key the same request is answered {told}{hint}");
        return Ok((Seen::does_not_hold(seen), None));
    }
    let again = match trial.settled(&asked).await {
        Err(error) if error.is_ours() || matches!(error, NoAnswer::TooMuch(_)) => {
            return Err(error);
        }
        again => again,
    };
    let seen = format!("{} and, with another key, {}", first.status, other.status);
    Ok((Seen::holds(seen), Some(Accepted { asked, first, other, again, took })))
}

fn refused(trial: &Trial, answer: &Reply) -> Seen {
    let told = trial.told(answer);
    Seen::does_not_hold(match (answer.status, answer.lines("location").next()) {
        (300..=399, Some(to)) => {
            format!("{} sends to `{}`, which is not followed", answer.status, trial.excerpt(to))
        }
        _ => format!("the request is answered {told}"),
    })
}

//! One key for two requests.

use crate::check::finding::Seen;
use crate::check::request::Asked;
use crate::check::trial::{Accepted, Likeness, Trial, key};
use crate::check::wire::NoAnswer;

/// Another body with a used key must be refused: neither run, nor answered as the first one was.
pub(crate) async fn mismatch(trial: &Trial, known: &Accepted) -> Result<Seen, NoAnswer> {
    let body = match &trial.template.other_body {
        Some(body) => body,
        None if trial.template.has_unique_bodies() => &known.asked.body,
        None => return Ok(Seen::skipped("needs `--other-body`, or `{unique}` in the body")),
    };
    let with_own_key = trial.settled(&trial.fresh_with(body)).await?;
    if !with_own_key.is_success() {
        let told = trial.told(&with_own_key);
        return Ok(Seen::cannot_tell(format!("with a key of its own the other body gets {told}")));
    }
    let asked = Asked { unique: key(), body: body.clone(), ..known.asked.clone() };
    let answer = trial.settled(&asked).await?;
    trial.note("another body under a spent key", &answer);
    let told = trial.told(&answer);
    Ok(match answer.status {
        422 => Seen::holds("422"),
        401 | 403 | 404 | 429 => Seen::cannot_tell(format!("it is answered {told}")),
        400..=499 => Seen::holds(format!("{}, where the draft has 422", answer.status)),
        _ if !answer.is_success() => Seen::does_not_hold(format!("it is answered {told}")),
        _ => match known.compare(&known.first, &answer) {
            Likeness::Replay => Seen::does_not_hold(format!(
                "{}: the other request got the answer to the first, and was not done",
                answer.status
            )),
            Likeness::LikeAny => {
                Seen::does_not_hold(format!("{}: it was done, or seemed to be", answer.status))
            }
            Likeness::Other(_) => Seen::does_not_hold(format!("{}: it was done", answer.status)),
        },
    })
}

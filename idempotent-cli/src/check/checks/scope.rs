//! The same key of another caller.

use crate::check::finding::Seen;
use crate::check::request::{Asked, Caller};
use crate::check::trial::{Accepted, Likeness, Trial, key};
use crate::check::wire::NoAnswer;

/// Another caller with the key of the first: done for him, and never the answer of the first.
pub(crate) async fn scope(trial: &Trial, known: &Accepted) -> Result<Seen, NoAnswer> {
    if !trial.template.has_other_caller() {
        return Ok(Seen::skipped("needs `--other-header`"));
    }
    let own_key = Asked { by: Caller::Other, ..trial.fresh() };
    let control = trial.settled(&own_key).await?;
    if !control.is_success() {
        let told = trial.told(&control);
        return Ok(Seen::cannot_tell(format!(
            "with a key of his own the other caller gets {told}"
        )));
    }
    // Where no two bodies are equal, his is not, either.
    let unique =
        if trial.template.has_unique_bodies() { key() } else { known.asked.unique.clone() };
    let asked = Asked { by: Caller::Other, unique, ..known.asked.clone() };
    let answer = trial.settled(&asked).await?;
    let told = trial.told(&answer);
    Ok(match known.compare(&known.first, &answer) {
        _ if known.is_marked(&answer) => {
            Seen::does_not_hold("he got a replay of an answer to somebody else")
        }
        Likeness::Replay => Seen::does_not_hold("he got the answer to somebody else"),
        _ if !answer.is_success() => {
            Seen::does_not_hold(format!("he is refused because of somebody else's key: {told}"))
        }
        Likeness::LikeAny if !known.marks() => Seen::cannot_tell("all answers are alike"),
        _ => Seen::holds("it was done for him"),
    })
}

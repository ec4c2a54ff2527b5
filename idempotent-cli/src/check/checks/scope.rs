//! The same key from another caller, or at another operation.

use crate::check::finding::Seen;
use crate::check::request::{Asked, Caller, Operation};
use crate::check::trial::{Accepted, Likeness, Trial, key};
use crate::check::wire::NoAnswer;

/// Another caller sends the first one's key: it must be done for both, and each gets its own answer.
pub(crate) async fn scope(trial: &Trial, known: &Accepted) -> Result<Seen, NoAnswer> {
    if !trial.template.has_other_caller() {
        return Ok(Seen::skipped("needs `--other-header`"));
    }
    let own_key = Asked { by: Caller::Other, ..trial.fresh() };
    let control = trial.settled(&own_key).await?;
    if !control.is_success() {
        let told = trial.told(&control);
        return Ok(Seen::cannot_tell(format!(
            "with a key of its own the other caller gets {told}"
        )));
    }
    // If every new request has a new body, this one must have one, too.
    let unique =
        if trial.template.has_unique_bodies() { key() } else { known.asked.unique.clone() };
    let asked = Asked { by: Caller::Other, unique, ..known.asked.clone() };
    let answer = trial.settled(&asked).await?;
    let told = trial.told(&answer);
    Ok(match known.compare(&known.first, &answer) {
        _ if known.is_marked(&answer) => {
            Seen::does_not_hold("the other caller got a replay of the first one's answer")
        }
        Likeness::Replay => Seen::does_not_hold("the other caller got the first one's answer"),
        _ if !answer.is_success() => Seen::does_not_hold(format!(
            "the other caller is refused because of the first one's key: {told}"
        )),
        Likeness::LikeAny if !known.marks() => Seen::cannot_tell("all answers are alike"),
        _ => Seen::holds("it was done for the other caller, too"),
    })
}

/// Another operation gets the first one's key: it must not give the first one's answer.
pub(crate) async fn other_path(trial: &Trial, known: &Accepted) -> Result<Seen, NoAnswer> {
    if trial.template.other_path.is_none() {
        return Ok(Seen::skipped("needs `--other-path`"));
    }
    let own_key = Asked { to: Operation::Other, ..trial.fresh() };
    let control = trial.settled(&own_key).await?;
    let asked = Asked { keys: known.asked.keys.clone(), ..own_key };
    let asked = Asked { unique: known.asked.unique.clone(), ..asked };
    let answer = trial.settled(&asked).await?;
    let told = trial.told(&answer);
    Ok(match known.compare(&known.first, &answer) {
        _ if known.is_marked(&answer) => {
            Seen::does_not_hold("it got a replay of the answer of another operation")
        }
        Likeness::Replay => Seen::does_not_hold("it got the answer of another operation"),
        Likeness::LikeAny if !known.marks() => Seen::cannot_tell("all answers are alike"),
        _ if control.status == answer.status => {
            Seen::holds(format!("{}, as with a key of its own", answer.status))
        }
        _ if control.is_success() => {
            Seen::does_not_hold(format!("it is refused because of another operation's key: {told}"))
        }
        _ => {
            Seen::cannot_tell(format!("with a key of its own {}, and then {told}", control.status))
        }
    })
}

//! A request without a key.

use crate::check::finding::Seen;
use crate::check::request::Asked;
use crate::check::trial::{Accepted, Trial};
use crate::check::wire::NoAnswer;

/// Refused if the endpoint requires a key. A client cannot see whether it does.
pub(crate) async fn missing(trial: &Trial, _: &Accepted) -> Result<Seen, NoAnswer> {
    let answer = trial.send(&Asked { keys: Vec::new(), ..trial.fresh() }).await?;
    trial.note("a request without a key", &answer);
    let told = trial.told(&answer);
    Ok(match answer.status {
        400 => Seen::holds("400"),
        429 => Seen::cannot_tell(told),
        401..=499 => Seen::holds(format!("{}, where the draft has 400", answer.status)),
        _ if !answer.is_success() => Seen::does_not_hold(format!("it is answered {told}")),
        _ if trial.template.key_required => {
            Seen::does_not_hold(format!("{}: it was done without a key", answer.status))
        }
        _ => Seen::cannot_tell(format!(
            "{}: the key is optional here; `--key-required` says that it is not meant to be",
            answer.status
        )),
    })
}

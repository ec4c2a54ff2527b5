//! Connections that break.

use crate::check::finding::Seen;
use crate::check::request::Asked;
use crate::check::trial::{Accepted, Likeness, Trial};
use crate::check::wire::NoAnswer;
use std::time::Duration;

/// The shortest time that a request is given to arrive before its connection breaks.
const ARRIVES: Duration = Duration::from_millis(20);

/// Sends the whole request, then resets: once before the answer, and once when the answer has begun.
pub(crate) async fn lost(trial: &Trial, known: &Accepted) -> Result<Seen, NoAnswer> {
    let body = trial.template.slow_body.as_ref().unwrap_or(&trial.template.body);
    let (slow, soon) = (trial.fresh_with(body), (known.took / 2).max(ARRIVES));
    let before = lost_after(trial, known, &slow, soon).await?;
    if before.is_failure() {
        return Ok(before);
    }
    let limit = trial.client.limits.for_each();
    let answered = lost_after(trial, known, &trial.fresh(), limit).await?;
    let is_better = answered.is_failure() || before.is_open();
    Ok(if is_better { answered } else { before })
}

async fn lost_after(
    trial: &Trial,
    known: &Accepted,
    asked: &Asked,
    patience: Duration,
) -> Result<Seen, NoAnswer> {
    let mut connection = trial.client.connect().await?;
    connection.send(&trial.bytes(asked).0).await?;
    let answered = connection.begins_within(patience).await;
    connection.reset();
    let retry = trial.settled(asked).await?;
    if !retry.is_success() {
        let told = trial.told(&retry);
        return Ok(Seen::does_not_hold(format!("the retry is answered {told}")));
    }
    let again = trial.settled(asked).await?;
    Ok(match known.compare(&retry, &again) {
        _ if known.is_marked(&retry) => {
            Seen::holds("the retry got the answer that the first request would have got")
        }
        Likeness::Other(difference) if !known.is_marked(&again) => {
            Seen::does_not_hold(format!("two retries got two answers: {difference}"))
        }
        _ if known.marks() && answered => {
            Seen::does_not_hold("it was answered, and its retry was done once more")
        }
        _ if known.marks() => Seen::cannot_tell(
            "the retry was done; no answer shows whether the lost request was done, too",
        ),
        _ => Seen::cannot_tell("the retries get one answer; nothing shows which request it is for"),
    })
}

/// Sends half of the body, then resets: the key must not be used up.
pub(crate) async fn half(trial: &Trial, known: &Accepted) -> Result<Seen, NoAnswer> {
    let asked = trial.fresh();
    let (bytes, body_at) = trial.bytes(&asked);
    if bytes.len() - body_at < 2 {
        return Ok(Seen::skipped("needs a body"));
    }
    let mut connection = trial.client.connect().await?;
    connection.send(&bytes[..usize::midpoint(body_at, bytes.len())]).await?;
    // If half a body is answered, that is a refusal, which is as good.
    connection.begins_within(ARRIVES).await;
    connection.reset();
    let retry = trial.settled(&asked).await?;
    if !retry.is_success() {
        let told = trial.told(&retry);
        return Ok(Seen::does_not_hold(format!("the whole request is then answered {told}")));
    }
    Ok(if known.is_marked(&retry) {
        Seen::does_not_hold("half of the request was done: the whole one gets its replay")
    } else {
        Seen::holds(format!("the whole request is then answered {}", retry.status))
    })
}

//! Retries of requests that failed.

use crate::check::finding::Seen;
use crate::check::request::Asked;
use crate::check::trial::{Accepted, Trial, difference};
use crate::check::wire::{NoAnswer, Reply};

/// A temporary fault must leave the key free; a final refusal must be answered the same again.
pub(crate) async fn retry(trial: &Trial, known: &Accepted) -> Result<Seen, NoAnswer> {
    let Some(body) = &trial.template.failing_body else {
        return Ok(Seen::skipped("needs `--failing-body`"));
    };
    let asked = trial.fresh_with(body);
    let failed = trial.send(&asked).await?;
    if failed.is_success() {
        let seen = format!("the failing body is answered {}", failed.status);
        return Ok(Seen::cannot_tell(seen));
    }
    trial.note("a request that fails", &failed);
    let again = trial.send(&asked).await?;
    if is_passing(failed.status) {
        passing(trial, known, asked, &failed, &again).await
    } else {
        Ok(for_good(trial, &failed, &again))
    }
}

/// Whether a later try may succeed.
fn is_passing(status: u16) -> bool {
    matches!(status, 401 | 403 | 408 | 425 | 429 | 500..)
}

async fn passing(
    trial: &Trial,
    known: &Accepted,
    asked: Asked,
    failed: &Reply,
    again: &Reply,
) -> Result<Seen, NoAnswer> {
    let status = failed.status;
    if known.is_marked(again) {
        return Ok(Seen::does_not_hold(format!(
            "{status} is replayed for as long as the key lives"
        )));
    }
    if again.status == 409 {
        let told = trial.told(again);
        return Ok(Seen::does_not_hold(format!("after {status} the key is locked: {told}")));
    }
    // The fault is over: the next try must succeed.
    let mended = trial.settled(&Asked { body: trial.template.body.clone(), ..asked }).await?;
    let told = trial.told(&mended);
    Ok(match mended.status {
        _ if mended.is_success() => Seen::holds(format!("after {status} the key is free")),
        // The key may be free, but still be bound to its first request.
        400..=499 if mended.status != 409 => {
            Seen::cannot_tell(format!("the key is bound to the request that got {status}"))
        }
        _ => {
            Seen::does_not_hold(format!("after {status} a request that should succeed gets {told}"))
        }
    })
}

fn for_good(trial: &Trial, failed: &Reply, again: &Reply) -> Seen {
    match difference(failed, again) {
        None => Seen::holds(format!("{}, and the same again", failed.status)),
        Some(difference) if again.status == failed.status => {
            Seen::does_not_hold(format!("the retry is told something else: {difference}"))
        }
        Some(_) => Seen::does_not_hold(format!(
            "after {} the retry is answered {}",
            failed.status,
            trial.told(again)
        )),
    }
}

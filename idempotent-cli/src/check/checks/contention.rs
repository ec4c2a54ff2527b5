//! Requests with one key at the same moment.

use crate::check::finding::{Seen, Verdict};
use crate::check::request::Asked;
use crate::check::trial::{Accepted, Likeness, Trial, different};
use crate::check::wire::{Connection, NoAnswer, Reply};
use futures_util::future::join_all;
use std::collections::BTreeMap;
use std::time::Duration;

/// The number of pairs that are tried if no `--slow-body` makes the first request slow.
const PAIRS: usize = 3;

/// The head start of a slow request.
const FIRST_COMES: Duration = Duration::from_millis(100);

/// The answer to a request, or the reason why there is none.
type Answered = Result<Reply, NoAnswer>;

/// Sends many at the same moment: one must be done, the others get its answer or are told to come later.
pub(crate) async fn concurrency(trial: &Trial, known: &Accepted) -> Result<Seen, NoAnswer> {
    let asked = trial.fresh();
    let answers = at_once(trial, &asked, trial.concurrency).await;
    let (answers, mut unanswered): (Vec<_>, Vec<_>) = answers.into_iter().partition(Result::is_ok);
    let ours = |answer: &Answered| answer.as_ref().is_err_and(NoAnswer::is_ours);
    if let Some(Err(error)) = unanswered.iter().position(ours).map(|at| unanswered.remove(at)) {
        return Err(error);
    }
    let answers: Vec<Reply> = answers.into_iter().flatten().collect();
    for answer in answers.iter().filter(|answer| matches!(answer.status, 409 | 425 | 429)) {
        trial.note("one of many with one key", answer);
    }
    let told = statuses(&answers, unanswered.len());
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.is_success());
    // An answer that is marked as a replay is judged by the check `replay`.
    let runs: Vec<_> = done.iter().copied().filter(|answer| !known.is_marked(answer)).collect();
    let kinds = different(runs.iter().copied());
    if kinds > 1 {
        return Ok(Seen::does_not_hold(format!("{told}: {kinds} different successes")));
    }
    let runs = runs.len();
    if runs > 1 && (runs < done.len() || known.marks()) {
        return Ok(Seen::does_not_hold(format!("{told}: {runs} successes that are not replays")));
    }
    let strange = |answer: &&&Reply| !matches!(answer.status, 408 | 409 | 423 | 425 | 429 | 503);
    if let Some(answer) = refused.iter().find(strange) {
        let said = trial.told(answer);
        return Ok(Seen::does_not_hold(format!("{told}: an equal request is answered {said}")));
    }
    let Some(first) = done.first() else {
        let seen = format!("{told}: none was done");
        let excused = !unanswered.is_empty() || refused.iter().any(|answer| answer.status != 409);
        return Ok(if excused { Seen::cannot_tell(seen) } else { Seen::does_not_hold(seen) });
    };
    let later = trial.settled(&asked).await?;
    Ok(match known.compare(first, &later) {
        Likeness::Other(_) if known.is_marked(&later) => Seen::holds(told),
        Likeness::Other(difference) => {
            Seen::does_not_hold(format!("{told}; a later retry got another answer: {difference}"))
        }
        Likeness::Replay if unanswered.is_empty() => Seen::holds(told),
        Likeness::Replay => Seen::cannot_tell(told),
        Likeness::LikeAny => Seen::cannot_tell(format!("{told}, and all successes are alike")),
    })
}

/// Sends a second one while the first runs: it must get 409, or the answer of the first.
pub(crate) async fn in_flight(trial: &Trial, known: &Accepted) -> Result<Seen, NoAnswer> {
    let Some(slow) = &trial.template.slow_body else {
        for _ in 0..PAIRS {
            let pair = at_once(trial, &trial.fresh(), 2).await;
            let seen = judged(trial, known, pair, false)?;
            if seen.verdict != Verdict::CannotTell {
                return Ok(seen);
            }
        }
        return Ok(Seen::cannot_tell("no two requests met: `--slow-body` makes them meet"));
    };
    let asked = trial.fresh_with(slow);
    let (bytes, _) = trial.bytes(&asked);
    let (mut one, mut two) = (trial.client.connect().await?, trial.client.connect().await?);
    one.send(&bytes).await?;
    let over = one.begins_within(FIRST_COMES).await;
    two.send(&bytes).await?;
    let (one, two) = tokio::join!(trial.read(one), trial.read(two));
    judged(trial, known, vec![one, two], !over)
}

/// Judges the answers of two requests; `met` says that the first certainly ran when the second came.
fn judged(
    trial: &Trial,
    known: &Accepted,
    pair: Vec<Answered>,
    met: bool,
) -> Result<Seen, NoAnswer> {
    let mut answers = Vec::new();
    for answer in pair {
        match answer {
            Ok(answer) => answers.push(answer),
            Err(error) if error.is_ours() => return Err(error),
            Err(error) => {
                return Ok(Seen::does_not_hold(format!("one of two at the same moment: {error}")));
            }
        }
    }
    let (done, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.is_success());
    Ok(match (&done[..], &refused[..]) {
        ([_], [second]) => {
            trial.note("the second of two in flight", second);
            let told = trial.told(second);
            match second.status {
                409 => Seen::holds("409 while the first ran"),
                423 | 425 => Seen::holds(format!("{}, where the draft has 409", second.status)),
                408 | 429 | 503 => Seen::cannot_tell(format!("the second is answered {told}")),
                _ => Seen::does_not_hold(format!("an equal request is answered {told}")),
            }
        }
        ([first, second, ..], _) => match known.compare(first, second) {
            _ if known.is_marked(first) || known.is_marked(second) => waited(met),
            Likeness::Other(difference) => {
                Seen::does_not_hold(format!("two different successes: {difference}"))
            }
            _ if !known.is_marked(first) && !known.is_marked(second) && known.marks() => {
                Seen::does_not_hold("two successes that are not replays")
            }
            Likeness::Replay => waited(met),
            Likeness::LikeAny => Seen::cannot_tell("all answers are alike"),
        },
        (_, [one, two, ..]) => {
            let seen = format!("neither was done: {} and {}", one.status, two.status);
            let locked = one.status == 409 && two.status == 409;
            if locked { Seen::does_not_hold(seen) } else { Seen::cannot_tell(seen) }
        }
        _ => Seen::cannot_tell("one of the two got no answer"),
    })
}

fn waited(met: bool) -> Seen {
    if met {
        Seen::holds("the second waited for the answer of the first")
    } else {
        Seen::cannot_tell("the second may have come after the first")
    }
}

/// Sends one request on many connections: first all of it but its last byte, then all last bytes at once.
async fn at_once(trial: &Trial, asked: &Asked, times: u32) -> Vec<Answered> {
    let (bytes, _) = trial.bytes(asked);
    let (most, last) = bytes.split_at(bytes.len() - 1);
    let begun = (0..times).map(async |_| {
        let mut connection = trial.client.connect().await?;
        connection.send(most).await?;
        Ok(connection)
    });
    let begun: Vec<Result<Connection, NoAnswer>> = join_all(begun).await;
    let answers = begun.into_iter().map(async |connection| {
        let mut connection = connection?;
        connection.send(last).await?;
        trial.read(connection).await
    });
    join_all(answers).await
}

/// `1 of 201, 49 of 409`.
fn statuses(answers: &[Reply], unanswered: usize) -> String {
    let mut counted = BTreeMap::new();
    for answer in answers {
        *counted.entry(answer.status).or_insert(0) += 1;
    }
    let mut told: Vec<_> =
        counted.into_iter().map(|(status, times)| format!("{times} × {status}")).collect();
    if unanswered > 0 {
        told.push(format!("{unanswered} without an answer"));
    }
    told.join(", ")
}

//! Keys that cannot be read, and keys that are easily mixed up.

use crate::check::finding::Seen;
use crate::check::request::Asked;
use crate::check::trial::{Accepted, Likeness, Trial, key};
use crate::check::wire::{NoAnswer, Reply};

/// A length that no usual column for keys can hold.
const LONG: usize = 300;

/// An empty key must be refused: a client that sends it has lost the real one.
pub(crate) async fn empty(trial: &Trial, _: &Accepted) -> Result<Seen, NoAnswer> {
    let asked = Asked { keys: vec![trial.spelt("")], ..trial.fresh() };
    let answer = trial.send(&asked).await?;
    trial.note("an empty key", &answer);
    Ok(refused(trial, &answer, "it was taken for a key, or for none at all"))
}

/// Two keys must be refused: it is not known which one is meant.
pub(crate) async fn two(trial: &Trial, _: &Accepted) -> Result<Seen, NoAnswer> {
    let keys = [key(), key()].map(|key| trial.spelt(&key)).to_vec();
    let answer = trial.send(&Asked { keys, ..trial.fresh() }).await?;
    trial.note("two keys", &answer);
    Ok(refused(trial, &answer, "one of two keys was chosen, or both were joined"))
}

/// A key with a control character must be refused, by the endpoint or by a server before it.
pub(crate) async fn control(trial: &Trial, _: &Accepted) -> Result<Seen, NoAnswer> {
    let asked = Asked { keys: vec![trial.spelt(&format!("{}\u{1}", key()))], ..trial.fresh() };
    match trial.send(&asked).await {
        // A server before the endpoint may close the connection.
        Err(NoAnswer::Closed) => Ok(Seen::holds("the connection was closed")),
        answer => Ok(refused(trial, &answer?, "a key with the byte 0x01 was taken")),
    }
}

fn refused(trial: &Trial, answer: &Reply, otherwise: &str) -> Seen {
    let told = trial.told(answer);
    match answer.status {
        400 => Seen::holds("400"),
        429 => Seen::cannot_tell(told),
        401..=499 => Seen::holds(format!("{}, where 400 is usual", answer.status)),
        _ if answer.is_success() => Seen::does_not_hold(format!("{}: {otherwise}", answer.status)),
        _ => Seen::does_not_hold(format!("it is answered {told}")),
    }
}

/// Two long keys that differ at their end must be refused or told apart.
pub(crate) async fn long(trial: &Trial, known: &Accepted) -> Result<Seen, NoAnswer> {
    let start = &key().repeat(LONG)[..LONG - 1];
    let pair = ["a", "b"].map(|end| trial.spelt(&format!("{start}{end}")));
    apart(trial, known, pair, "two keys of 300 characters that differ in the last one").await
}

/// Two keys that differ in case must be told apart.
pub(crate) async fn case(trial: &Trial, known: &Accepted) -> Result<Seen, NoAnswer> {
    let key = format!("{}-a", key());
    let pair = [key.to_ascii_lowercase(), key.to_ascii_uppercase()];
    apart(trial, known, pair.map(|key| trial.spelt(&key)), "two keys that differ in case").await
}

/// Sends one request under two keys, which must not count as one.
async fn apart(
    trial: &Trial,
    known: &Accepted,
    [one, two]: [Vec<u8>; 2],
    they: &'static str,
) -> Result<Seen, NoAnswer> {
    let asked = Asked { keys: vec![one], ..trial.fresh() };
    let first = trial.settled(&asked).await?;
    trial.note(they, &first);
    if !first.is_success() {
        let told = trial.told(&first);
        let refused = matches!(first.status, 400..=499) && first.status != 429;
        return Ok(if refused {
            Seen::holds(format!("refused with {}", first.status))
        } else if first.status == 429 {
            Seen::cannot_tell(told)
        } else {
            Seen::does_not_hold(format!("it is answered {told}"))
        });
    }
    // The requests are otherwise equal: if the keys are taken for one, the second is a retry.
    let second = trial.settled(&Asked { keys: vec![two], ..asked }).await?;
    let told = trial.told(&second);
    Ok(match known.compare(&first, &second) {
        _ if !second.is_success() => {
            Seen::does_not_hold(format!("{they}: the second is answered {told}"))
        }
        Likeness::Replay => {
            Seen::does_not_hold(format!("{they}: the second got the answer of the first"))
        }
        _ if known.is_marked(&second) => {
            Seen::does_not_hold(format!("{they}: the second got a replay"))
        }
        Likeness::Other(_) => Seen::holds("they are two keys"),
        Likeness::LikeAny if known.marks() => Seen::holds("they are two keys"),
        Likeness::LikeAny => Seen::cannot_tell("all answers are alike"),
    })
}

/// Sends a key in quotes, as the draft has it, and the same key without them.
pub(crate) async fn quoted(trial: &Trial, known: &Accepted) -> Result<Seen, NoAnswer> {
    let key = key();
    let bare = Asked { keys: vec![key.clone().into_bytes()], ..trial.fresh() };
    let quoted = Asked { keys: vec![format!("\"{key}\"").into_bytes()], ..bare.clone() };
    let (first, second) = (trial.settled(&bare).await?, trial.settled(&quoted).await?);
    let is_refused = |answer: &Reply| matches!(answer.status, 400..=499);
    Ok(match (first.is_success(), second.is_success()) {
        (true, true) => match known.compare(&first, &second) {
            _ if known.is_marked(&second) => Seen::holds("both forms are one key"),
            Likeness::Replay => Seen::holds("both forms are one key"),
            Likeness::LikeAny => Seen::cannot_tell("all answers are alike"),
            Likeness::Other(difference) => {
                Seen::does_not_hold(format!("they are two keys: {difference}"))
            }
        },
        (true, false) if is_refused(&second) => {
            Seen::holds(format!("only the bare form is taken: the other gets {}", second.status))
        }
        (false, true) if is_refused(&first) => Seen::holds(format!(
            "only the form in quotes is taken: the other gets {}",
            first.status
        )),
        _ => Seen::cannot_tell(format!(
            "the bare form is answered {}, the form in quotes {}",
            trial.told(&first),
            trial.told(&second)
        )),
    })
}

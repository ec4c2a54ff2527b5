//! The answer to a retry.

use crate::check::finding::Seen;
use crate::check::trial::{Accepted, Likeness, Trial};
use crate::check::wire::Reply;

/// Headers of an answer that a client acts on, beside its status and body.
const ACTED_ON: [&str; 9] = [
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-security-policy",
    "content-type",
    "etag",
    "link",
    "location",
    "x-content-type-options",
];

/// The same key and body: the same status and bytes.
pub(crate) fn replay(trial: &Trial, known: &Accepted) -> Seen {
    let again = match &known.again {
        Ok(again) => again,
        Err(error) => {
            return Seen::does_not_hold(format!("a retry of a request that was done: {error}"));
        }
    };
    match known.compare(&known.first, again) {
        Likeness::Replay => {
            Seen::holds(format!("{}, the same {} bytes", again.status, again.body.len()))
        }
        Likeness::LikeAny => Seen::cannot_tell(
            "the answers are equal, but so are those to other keys, and none says that it is a replay",
        ),
        Likeness::Other(difference) if again.is_success() => {
            Seen::does_not_hold(format!("the retry got another answer: {difference}"))
        }
        Likeness::Other(_) => {
            Seen::does_not_hold(format!("the retry is answered {}", trial.told(again)))
        }
    }
}

/// A replay must say that it is one.
pub(crate) fn marker(trial: &Trial, known: &Accepted) -> Seen {
    match replayed(known) {
        Err(nothing) => nothing,
        Ok((again, likeness)) => match (known.mark(again), likeness) {
            (Some((name, value)), _) => {
                let (name, value) = (trial.excerpt(name.as_bytes()), trial.excerpt(value));
                Seen::holds(format!("`{name}: {value}`"))
            }
            (None, Likeness::Replay) => {
                Seen::does_not_hold("no header of the replay says that it is one")
            }
            (None, _) => Seen::cannot_tell("the retry's answer is perhaps not a replay"),
        },
    }
}

/// Headers that a client acts on must be those of the first answer.
pub(crate) fn headers(_: &Trial, known: &Accepted) -> Seen {
    let again = match replayed(known) {
        Err(nothing) => return nothing,
        Ok((again, _)) => again,
    };
    let differs = |name: &&&str| !known.first.lines(name).eq(again.lines(name));
    let differ: Vec<_> = ACTED_ON.iter().filter(differs).map(|name| format!("`{name}`")).collect();
    let told = known.first.lines("content-type").chain(known.first.lines("location"));
    match told.count() {
        _ if !differ.is_empty() => Seen::does_not_hold(format!(
            "the replay has not the same value of {}",
            differ.join(", ")
        )),
        0 => Seen::cannot_tell("the first answer has neither `Content-Type` nor `Location`"),
        _ => Seen::holds("as in the first answer"),
    }
}

/// A replay must not set the first answer's cookie: its reader may be somebody else.
pub(crate) fn cookies(_: &Trial, known: &Accepted) -> Seen {
    let again = match replayed(known) {
        Err(nothing) => return nothing,
        Ok((again, _)) => again,
    };
    let first: Vec<_> = known.first.lines("set-cookie").collect();
    if first.is_empty() {
        Seen::cannot_tell("the first answer sets no cookie")
    } else if again.lines("set-cookie").any(|cookie| first.contains(&cookie)) {
        Seen::does_not_hold("the replay sets the cookie of the first answer")
    } else {
        Seen::holds("the cookie of the first answer is not in the replay")
    }
}

/// The answer to the retry, if it may be a replay.
fn replayed(known: &Accepted) -> Result<(&Reply, Likeness), Seen> {
    let nothing = || Seen::cannot_tell("nothing is replayed");
    let again = known.again.as_ref().map_err(|_| nothing())?;
    match known.compare(&known.first, again) {
        Likeness::Other(_) => Err(nothing()),
        likeness => Ok((again, likeness)),
    }
}

//! The decision of a person on a record: its effect happened, or did not happen, or the record is forgotten.

use crate::error::StoreError;
use crate::http::inspector::document::says;
use crate::http::inspector::operator::Operator;
use crate::http::inspector::record_cards::seen;
use crate::http::inspector::state::InspectorState;
use crate::key::StorageKey;
use crate::records::{Force, Forgotten, RecordView, Resolution, Resolved};
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::LOCATION;
use serde::Deserialize;

/// The fields of a form.
#[derive(Deserialize)]
pub(super) struct Settling {
    #[serde(default)]
    token: String,
    /// The claim and the stage that the person saw.
    seen: String,
    word: SaidWord,
}

/// The decision on a record.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum SaidWord {
    Done,
    NotDone,
    Forget,
}

impl SaidWord {
    const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::NotDone => "not-done",
            Self::Forget => "forget",
        }
    }
}

/// The message to a person after a form has made a change. The URL holds the change's name.
pub(super) fn told(did: &str) -> Option<&'static str> {
    Some(match did {
        "done" => "It happened: duplicates are told so.",
        "not-done" => "It did not happen: the next request with its key runs.",
        "forget" => "It is forgotten: the next request with its key runs.",
        _ => return None,
    })
}

/// Makes the change of a form once, if the record is still the one that its operator saw.
pub(super) async fn settle(
    state: &InspectorState,
    operator: &Operator,
    key: &StorageKey,
    settling: &Settling,
) -> HttpResponse {
    let refuse = |status, what: &str| says(status, "Nothing was changed", what, "../", operator);
    if !state.takes(operator, &settling.token) {
        return refuse(StatusCode::FORBIDDEN, used_token());
    }
    let changed = || {
        refuse(
            StatusCode::CONFLICT,
            "The record has changed meanwhile, or its run goes on. Look again.",
        )
    };
    let record = match state.app.record(key).await {
        Ok(Some(record)) => record,
        Ok(None) => return refuse(StatusCode::NOT_FOUND, "There is no such record any more."),
        Err(error) => return refuse(StatusCode::SERVICE_UNAVAILABLE, &unanswered(&error)),
    };
    if seen(&record) != settling.seen {
        return changed();
    }
    match say(state, &record, settling.word).await {
        Ok(true) => {
            let word = settling.word.name();
            tracing::info!(operator = operator.name(), key = %key.short(), word, "a person settled a record");
            // A redirect to the page of the record, so that a reload sends the form no second time.
            let back = format!("{key}?did={word}");
            HttpResponse::SeeOther().insert_header((LOCATION, back)).finish()
        }
        Ok(false) => changed(),
        Err(error) => {
            let what = format!(
                "{} Whether it changed the record is unknown; look again.",
                unanswered(&error)
            );
            says(StatusCode::SERVICE_UNAVAILABLE, "The outcome is unknown", &what, "../", operator)
        }
    }
}

/// Makes the decision, and returns whether it took effect.
async fn say(
    state: &InspectorState,
    record: &RecordView,
    word: SaidWord,
) -> Result<bool, StoreError> {
    let resolution = match word {
        SaidWord::Done => Resolution::Done,
        SaidWord::NotDone => Resolution::NotDone,
        SaidWord::Forget => {
            return Ok(state.app.forget(record, Force::No).await? == Forgotten::Yes);
        }
    };
    let is_issued = record.state() == crate::records::RecordState::Issued;
    let resolved = state.app.resolve(record.key(), resolution).await?;
    // Somebody settled this task before, but that process died before the task was queued again.
    Ok(resolved == Resolved::Yes || (is_issued && resolution == Resolution::NotDone))
}

/// The message for a form whose token is not valid.
pub(super) const fn used_token() -> &'static str {
    "The page was used before, is too old, or is somebody else's. Load it again."
}

/// The message for a store that did not answer, with the kind of its error.
pub(super) fn unanswered(error: &StoreError) -> String {
    format!("The store did not answer ({}).", error.kind().name())
}

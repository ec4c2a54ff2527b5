//! The document at a task's address: its status, and its result.

use crate::engine::task::progress::ProgressRecord;
use crate::engine::task::{FoundTask, TaskStage};
use crate::http::header_names::STORED;
use crate::outcome::{Outcome, StoredResponse};
use crate::policy::OnAbandoned;
use crate::store::record::State;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// A task as its caller sees it.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    id: &'a str,
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<Far>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<TaskResult<'a>>,
}

/// The status of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    /// It waits to run, for the first time or again.
    Pending,
    Running,
    Succeeded,
    Failed,
    Cancelled,
    /// Its process died, and nobody knows whether it took effect.
    Held,
}

#[derive(Serialize)]
struct Far {
    done: u64,
    total: u64,
}

/// The response of the handler. The task's `/result` has it unchanged.
#[derive(Serialize)]
struct TaskResult<'a> {
    status: u16,
    headers: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Body<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    body_base64: Option<String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body<'a> {
    Json(&'a RawValue),
    Text(&'a str),
}

impl<'a> Document<'a> {
    pub(crate) fn new(
        id: &'a str,
        task: &'a FoundTask,
        on_abandoned: OnAbandoned,
        progress: Option<ProgressRecord>,
    ) -> Self {
        let status = Status::of(task, on_abandoned);
        let progress = progress.map(|ProgressRecord { done, total, .. }| Far { done, total });
        Self { id, status, progress, result: response(task).map(TaskResult::of) }
    }
}

/// The response of a task that has ended.
pub(crate) fn response(task: &FoundTask) -> Option<&StoredResponse> {
    match &task.record.state {
        State::Completed(Outcome::Response(response)) => Some(response),
        _ => None,
    }
}

impl Status {
    pub(crate) fn of(task: &FoundTask, on_abandoned: OnAbandoned) -> Self {
        match (task.stage, on_abandoned) {
            (TaskStage::Waiting, _) | (TaskStage::Abandoned, OnAbandoned::Retry) => Self::Pending,
            (TaskStage::Abandoned, OnAbandoned::Hold) => Self::Held,
            (TaskStage::Running, _) => Self::Running,
            (TaskStage::Forgotten, _) => Self::Cancelled,
            (TaskStage::Over, _) if task.record.state == State::Cancelled => Self::Cancelled,
            // A person said that its effect happened.
            (TaskStage::Over, _) if task.record.state == State::Completed(Outcome::Tombstone) => {
                Self::Succeeded
            }
            (TaskStage::Over, _) => match response(task) {
                Some(response) if response.status < 400 => Self::Succeeded,
                _ => Self::Failed,
            },
        }
    }

    /// Whether the client should ask again.
    pub(crate) const fn may_change(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }
}

impl<'a> TaskResult<'a> {
    fn of(response: &'a StoredResponse) -> Self {
        let StoredResponse { status, headers, body, is_cut } = response;
        let text = std::str::from_utf8(body).ok();
        let is_json = headers.iter().any(|(name, value)| name == "content-type" && is_json(value));
        let json = text.filter(|_| is_json).and_then(|text| serde_json::from_str(text).ok());
        let shown = json.map(Body::Json).or(text.map(Body::Text)).filter(|_| !body.is_empty());
        let binary = shown.is_none() && !body.is_empty();
        let headers = headers
            .iter()
            .map(|(name, value)| (String::from_utf8_lossy(name), String::from_utf8_lossy(value)))
            .chain(is_cut.then_some((STORED.into(), "false".into())));
        Self {
            status: *status,
            headers: headers.collect(),
            body: shown,
            body_base64: binary.then(|| BASE64_STANDARD.encode(body)),
        }
    }
}

/// Whether a content type is JSON: `application/json; charset=utf-8`, `application/problem+json`.
fn is_json(content_type: &[u8]) -> bool {
    let kind = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    let kind = String::from_utf8_lossy(kind).trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json")
}

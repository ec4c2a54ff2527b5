//! `show`: one record, by its storage key.

use crate::app::{Hosts, build};
use crate::failure::{Ending, Failure};
use crate::options::Options;
use crate::output::{Answer, Output, printable, printable_lines};
use crate::record::RecordRow;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use idempotent_runtime::Idempotency;
use idempotent_runtime::key::StorageKey;
use idempotent_runtime::outcome::Outcome;
use idempotent_runtime::records::RecordView;
use serde::Serialize;
use std::fmt::Write;

/// The record that is shown.
#[derive(Args)]
pub(crate) struct ShowArguments {
    /// The key of the store: 64 hexadecimal digits, as in the log and in `list`.
    key: StorageKey,
    /// Shows headers and body of the stored response, too. They may hold data that only its caller should see.
    #[arg(long)]
    body: bool,
}

#[derive(Serialize)]
struct ShownRecord {
    record: RecordRow,
    /// The stored answer, if it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    stored: Option<StoredOutcome>,
}

#[derive(Serialize)]
struct StoredOutcome {
    headers: Vec<StoredHeader>,
    body: StoredBody,
}

#[derive(Serialize)]
struct StoredHeader {
    name: String,
    value: String,
}

/// A body: as text if it is text, and otherwise as base64.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum StoredBody {
    Text(String),
    Base64(String),
}

impl StoredBody {
    fn of(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::Text(text.to_owned()),
            Err(_) => Self::Base64(STANDARD.encode(bytes)),
        }
    }
}

impl StoredOutcome {
    fn of(outcome: &Outcome) -> Option<Self> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match outcome {
            Outcome::Response(response) => {
                let headers = response
                    .headers
                    .iter()
                    .map(|(name, value)| StoredHeader { name: text(name), value: text(value) });
                Some(Self { headers: headers.collect(), body: StoredBody::of(&response.body) })
            }
            Outcome::Value(value) => {
                Some(Self { headers: Vec::new(), body: StoredBody::of(value) })
            }
            _ => None,
        }
    }
}

impl Answer for ShownRecord {
    fn for_people(&self) -> String {
        let mut text = self.record.in_lines();
        let Some(StoredOutcome { headers, body }) = &self.stored else { return text };
        text.push('\n');
        for StoredHeader { name, value } in headers {
            let _infallible = writeln!(text, "{}: {}", printable(name), printable(value));
        }
        let _infallible = match body {
            StoredBody::Text(body) => writeln!(text, "\n{}", printable_lines(body)),
            StoredBody::Base64(body) => writeln!(text, "\nno text, as base64:\n{body}"),
        };
        text
    }
}

/// Prints the record.
pub(crate) async fn run(
    arguments: &ShowArguments,
    options: &Options,
    output: &Output,
) -> Result<Ending, Failure> {
    let app = build(options, Hosts::One).await?;
    let record = look_up(&app, &arguments.key).await?;
    let stored = record.outcome().filter(|_| arguments.body).and_then(StoredOutcome::of);
    output.answer(&ShownRecord { record: RecordRow::of(&record), stored })?;
    Ok(Ending::Done)
}

/// The record under a key.
///
/// # Errors
/// When there is none, or the store does not answer.
pub(crate) async fn look_up(app: &Idempotency, key: &StorageKey) -> Result<RecordView, Failure> {
    let found = app.record(key).await?;
    found.ok_or_else(|| Failure::NotFound(format!("there is no record under {key}")))
}

//! `forget`: drops a record, so that the next request with its key runs.

use crate::app::{Hosts, build, knows_tasks};
use crate::commands::show::look_up;
use crate::failure::{Ending, Failure};
use crate::options::Options;
use crate::output::{Answer, Output};
use crate::record::RecordRow;
use clap::Args;
use idempotent_runtime::key::{Guard, StorageKey};
use idempotent_runtime::records::{Force, Forgotten, KeptIn, RecordState, RecordView};
use serde::Serialize;

/// The record that is forgotten.
#[derive(Args)]
pub(crate) struct ForgetArguments {
    /// The key of the store: 64 hexadecimal digits, as in the log and in `list`.
    key: StorageKey,
    /// Also forgets a record that cannot be read, and one whose run goes on. That run is not stopped, so both
    /// it and the next one may have an effect.
    #[arg(long)]
    force: bool,
}

#[derive(Serialize)]
struct GivenBack {
    key: String,
    forgotten: bool,
    /// Whether services may remember its answer for a while.
    #[serde(skip)]
    may_be_remembered: bool,
}

impl Answer for GivenBack {
    fn for_people(&self) -> String {
        let elsewhere = if self.may_be_remembered {
            "services that remember its answer look again within 5 seconds, and within 65 if they cannot reach \
             the store\n"
        } else {
            ""
        };
        format!("forgotten: {}\n{elsewhere}", self.key)
    }
}

/// Forgets the record.
pub(crate) async fn run(
    arguments: &ForgetArguments,
    options: &Options,
    output: &Output,
) -> Result<Ending, Failure> {
    let force = if arguments.force { Force::Yes } else { Force::No };
    let app = build(options, Hosts::One).await?;
    let seen = look_up(&app, &arguments.key).await?;
    let row = RecordRow::of(&seen);
    let effect = match (seen.state(), force) {
        (RecordState::Running { .. }, Force::No) => return Err(still_running(&row)),
        (RecordState::Undecodable, Force::No) => return Err(unreadable()),
        (RecordState::Running { .. }, Force::Yes) => {
            "its run is not stopped, and may have its effect beside that of the next"
        }
        _ => "the next request with its key runs",
    };
    knows_tasks(options, &seen)?;
    options.confirmation().ask(&format!("forget {}: {effect}", row.in_a_line()))?;
    match app.forget(&seen, force).await? {
        Forgotten::Yes => {
            let may_be_remembered = may_be_remembered(&seen);
            output.answer(&GivenBack { key: row.key, forgotten: true, may_be_remembered })?;
            Ok(Ending::Done)
        }
        Forgotten::Running { .. } => Err(still_running(&row)),
        Forgotten::Undecodable => Err(unreadable()),
        _ => Err(Failure::Refused(
            "the record has changed since it was shown; look again".to_owned(),
        )),
    }
}

/// Whether services may remember the answer of such a record.
fn may_be_remembered(seen: &RecordView) -> bool {
    let is_finished = matches!(seen.state(), RecordState::Completed(_));
    let guard = seen.guard();
    let is_requests =
        matches!(guard, Some(Guard::Handler | Guard::Middleware { .. } | Guard::Token));
    seen.kept_in() == KeptIn::Store && is_finished && is_requests
}

fn still_running(row: &RecordRow) -> Failure {
    let why = format!("its run goes on ({}); `--force` takes its key", row.state_in_words());
    Failure::Refused(why)
}

fn unreadable() -> Failure {
    Failure::Refused("the record cannot be read; `--force` forgets it".to_owned())
}

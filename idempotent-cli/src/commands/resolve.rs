//! `resolve`: an operator says whether an abandoned run had its effect.

use crate::app::{Hosts, build, knows_tasks};
use crate::commands::show::look_up;
use crate::failure::{Ending, Failure};
use crate::options::Options;
use crate::output::{Answer, Output};
use crate::record::RecordRow;
use clap::{ArgGroup, Args};
use idempotent_runtime::key::{Guard, StorageKey};
use idempotent_runtime::records::{RecordState, RecordView, Resolution, Resolved};
use serde::Serialize;

/// The record, and whether it happened.
#[derive(Args)]
#[command(group = ArgGroup::new("word").required(true))]
pub(crate) struct ResolveArguments {
    /// The key of the store: 64 hexadecimal digits, as in the log and in `list --state abandoned`.
    key: StorageKey,
    /// It happened: duplicates are told so, and nothing runs.
    #[arg(long, group = "word")]
    done: bool,
    /// It did not happen: the next request with its key runs, and a task is put in line again.
    #[arg(long, group = "word")]
    not_done: bool,
}

#[derive(Serialize)]
struct Settled {
    key: String,
    resolution: &'static str,
}

impl Answer for Settled {
    fn for_people(&self) -> String {
        format!("{}: {}\n", self.resolution, self.key)
    }
}

/// Settles the record.
pub(crate) async fn run(
    arguments: &ResolveArguments,
    options: &Options,
    output: &Output,
) -> Result<Ending, Failure> {
    let app = build(options, Hosts::One).await?;
    let seen = look_up(&app, &arguments.key).await?;
    let (resolution, word, effect) = if arguments.done {
        (Resolution::Done, "done", "it happened, and its duplicates are told so")
    } else {
        (Resolution::NotDone, "not-done", "it did not happen, and its next request runs")
    };
    judge(&seen, resolution)?;
    knows_tasks(options, &seen)?;
    let row = RecordRow::of(&seen);
    options.confirmation().ask(&format!("settle {}: {effect}", row.in_a_line()))?;
    // A person may take an hour to say yes.
    let now = look_up(&app, &arguments.key).await?;
    judge(&now, resolution)?;
    if (now.attempt(), now.claimed_at()) != (seen.attempt(), seen.claimed_at()) {
        return Err(Failure::Refused(
            "the record has changed since it was shown; look again".to_owned(),
        ));
    }
    let resolved = app.resolve(&arguments.key, resolution).await?;
    if resolved == Resolved::NotAbandoned && now.state() == RecordState::Abandoned {
        return Err(Failure::Refused(
            "somebody else changed the record first; look again".to_owned(),
        ));
    }
    output.answer(&Settled { key: row.key, resolution: word })?;
    Ok(Ending::Done)
}

/// Checks that there is something to settle: an abandoned run, or a task that was settled by a process that
/// died before the task was in line again.
fn judge(record: &RecordView, resolution: Resolution) -> Result<(), Failure> {
    match (record.state(), record.guard(), resolution) {
        (RecordState::Abandoned, ..)
        | (RecordState::Issued, Some(Guard::Task), Resolution::NotDone) => Ok(()),
        _ => {
            let state = RecordRow::of(record).state_in_words();
            Err(Failure::Refused(format!("the record is not abandoned; it is {state}")))
        }
    }
}

//! `list`: records, page by page.

use crate::app::{Hosts, build};
use crate::failure::{Ending, Failure};
use crate::options::{Options, duration};
use crate::output::{Answer, Output};
use crate::record::{RecordRow, table_of};
use clap::{Args, ValueEnum};
use idempotent_runtime::records::{RecordCursor, RecordStage, Records};
use serde::Serialize;
use std::time::Duration;

/// The number of records that are read at a time.
const LOOK: u32 = 1000;

/// The records that are wanted.
#[derive(Args)]
pub(crate) struct ListArguments {
    /// Only records of this operation, as the column of the same name has it.
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// Only records in this state.
    #[arg(long)]
    state: Option<Stage>,
    /// Only records that were last claimed at least this long ago: `90s`, `5m`, `36h`.
    #[arg(long, value_name = "AGE", value_parser = duration)]
    older_than: Option<Duration>,
    /// The most records on a page.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    limit: u32,
    /// Continues after a page: the cursor that it ended with.
    #[arg(long, value_name = "CURSOR")]
    after: Option<RecordCursor>,
}

/// The state of a record.
#[derive(Clone, Copy, ValueEnum)]
enum Stage {
    Issued,
    Running,
    Abandoned,
    Completed,
    Cancelled,
    Undecodable,
}

impl Stage {
    const fn of_records(self) -> RecordStage {
        match self {
            Self::Issued => RecordStage::Issued,
            Self::Running => RecordStage::Running,
            Self::Abandoned => RecordStage::Abandoned,
            Self::Completed => RecordStage::Completed,
            Self::Cancelled => RecordStage::Cancelled,
            Self::Undecodable => RecordStage::Undecodable,
        }
    }
}

#[derive(Serialize)]
struct Listed {
    records: Vec<RecordRow>,
    /// The cursor of the next page.
    next: Option<String>,
}

impl Answer for Listed {
    fn for_people(&self) -> String {
        if self.records.is_empty() {
            return "no records\n".to_owned();
        }
        let more = self.next.as_ref().map(|next| format!("\nmore: --after {next}\n"));
        table_of(&self.records) + &more.unwrap_or_default()
    }
}

/// Prints a page of records.
pub(crate) async fn run(
    arguments: &ListArguments,
    options: &Options,
    output: &Output,
) -> Result<Ending, Failure> {
    let app = build(options, Hosts::One).await?;
    let mut wanted = app.records();
    if let Some(operation) = &arguments.operation {
        wanted = wanted.operation(operation);
    }
    if let Some(stage) = arguments.state {
        wanted = wanted.stage(stage.of_records());
    }
    if let Some(age) = arguments.older_than {
        wanted = wanted.older_than(age);
    }
    output.answer(&page(&wanted, arguments).await?)?;
    Ok(Ending::Done)
}

/// Looks at as many records as it takes to fill a page.
async fn page(wanted: &Records<'_>, arguments: &ListArguments) -> Result<Listed, Failure> {
    let (mut records, mut after) = (Vec::new(), arguments.after.clone());
    let (limit, mut look) = (arguments.limit as usize, LOOK);
    loop {
        let found = wanted.page(look, after.as_ref()).await?;
        let room = limit - records.len();
        if found.records.len() > room {
            // The cursor is behind everything that was read, so no record can be cut off: the page is read again in
            // smaller steps.
            look = u32::try_from(room).unwrap_or(LOOK);
            continue;
        }
        records.extend(found.records.iter().map(RecordRow::of));
        let is_full = records.len() == limit;
        match found.next {
            Some(next) if !is_full => after = Some(next),
            next => return Ok(Listed { records, next: next.map(|next| next.to_string()) }),
        }
    }
}

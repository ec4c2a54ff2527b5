//! `purge`: drops records whose life is over.

use crate::failure::{Ending, Failure};
use crate::options::Options;
use crate::output::{Answer, Output, printable};
use crate::progress::Progress;
use crate::store::open;
use serde::Serialize;

/// The number of records that are dropped at a time, as services do: others can write in between.
const BATCH: u32 = 512;

#[derive(Serialize)]
struct Purged {
    dropped: u64,
}

impl Answer for Purged {
    fn for_people(&self) -> String {
        format!("{} dropped\n", self.dropped)
    }
}

/// Drops the records batch by batch, until none is left.
pub(crate) async fn run(options: &Options, output: &Output) -> Result<Ending, Failure> {
    let store = open(options).await?;
    let name = printable(&output.without_secrets(&store.describe()));
    options.confirmation().ask(&format!("drop all records whose life is over, in {name}"))?;
    let progress = Progress::counting("dropped");
    let mut dropped = 0;
    loop {
        let batch = store.purge(BATCH).await?;
        dropped += u64::from(batch);
        progress.more(u64::from(batch));
        if batch < BATCH {
            break;
        }
    }
    drop(progress);
    output.answer(&Purged { dropped })?;
    Ok(Ending::Done)
}

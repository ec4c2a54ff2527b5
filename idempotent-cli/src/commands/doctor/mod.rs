//! `doctor`: the settings of a store, and a trial of each of its operations.

mod trial;

use crate::app::{Hosts, on};
use crate::failure::{Ending, Failure};
use crate::options::Options;
use crate::output::{Answer, Output, lines, printable, table};
use crate::store::open;
use idempotent_runtime::store::{Finding, Severity};
use serde::Serialize;
use std::sync::Arc;
use trial::{TriedOperation, ask_database, try_out};

#[derive(Serialize)]
struct Examined {
    store: String,
    /// The business database, if one is named.
    database: Option<String>,
    findings: Vec<FoundSetting>,
    operations: Vec<TriedOperation>,
}

#[derive(Serialize)]
struct FoundSetting {
    severity: &'static str,
    message: String,
    help: String,
}

impl FoundSetting {
    fn of(finding: &Finding, output: &Output) -> Self {
        Self {
            severity: if finding.severity == Severity::Error { "error" } else { "warning" },
            message: output.without_secrets(&finding.message),
            help: output.without_secrets(&finding.help),
        }
    }
}

impl Answer for Examined {
    fn for_people(&self) -> String {
        let mut text = format!("{}\n", printable(&self.store));
        if let Some(database) = &self.database {
            text.extend([&printable(database), "\n"]);
        }
        text.push('\n');
        for FoundSetting { severity, message, help } in &self.findings {
            let (message, help) = (printable(message), printable(help));
            text.extend([severity, ": ", &message, "\n  help: ", &help, "\n"]);
        }
        if self.findings.is_empty() {
            text += "no setting weakens a promise\n";
        }
        let mut tried = table(["operation", "outcome", "round trip"]);
        for one in &self.operations {
            let time = one.milliseconds.map_or_else(String::new, |time| format!("{time:.2} ms"));
            tried.add_row([one.operation.to_owned(), printable(&one.outcome), time]);
        }
        text + "\n" + &lines(&tried)
    }
}

/// Examines the store.
pub(crate) async fn run(options: &Options, output: &Output) -> Result<Ending, Failure> {
    let store = open(options).await?;
    let app = on(Arc::clone(&store), options, Hosts::One)?;
    let findings = app.check().await;
    let findings: Vec<_> =
        findings.iter().map(|finding| FoundSetting::of(finding, output)).collect();
    let mut operations = try_out(&*store, options.patience(), output).await;
    let database = app.describe_database().map(|database| output.without_secrets(&database));
    if database.is_some() {
        operations.push(ask_database(&app, options.patience(), output).await);
    }
    let is_unfit = findings.iter().any(|finding| finding.severity == "error");
    let is_failed = operations.iter().any(|tried| tried.is_failed);
    let store = output.without_secrets(&store.describe());
    output.answer(&Examined { store, database, findings, operations })?;
    Ok(if is_unfit || is_failed { Ending::Wanting } else { Ending::Done })
}

//! `doctor`: the settings of a store, and whether it does what it will be asked.

mod trial;

use crate::failure::{Ending, Failure};
use crate::options::Options;
use crate::output::{Answer, Output, lines, printable, table};
use crate::store::open;
use idempotent_runtime::store::{Finding, Severity};
use serde::Serialize;
use trial::{TriedOperation, try_out};

#[derive(Serialize)]
struct Examined {
    store: String,
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
        let mut text = format!("{}\n\n", printable(&self.store));
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
    let findings: Vec<_> =
        store.findings().iter().map(|finding| FoundSetting::of(finding, output)).collect();
    let operations = try_out(&*store, options.patience(), output).await;
    let is_unfit = findings.iter().any(|finding| finding.severity == "error");
    let is_failed = operations.iter().any(|tried| tried.is_failed);
    let store = output.without_secrets(&store.describe());
    output.answer(&Examined { store, findings, operations })?;
    Ok(if is_unfit || is_failed { Ending::Wanting } else { Ending::Done })
}

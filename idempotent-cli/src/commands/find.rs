//! `find`: the record of a request or call, by facts that a support desk knows.

use crate::app::{Hosts, build};
use crate::failure::{Ending, Failure};
use crate::options::Options;
use crate::output::{Answer, Output, printable};
use crate::record::RecordRow;
use clap::{ArgGroup, Args};
use idempotent_runtime::key::KeyParts;
use idempotent_runtime::policy::Strategy;
use idempotent_runtime::records::{FindError, Target};
use serde::Serialize;

/// The request or call that is looked for.
#[derive(Args)]
#[command(group = ArgGroup::new("target").required(true))]
pub(crate) struct FindArguments {
    /// The path of a request to a handler, such as `/orders/7`; with `--method`.
    #[arg(long, group = "target", requires = "method")]
    path: Option<String>,
    /// The method of the request.
    #[arg(long, requires = "path")]
    method: Option<String>,
    /// The host of the request, for an app that tells hosts apart.
    #[arg(long)]
    host: Option<String>,
    /// The name that the handler at the path has in its attribute: `operation = "NAME"`.
    #[arg(long, value_name = "NAME", requires = "path")]
    named: Option<String>,
    /// The task that the request became.
    #[arg(long, requires = "path", conflicts_with = "middleware")]
    task: bool,
    /// Finds the record of a `Middleware`, and not of a handler. `0` is the outermost; each one inside adds 1.
    #[arg(long, value_name = "DEPTH", requires = "path")]
    middleware: Option<u8>,
    /// An operation of a strategy: `token`, `message` or `cache`, and its name.
    #[arg(long, group = "target", num_args = 2, value_names = ["STRATEGY", "NAME"])]
    operation: Option<Vec<String>>,
    /// A cached answer whose attribute has no `operation`, by the pattern of its route, such as
    /// `/users/{id}`.
    #[arg(long, group = "target")]
    pattern: Option<String>,
    /// A lock; `--key` is its name.
    #[arg(long, group = "target")]
    lock: bool,
    /// A task, by the id in its address, which is `--key`.
    #[arg(long, group = "target")]
    task_id: bool,
    /// The caller of the request, as the app's scope gives it. Several are the segments of a template.
    #[arg(long, value_name = "VALUE")]
    scope: Vec<String>,
    /// The key of the request. Several are the values of a template, in their order.
    #[arg(long, value_name = "VALUE", required = true)]
    key: Vec<String>,
}

impl FindArguments {
    fn target(&self) -> Result<Target, Failure> {
        let target = match (&self.path, &self.operation, &self.pattern) {
            (Some(path), ..) => {
                let mut target = Target::route(self.method.as_deref().unwrap_or_default(), path);
                if let Some(operation) = &self.named {
                    target = target.named(operation);
                }
                if let Some(depth) = self.middleware {
                    target = target.middleware(depth);
                }
                if self.task { target.task() } else { target }
            }
            (_, Some(operation), _) => of_operation(operation)?,
            (.., Some(pattern)) => Target::pattern(pattern),
            _ if self.lock => Target::lock(),
            _ => Target::task_id(),
        };
        Ok(match &self.host {
            Some(host) => target.host(host),
            None => target,
        })
    }
}

fn of_operation(operation: &[String]) -> Result<Target, Failure> {
    let [strategy, name] = operation else {
        return Err(Failure::Usage("`--operation` takes a strategy and a name".to_owned()));
    };
    let strategy = match strategy.as_str() {
        "token" => Strategy::Token,
        "message" => Strategy::Message,
        "cache" => Strategy::Cache,
        _ => {
            let why = "the strategy of `--operation` is `token`, `message` or `cache`; find others by \
                       `--method` and `--path`, a lock by `--lock`";
            return Err(Failure::Usage(why.to_owned()));
        }
    };
    Ok(Target::operation(strategy, name))
}

#[derive(Serialize)]
struct FoundRecord {
    /// The storage key, even if there is no record.
    key: String,
    record: Option<RecordRow>,
}

impl Answer for FoundRecord {
    fn for_people(&self) -> String {
        match &self.record {
            Some(record) => record.in_lines(),
            None => format!("there is no record under {}\n", printable(&self.key)),
        }
    }
}

/// Prints the record, or only its storage key if there is none.
pub(crate) async fn run(
    arguments: &FindArguments,
    options: &Options,
    output: &Output,
) -> Result<Ending, Failure> {
    let target = arguments.target()?;
    let hosts = if arguments.host.is_some() { Hosts::Many } else { Hosts::One };
    let app = build(options, hosts).await?;
    let parts =
        |values: &[String]| values.iter().fold(KeyParts::new(), |parts, value| parts.value(value));
    let (scope, key) = (parts(&arguments.scope), parts(&arguments.key));
    let wrong = |why: String| Failure::Usage(why);
    let storage_key =
        app.storage_key(&target, &scope, &key).map_err(|error| wrong(error.to_string()))?;
    let found = app.find(&target, &scope, &key).await.map_err(|error| match error {
        FindError::Store(error) => Failure::from(error),
        error => wrong(error.to_string()),
    })?;
    let ending = if found.is_some() { Ending::Done } else { Ending::Wanting };
    let record = found.as_ref().map(RecordRow::of);
    output.answer(&FoundRecord { key: storage_key.to_string(), record })?;
    Ok(ending)
}

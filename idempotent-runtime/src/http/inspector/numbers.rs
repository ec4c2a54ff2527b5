//! The numbers of this process, the part of the page that is updated while it is open.

use crate::http::app::idempotency::Idempotency;
use crate::http::inspector::chart::{GROUPS, chart, group};
use crate::http::inspector::words::{Cut, age, joined, short, shown, took};
use crate::observe::{
    ConsumerSeen, RequestsSeen, RunSeen, Spread, StoreCallSeen, TasksSeen, TotalSeen,
    consumers_seen,
};
use crate::store::Finding;
use std::cmp::Reverse;
use std::fmt::Write as _;

/// The most lines of each list.
const MOST: usize = 100;

/// All numbers as they are now.
pub(super) async fn numbers(app: &Idempotency) -> String {
    let answers = parts(app).await;
    let meters = &app.engine().counters().meters;
    let requests = meters.operations.requests_seen();
    [
        section("parts", "The parts below", &answers),
        section("running", "What runs now", &running(app, &requests)),
        section("operations", "Operations", &operations(requests)),
        section("store", "Calls of the store", &store_calls(&meters.store.seen())),
        section(
            "tasks",
            "Tasks",
            &tasks(meters.operations.tasks_seen(), meters.unfinished_tasks.seen()),
        ),
        section("consumers", "Consumers of queues", &consumers(&consumers_seen())),
        section("totals", "Since the process began", &totals(app)),
    ]
    .concat()
}

fn section(id: &str, title: &str, content: &str) -> String {
    format!("<section aria-labelledby=\"{id}\"><h2 id=\"{id}\">{title}</h2>{content}</section>")
}

fn list(items: Vec<String>, nothing: &str) -> String {
    if items.is_empty() {
        return format!("<p class=\"empty\">{nothing}</p>");
    }
    format!("<ul class=\"cards\">{}</ul>", Cut(items, MOST))
}

/// Whether the store, the place of locks and the database answer, and their findings.
async fn parts(app: &Idempotency) -> String {
    let asked = app.ping(app.engine().patience()).await;
    let names = [
        ("store", Some(app.describe_store())),
        ("locks", app.describe_locks()),
        ("database", app.describe_database()),
    ];
    let mut items = Vec::new();
    for (part, name) in names.into_iter().filter_map(|(part, name)| Some((part, name?))) {
        let mut failed = asked.as_ref().err().into_iter().flat_map(crate::NotReady::parts);
        let error =
            failed.find(|(failed, _)| *failed == part).map(|(_, error)| error.kind().name());
        let (class, says) = match error {
            None => ("ran", "answers".to_owned()),
            Some(kind) => ("failed", format!("does not answer: {kind}")),
        };
        items.push(format!(
            "<li><span>{part}</span> <b class=\"{class}\">{says}</b> <span>{}</span></li>",
            shown(&name)
        ));
    }
    if app.engine().is_draining() {
        items.push("<li><b class=\"refused\">draining: no new runs begin</b></li>".to_owned());
    }
    items.extend(app.engine().store().findings().iter().map(finding));
    list(items, "")
}

/// A finding as an item of a list.
pub(super) fn finding(finding: &Finding) -> String {
    format!(
        "<li><b class=\"refused\">{}</b> <span>{}</span></li>",
        shown(&finding.message),
        shown(&finding.help)
    )
}

fn running(app: &Idempotency, requests: &[RequestsSeen]) -> String {
    let of_one = |one: &RequestsSeen| {
        one.runs.iter().map(|run| (one.operation.clone(), *run)).collect::<Vec<_>>()
    };
    let mut runs: Vec<(String, RunSeen)> = requests.iter().flat_map(of_one).collect();
    runs.sort_by_key(|(_, run)| Reverse(run.age));
    let item = |(operation, run): &(String, RunSeen)| {
        let key = run.key.as_ref().map(short).unwrap_or_default();
        let attempt = match run.attempt {
            0 => String::new(),
            attempt => format!("<span>attempt {attempt}</span>"),
        };
        format!(
            "<li><b>{}</b> <span>{}</span> {attempt} {key}</li>",
            shown(operation),
            age(run.age)
        )
    };
    let under_way = app.under_way();
    format!(
        "<p>Running: {}. Under way, those that wait to run included: {under_way}.</p>{}",
        runs.len(),
        list(runs.iter().map(item).collect(), "Nothing runs."),
    )
}

fn operations(mut requests: Vec<RequestsSeen>) -> String {
    let lately =
        |one: &RequestsSeen| one.outcomes.iter().map(|(_, total)| recent(total)).sum::<u64>();
    requests.sort_by_cached_key(|one| (Reverse(lately(one)), one.operation.clone(), one.strategy));
    let group = |(name, words): &(_, _)| format!("<li class=\"{name}\">{words}</li>");
    let legend = joined(GROUPS.iter().map(group));
    let item = |one: &RequestsSeen| {
        format!(
            "<li class=\"operation\"><h3>{} <small>{}</small></h3>{}{}<dl><div><dt>waited</dt><dd>{}</dd></div>\
             <div><dt>ran</dt><dd>{}</dd></div></dl></li>",
            shown(&one.operation),
            one.strategy,
            chart(&one.operation, &one.outcomes),
            counted(&one.outcomes),
            spread(&one.admission),
            spread(&one.run),
        )
    };
    let items = list(requests.iter().map(item).collect(), "Nothing was asked of this process yet.");
    format!("<ul class=\"legend\">{legend}</ul>{items}")
}

fn store_calls(calls: &[StoreCallSeen]) -> String {
    let item = |one: &StoreCallSeen| {
        let (call, took) = (one.call, spread(&one.took));
        format!("<li><b>{call}</b> <span>{took}</span> {}</li>", counted(&one.failed))
    };
    list(calls.iter().map(item).collect(), "")
}

fn tasks(mut tasks: Vec<TasksSeen>, unfinished: u32) -> String {
    tasks.sort_by(|one, other| one.function.cmp(&other.function));
    let item = |one: &TasksSeen| {
        let (function, delay) = (shown(&one.function), spread(&one.start_delay));
        format!(
            "<li><b>{function}</b> {} <span>began after {delay}</span></li>",
            counted(&one.states)
        )
    };
    let all = list(tasks.iter().map(item).collect(), "No task came to this process yet.");
    format!("<p>{unfinished} tasks of all processes were not finished at the last look.</p>{all}")
}

fn consumers(consumers: &[ConsumerSeen]) -> String {
    let item = |one: &ConsumerSeen| {
        let (class, is) = match (one.is_connected, one.pauses) {
            (false, _) => ("failed", "not connected"),
            (true, true) => ("refused", "pauses, because everything fails"),
            (true, false) => ("ran", "connected"),
        };
        let queue = shown(&one.queue);
        format!("<li><b>{queue}</b> <b class=\"{class}\">{is}</b> {}</li>", counted(&one.settled))
    };
    list(consumers.iter().map(item).collect(), "No consumer runs in this process.")
}

fn totals(app: &Idempotency) -> String {
    let counts = app.counts();
    let told = [
        ("runs", counts.ran, false),
        ("replays", counts.replayed, false),
        ("refused", counts.refused, false),
        ("waited for another", counts.waited, false),
        ("met a key that is held", counts.held, true),
        ("taken over", counts.taken_over, false),
        ("went on without their client", counts.detached, false),
        ("leases lost", counts.leases_lost, true),
        ("fences refused", counts.lost, true),
        ("outcomes not stored", counts.not_stored, true),
        ("outcomes stored late", counts.stored_late, false),
        ("store did not answer", counts.store_failed, true),
        ("ran unguarded", counts.unguarded, true),
        ("records that cannot be read", counts.undecodable, true),
    ];
    let mut rows = String::new();
    for (name, count, is_bad) in told {
        let class = if is_bad && count > 0 { " class=\"failed\"" } else { "" };
        let _infallible = write!(rows, "<div><dt>{name}</dt><dd{class}>{count}</dd></div>");
    }
    format!("<dl class=\"facts\">{rows}</dl>")
}

/// Totals with their names, without those of zero.
fn counted(totals: &[(&'static str, TotalSeen)]) -> String {
    let counted = totals.iter().filter(|(_, total)| total.all > 0);
    let item = |(word, total): &(&'static str, TotalSeen)| {
        format!("<li class=\"{}\">{word} <b>{}</b></li>", group(word), total.all)
    };
    let words = joined(counted.map(item));
    if words.is_empty() { words } else { format!("<ul class=\"counted\">{words}</ul>") }
}

fn recent(total: &TotalSeen) -> u64 {
    total.recent.iter().copied().map(u64::from).sum()
}

fn spread(spread: &Spread) -> String {
    match spread.mean() {
        None => "not lately".to_owned(),
        Some(mean) => {
            let (mean, largest) = (took(mean), took(spread.largest));
            match spread.count {
                1 => format!("once, {mean}"),
                times => format!("{times} times, {mean} on average, {largest} at most"),
            }
        }
    }
}

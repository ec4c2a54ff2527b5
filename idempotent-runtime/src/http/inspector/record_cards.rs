//! Records in a list, with the forms that settle them.

use crate::http::inspector::words::{age, guard, joined, moment, short, shortened, shown, state};
use crate::key::Guard;
use crate::records::{KeptIn, RecordStage, RecordView};
use std::time::SystemTime;

/// The values that the forms and links of a page need.
#[derive(Clone, Copy)]
pub(super) struct PageParts<'a> {
    /// The relative URL of the root: empty, or `../`.
    pub(super) root: &'a str,
    /// The token of its forms.
    pub(super) token: &'a str,
    /// The moment up to which ages are counted.
    pub(super) now: SystemTime,
}

/// The claim and the stage of a record that a person saw, so that a form changes nothing else.
pub(super) fn seen(record: &RecordView) -> String {
    let claimed = record.claimed().unwrap_or_default();
    format!("{}-{}-{}", record.attempt(), claimed.as_millis(), record.state().stage())
}

/// A record as an item of a list.
pub(super) fn card(record: &RecordView, parts: PageParts<'_>) -> String {
    let claimed = record.claimed_at().map(|at| {
        let since = parts.now.duration_since(at).unwrap_or_default();
        format!("<span>claimed {} ago, {}</span>", age(since), moment(at))
    });
    let label = shortened(record.label());
    let label =
        if label.is_empty() { label } else { format!("<span>key <code>{label}</code></span>") };
    format!(
        "<li class=\"record {stage}\"><h3>{operation}</h3><p><b>{state}</b> {label} {claimed} \
         <span>attempt {attempt}</span> <a href=\"{root}record/{key}\">record {short}</a></p>{forms}</li>",
        stage = record.state().stage(),
        operation = name(record),
        state = state(record.state()),
        claimed = claimed.unwrap_or_default(),
        attempt = record.attempt(),
        root = parts.root,
        key = record.key(),
        short = short(record.key()),
        forms = forms(record, parts),
    )
}

/// All facts of a record, without its body.
pub(super) fn details(record: &RecordView, parts: PageParts<'_>) -> String {
    let kept_in = if record.kept_in() == KeptIn::Database { "business database" } else { "store" };
    let taken_over =
        if record.was_taken_over() { ", taken over from an owner who may wake" } else { "" };
    let rows = [
        ("State", state(record.state())),
        ("Operation", shown(record.operation())),
        ("Key", shortened(record.label())),
        ("Guard", record.guard().map_or("", guard).to_owned()),
        ("Attempt", format!("{}{taken_over}", record.attempt())),
        ("Claimed", record.claimed_at().map(moment).unwrap_or_default()),
        ("Forgotten in", age(record.left())),
        ("Function", record.function().map(shown).unwrap_or_default()),
        ("Kept in", format!("{kept_in}, {} bytes", record.size())),
    ];
    let rows = rows.iter().filter(|(_, value)| !value.is_empty());
    let row = |(name, value): &(_, String)| format!("<div><dt>{name}</dt><dd>{value}</dd></div>");
    let rows = joined(rows.map(row));
    format!("<dl class=\"facts\">{rows}</dl>{}", forms(record, parts))
}

fn name(record: &RecordView) -> String {
    match record.operation() {
        "" => "a record that cannot be read".to_owned(),
        operation => shown(operation),
    }
}

/// The value of a button, its text, and its effect.
type ButtonWords = (&'static str, &'static str, &'static str);

/// The buttons that are allowed for a record.
fn words(record: &RecordView) -> Vec<ButtonWords> {
    let done = ("done", "It happened", "duplicates are told so, and nothing runs");
    let not_done = ("not-done", "It did not happen", "the next request with its key runs");
    let again = ("not-done", "Put it in line again", "the task runs");
    let forget = ("forget", "Forget it", "the next request with its key runs");
    match (record.state().stage(), record.guard()) {
        (RecordStage::Abandoned, Some(Guard::Task)) => vec![done, again, forget],
        (RecordStage::Abandoned, _) => vec![done, not_done, forget],
        (RecordStage::Issued, Some(Guard::Task)) => vec![again, forget],
        (RecordStage::Running | RecordStage::Undecodable, _) => Vec::new(),
        _ => vec![forget],
    }
}

/// The buttons, hidden behind a heading that opens them: one more step before something changes.
fn forms(record: &RecordView, parts: PageParts<'_>) -> String {
    let words = words(record);
    if words.is_empty() {
        return String::new();
    }
    let PageParts { root, token, .. } = parts;
    let (key, short, seen) = (record.key(), record.key().short(), seen(record));
    let effect = |(_, text, effect): &ButtonWords| format!("<li><b>{text}</b>: {effect}.</li>");
    let button = |(word, text, _): &ButtonWords| {
        let name = format!("aria-label=\"{text}: record {short}\"");
        format!("<button name=\"word\" value=\"{word}\" {name}>{text}</button>")
    };
    let effects = joined(words.iter().map(effect));
    let buttons = joined(words.iter().map(button));
    format!(
        "<details><summary>Settle <span class=\"unseen\">the record {short}</span></summary>\
         <ul class=\"effects\">{effects}</ul>\
         <form method=\"post\" action=\"{root}record/{key}\">\
         <input type=\"hidden\" name=\"token\" value=\"{token}\">\
         <input type=\"hidden\" name=\"seen\" value=\"{seen}\">{buttons}</form></details>"
    )
}

//! The pages of the attribute agree with it about its arguments.
//!
//! The attribute's table of strategies is built into this test, and compared with the tables in the pages.

#[path = "../idempotent-macros/src/strategy/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the attribute asks for more of it")]
mod strategy;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use strategy::{ARGUMENTS, DefaultKey, GuardPlace, OF_A_KEY, OF_A_LEASE, STRATEGIES, Strategy};

const NEEDED: &str = "**needed**";
const WITH_A_KEY: &str = "with a `key`: ";

fn page(name: &str) -> String {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../idempotent-runtime/docs");
    fs::read_to_string(docs.join(name)).expect("a page of ours")
}

/// The arguments in a page's table, each with its default.
fn documented(page: &str) -> Vec<(&str, &str)> {
    let table = page.split("# Arguments\n").nth(1).expect("a table of arguments");
    let table = table.split("\n# ").next().unwrap_or_default();
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let cells = rows.map(|row| row.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>());
    let mut found = Vec::new();
    for row in cells {
        let [names, _, default] = row[..] else { panic!("three columns: {row:?}") };
        found.extend(names.split(", ").map(|name| (name.trim_matches('`'), default)));
    }
    found
}

fn takes(strategy: &Strategy, argument: &str) -> bool {
    let in_transaction = match strategy.guard {
        GuardPlace::Lease | GuardPlace::TransactionIfTaken => false,
        GuardPlace::Transaction | GuardPlace::Insert => true,
    };
    strategy.takes(argument) && !(in_transaction && OF_A_LEASE.contains(&argument))
}

/// Arguments that are missing, documented twice, or have no effect.
fn wrong_names<'a>(
    known: impl Iterator<Item = &'a str>,
    documented: &[(&str, &str)],
) -> Vec<String> {
    let known: Vec<_> = known.collect();
    let count = |name: &str| documented.iter().filter(|(other, _)| *other == name).count();
    let lacking = known.iter().filter(|name| count(name) != 1);
    let lacking = lacking.map(|name| format!("`{name}` stands {} times", count(name)));
    let idle = documented.iter().filter(|(name, _)| !known.contains(name));
    lacking.chain(idle.map(|(name, _)| format!("`{name}` has no effect"))).collect()
}

/// The mistakes of a page about its strategy.
fn broken(strategy: &Strategy, page: &str) -> Vec<String> {
    let documented = documented(page);
    let taken = ARGUMENTS.into_iter().filter(|name| *name != "strategy" && takes(strategy, name));
    let mut broken = wrong_names(taken, &documented);
    for (name, default) in documented {
        let is_needed = strategy.needs.iter().any(|need| need.argument == name);
        if is_needed != (default == NEEDED) {
            broken.push(format!("`{name}` is needed: {is_needed}"));
        }
        let of_a_key = strategy.default_key == DefaultKey::Unkeyed && OF_A_KEY.contains(&name);
        if name != "on_duplicate" && of_a_key != default.starts_with(WITH_A_KEY) {
            broken.push(format!("`{name}` needs a key: {of_a_key}"));
        }
        if name == "key" && default != default_key(strategy) {
            broken.push(format!("without a key: {}", default_key(strategy)));
        }
    }
    broken
}

fn default_key(strategy: &Strategy) -> &'static str {
    match strategy.default_key {
        DefaultKey::Header => "`\"{header.Idempotency-Key}\"`",
        DefaultKey::PathAndQuery => "path and query",
        DefaultKey::Unkeyed => "none: nothing is remembered",
        DefaultKey::Given => NEEDED,
    }
}

#[test]
fn each_page_has_the_arguments_that_its_strategy_takes() {
    for strategy in &STRATEGIES {
        let name = strategy.name;
        let broken = broken(strategy, &page(&format!("strategies/{name}.md")));
        assert!(broken.is_empty(), "{name}: {broken:#?}");
    }
}

#[test]
fn each_strategy_has_a_page_and_no_other() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../idempotent-runtime/docs/strategies");
    let pages = fs::read_dir(docs).expect("the pages").flatten();
    let pages: BTreeSet<_> = pages.map(|page| page.file_name()).collect();
    let names = STRATEGIES.iter().map(|strategy| format!("{}.md", strategy.name).into());
    assert_eq!(pages, names.collect());
    let shown = page("../src/strategies.rs");
    for strategy in &STRATEGIES {
        let name = strategy.name;
        assert!(shown.contains(&format!("strategies/{name}.md\"")), "{name}");
    }
}

#[test]
fn the_page_of_the_attribute_has_every_argument_and_every_strategy() {
    let page = page("attribute.md");
    let broken = wrong_names(ARGUMENTS.into_iter().chain(["crate"]), &documented(&page));
    assert!(broken.is_empty(), "{broken:#?}");
    let row = page.lines().find(|line| line.starts_with("| `strategy` |")).expect("its row");
    let shown = row.split("[`\"").skip(1).filter_map(|rest| rest.split('"').next());
    let names = STRATEGIES.iter().map(|strategy| strategy.name);
    assert!(shown.eq(names), "{row}");
    assert!(row.ends_with(&format!("| `\"{}\"` |", STRATEGIES[0].name)), "{row}");
}

#[test]
fn a_wrong_page_is_reported() {
    let lock = strategy::named("lock").expect("a strategy");
    let page = page("strategies/lock.md");
    let row = |name: &str| page.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
    let (key, wait) = (row("key").expect("a row"), row("wait").expect("a row"));
    let other = |from: &str, to: &str| broken(lock, &page.replace(from, to));
    assert!(broken(lock, &page).is_empty());
    assert_eq!(other(wait, ""), ["`wait` stands 0 times"]);
    assert_eq!(other(wait, &format!("{wait}\n{wait}")), ["`wait` stands 2 times"]);
    let idle = format!("{wait}\n| `ttl` | how long | 24 hours |");
    assert_eq!(other(wait, &idle), ["`ttl` has no effect"]);
    let optional = key.replace(NEEDED, "none");
    assert_eq!(other(key, &optional), ["`key` is needed: true", "without a key: **needed**"]);
    let keyed = wait.replace("| the app's", "| with a `key`: the app's");
    assert_eq!(other(wait, &keyed), ["`wait` needs a key: false"]);
}

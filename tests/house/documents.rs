//! The files, tests and examples that documents name exist.

use crate::assert_none;
use crate::sources::{CRATES, pages, published, read, sources};
use std::collections::BTreeSet;

/// Documents that are not chapters of the book.
const DOCUMENTS: [&str; 6] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "RELEASING.md",
    "SECURITY.md",
    "examples/README.md",
];

/// The most lines of a README that is read in a minute.
const README_LINES: usize = 150;

/// Every document for people, by its path.
pub(crate) fn documents() -> impl Iterator<Item = String> {
    let chapters = pages("docs").into_iter().map(|page| format!("docs/{page}"));
    DOCUMENTS.into_iter().map(str::to_owned).chain(chapters)
}

/// Rust files that a document names and that do not exist. `decide.rs` may stand for
/// `engine/decide.rs`.
fn missing_files<'a>(document: &'a str, files: &BTreeSet<String>) -> BTreeSet<&'a str> {
    let there =
        |name: &str| files.iter().any(|file| format!("/{file}").ends_with(&format!("/{name}")));
    names(document).filter(|name| name.strip_suffix(".rs").is_some() && !there(name)).collect()
}

/// Tests that a document names and that do not exist.
fn missing_tests<'a>(document: &'a str, written: &str) -> BTreeSet<&'a str> {
    let there = |name: &str| written.contains(&format!("fn {name}("));
    names(document).filter(|name| name.contains('_') && is_word(name) && !there(name)).collect()
}

fn is_word(name: &str) -> bool {
    name.chars().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '_')
}

/// Everything between backticks.
fn names(document: &str) -> impl Iterator<Item = &str> {
    document.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn files_that_documents_name_are_there() {
    let folders = published().chain(["examples", "tests", "benches"]);
    let inside = |folder: &'static str| {
        sources(folder).into_keys().map(move |file| format!("{folder}/{file}"))
    };
    let files = folders.flat_map(inside).collect();
    for document in documents() {
        assert_none(&document, missing_files(&read(&document), &files));
    }
}

#[test]
fn tests_that_prove_the_invariants_are_there() {
    let all = read("ARCHITECTURE.md");
    let invariants = all.split("## Invariants").nth(1).expect("the table of invariants");
    let invariants = invariants.split("\n## ").next().unwrap_or_default();
    assert!(invariants.lines().count() > 20, "the table of invariants");
    let written: String =
        ["tests", CRATES[0]].into_iter().flat_map(|folder| sources(folder).into_values()).collect();
    assert_none("ARCHITECTURE.md", missing_tests(invariants, &written));
}

/// The code of an example, without its first words and its tests.
fn program(example: &str) -> &str {
    let code = example.split_once("\n\n").map_or("", |(_, code)| code);
    code.split("\n#[cfg(test)]").next().unwrap_or_default().trim()
}

#[test]
fn the_readme_shows_the_quickstart_as_it_is() {
    let (readme, quickstart) = (read("README.md"), read("examples/quickstart.rs"));
    let blocks: Vec<_> = readme.split("```rust\n").skip(1).collect();
    let [shown] = blocks[..] else { panic!("the README shows one program") };
    assert_eq!(shown.split("```").next().unwrap_or_default().trim(), program(&quickstart));
    let of_its_store = "cargo add idempotent-runtime --features sqlite\n";
    assert!(readme.contains(of_its_store) && quickstart.contains("\"sqlite:"));
}

#[test]
fn the_readme_is_read_in_a_minute() {
    let lines = read("README.md").lines().count();
    assert!(lines <= README_LINES, "it has {lines} lines: a chapter of docs/ may have more");
}

#[test]
fn the_readme_names_both_commands_and_every_strategy() {
    let readme = read("README.md");
    for word in ["cargo run --example orders", "sh tests/run.sh"] {
        assert!(readme.contains(word), "{word}");
    }
    let table = read("idempotent-macros/src/strategy/table.rs");
    let rows = table.split("STRATEGIES: [Strategy; ").nth(1).expect("the table of strategies");
    let (count, rows) = rows.split_once("] = [").expect("the number of its rows");
    let rows = rows.split("\n];").next().unwrap_or_default();
    let name = |row: &str| row.split('"').next().unwrap_or_default().to_owned();
    let names: Vec<_> = rows.split(" name: \"").skip(1).map(name).collect();
    assert!(names.len() >= 3 && count == names.len().to_string(), "{count} rows: {names:?}");
    for name in names {
        assert!(readme.contains(&format!("| `{name}`")), "the README does not know `{name}`");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_gone_is_told() {
        let files = ["src/engine/decide.rs", "tests/http/main.rs"].map(str::to_owned).into();
        let document = "`decide.rs`, `engine/decide.rs`, `http/main.rs` (`ide.rs`) · `engine/gone.rs`, main.rs";
        assert_eq!(missing_files(document, &files), ["engine/gone.rs", "ide.rs"].into());
    }

    #[test]
    fn a_test_that_is_gone_is_told() {
        let written = "async fn nothing_runs(backend: Backend) {}";
        let document = "`tests/http_2`, `Row_2` (`nothing_runs`, `nothing_run`) · `decide`";
        assert_eq!(missing_tests(document, written), ["nothing_run"].into());
    }
}

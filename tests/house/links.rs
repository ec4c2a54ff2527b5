//! Every link of a document leads somewhere, in the repository and on the page of the crate.

use crate::assert_none;
use crate::documents::documents;
use crate::sources::{exists, pages, read};
use std::collections::{BTreeMap, BTreeSet};

/// A document without its blocks of code, in which brackets are not links.
fn prose(document: &str) -> String {
    let parts = document.split("```").step_by(2);
    let lines = parts.flat_map(str::lines).map(|line| {
        // Brackets in code inside of a line are not links, either.
        line.split('`').step_by(2).collect::<Vec<_>>().join("``") + "\n"
    });
    lines.collect()
}

/// The definitions of links: `[name]: target`.
fn definitions(document: &str) -> BTreeMap<&str, &str> {
    let lines = document.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: "));
    lines.filter(|(name, _)| !name.contains(']')).collect()
}

/// The targets of inline links: `[text](target)`.
fn in_place(prose: &str) -> impl Iterator<Item = &str> {
    prose.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// The names that links refer to: `[text][name]`.
fn references(prose: &str) -> impl Iterator<Item = &str> {
    prose.split("][").skip(1).filter_map(|rest| rest.split(']').next())
}

/// The anchor of a heading, as forges and rustdoc make it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|one| one.is_alphanumeric() || " -_".contains(*one));
    kept.map(|one| if one == ' ' { '-' } else { one.to_ascii_lowercase() }).collect()
}

fn has_anchor(document: &str, name: &str) -> bool {
    let heading = |line: &str| line.starts_with('#').then(|| anchor(line.trim_start_matches('#')));
    document.split("```").step_by(2).flat_map(str::lines).filter_map(heading).any(|it| it == name)
}

/// The target of a document's link: a path from the root, and an anchor.
fn resolved(document: &str, target: &str) -> (String, Option<String>) {
    let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
    let folder = document.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut path: Vec<_> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        match part {
            ".." => drop(path.pop()),
            "" | "." => {}
            part => path.push(part),
        }
    }
    let path = if file.is_empty() { document.to_owned() } else { path.join("/") };
    (path, Some(anchor.to_owned()).filter(|anchor| !anchor.is_empty()))
}

/// Links of a document that lead nowhere.
fn broken(document: &str, text: &str) -> Vec<String> {
    let prose = prose(text);
    let defined = definitions(text);
    let undefined = references(&prose).filter(|name| !defined.contains_key(name));
    let undefined = undefined.map(|name| format!("`[{name}]` is not defined"));
    let used: BTreeSet<_> = references(&prose).collect();
    let idle = defined.keys().filter(|name| !used.contains(*name));
    let idle = idle.map(|name| format!("`[{name}]` is not used"));
    let targets = defined.values().copied().chain(in_place(&prose));
    let relative = targets.filter(|target| !target.starts_with("http"));
    let dead = relative.filter_map(|target| {
        let (path, anchor) = resolved(document, target);
        let leads = exists(&path) && anchor.is_none_or(|anchor| has_anchor(&read(&path), &anchor));
        (!leads).then(|| format!("`{target}` leads nowhere"))
    });
    undefined.chain(idle).chain(dead).collect()
}

/// The chapters of the book, without its table of contents.
fn chapters() -> impl Iterator<Item = String> {
    pages("docs").into_iter().filter(|page| page != "README.md")
}

#[test]
fn links_lead_somewhere() {
    for document in documents() {
        assert_none(&document, broken(&document, &read(&document)));
    }
}

/// On docs.rs there are no files next to a chapter. So links between chapters are names, and `links.md` defines these
/// names again for docs.rs.
#[test]
fn links_between_chapters_lead_somewhere_on_the_page_of_the_crate() {
    let there = read("idempotent-runtime/docs/links.md");
    let there = definitions(&there);
    for chapter in chapters() {
        let text = read(format!("docs/{chapter}"));
        let prose = prose(&text);
        let relative = in_place(&prose).filter(|target| !target.starts_with("http"));
        let relative = relative.map(|target| format!("`{target}` is a file: link by a name"));
        let defined = definitions(&text);
        let lacking = defined.iter().filter(|(name, target)| {
            let module = name.replace('-', "_");
            let (module, anchor) = module.split_once('#').unwrap_or((&module, ""));
            let anchor = anchor.replace('_', "-");
            let anchor = if anchor.is_empty() { anchor } else { format!("#{anchor}") };
            let led = format!("crate::book::{module}{anchor}");
            !target.starts_with("http") && there.get(*name) != Some(&led.as_str())
        });
        let lacking = lacking.map(|(name, _)| format!("links.md lacks `[{name}]`"));
        assert_none(&chapter, relative.chain(lacking));
    }
}

#[test]
fn each_chapter_is_listed_and_published() {
    let (contents, module) = (read("docs/README.md"), read("idempotent-runtime/src/book.rs"));
    let listed = definitions(&contents);
    for chapter in chapters() {
        let name = chapter.trim_end_matches(".md");
        assert_eq!(listed.get(name), Some(&chapter.as_str()), "docs/README.md lists it");
        let published = format!("{}: \"{chapter}\";", name.replace('-', "_"));
        assert!(module.contains(&published), "book.rs has `{published}`");
        let copy = read(format!("idempotent-runtime/docs/book/{chapter}"));
        assert_eq!(copy, read(format!("docs/{chapter}")), "a link to the chapter");
    }
}

/// The languages of blocks of code. Rust is compiled, with the page of the crate.
const LANGUAGES: [&str; 11] = [
    "rust",
    "rust,no_run",
    "sh",
    "console",
    "toml",
    "json",
    "sql",
    "mermaid",
    "python",
    "ts",
    "text",
];

/// Blocks of code that rustdoc or a reader would take for another language: a block without one counts as Rust.
fn unnamed_code(text: &str) -> Vec<String> {
    let opened = text.split("```").skip(1).step_by(2);
    let language = |block: &str| block.lines().next().unwrap_or_default().to_owned();
    let unknown = opened.map(language).filter(|name| !LANGUAGES.contains(&name.as_str()));
    let indented = text.split("```").step_by(2).flat_map(|prose| prose.split("\n\n    ").skip(1));
    let unknown = unknown.map(|name| format!("a block of `{name}`"));
    unknown.chain(indented.map(|code| format!("code by spaces: {code:.20}"))).collect()
}

#[test]
fn no_code_of_a_chapter_is_left_out_of_the_build() {
    for chapter in chapters() {
        assert_none(&chapter, unnamed_code(&read(format!("docs/{chapter}"))));
    }
}

/// The log lines in the chapter on operation exist in the code.
#[test]
fn log_lines_in_the_chapter_on_operation_are_logged() {
    let chapter = read("docs/operating.md");
    let table = chapter.split("## What the log says").nth(1).expect("the table");
    let sources = crate::sources::sources("idempotent-runtime/src");
    let rows = table.lines().filter(|line| line.starts_with("| `"));
    let lines: Vec<_> = rows.filter_map(|row| row.split('`').nth(1)).collect();
    assert!(lines.len() > 10, "{lines:?}");
    let logged = |line: &&str| sources.values().any(|text| text.contains(*line));
    assert_none("docs/operating.md", lines.into_iter().filter(|line| !logged(line)));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_that_leads_nowhere_is_told() {
        let text = "[a](stores.md) [b](gone.md) [c][rows] [d][gone] `[e](code.md)`\n\n\
                    ```\n[f](code.md)\n```\n\n[rows]: rows.md#versions\n[idle]: rows.md#gone\n";
        assert_eq!(
            broken("docs/made-up.md", text),
            [
                "`[gone]` is not defined",
                "`[idle]` is not used",
                "`rows.md#gone` leads nowhere",
                "`gone.md` leads nowhere",
            ]
        );
    }

    #[test]
    fn code_without_a_language_is_told() {
        let text = "```rust\nfn a() {\n\n    b();\n}\n```\n\n    c();\n\n```\nd();\n```\n";
        assert_eq!(unnamed_code(text), ["a block of ``", "code by spaces: c();\n\n"]);
    }

    #[test]
    fn a_heading_is_reached_by_its_words() {
        assert_eq!(
            anchor(" Names, and what a deployment changes"),
            "names-and-what-a-deployment-changes"
        );
        assert_eq!(anchor("### `http/`".trim_start_matches('#')), "http");
    }
}

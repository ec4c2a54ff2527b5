//! Files of this repository, as text.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The source files below a folder, by their paths in it.
pub(crate) type Sources = BTreeMap<String, String>;

/// The crates that a service is built from.
pub(crate) const CRATES: [&str; 2] = ["idempotent-runtime/src", "idempotent-macros/src"];

/// The command line. It is not a part of a service, and may read the environment.
pub(crate) const COMMANDS: &str = "idempotent-cli/src";

/// All crates that are published.
pub(crate) fn published() -> impl Iterator<Item = &'static str> {
    CRATES.into_iter().chain([COMMANDS])
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether there is such a file or folder.
pub(crate) fn exists(path: &str) -> bool {
    home().join(path).exists()
}

pub(crate) fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(home().join(path)).expect("a file of ours")
}

pub(crate) fn sources(folder: &str) -> Sources {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder of ours").flatten() {
            match entry.path() {
                path if path.is_dir() => walk(&path, found),
                path if path.extension().is_some_and(|kind| kind == "rs") => found.push(path),
                _ => {}
            }
        }
    }
    let root = home().join(folder);
    let mut found = Vec::new();
    walk(&root, &mut found);
    assert!(found.len() > 5, "{folder} has moved");
    let named = found.into_iter().map(|path| {
        let name = path.strip_prefix(&root).expect("it is inside").display().to_string();
        (name, fs::read_to_string(&path).expect("a file of ours"))
    });
    named.collect()
}

/// The pages of Markdown in a folder, by their names.
pub(crate) fn pages(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(home().join(folder)).expect("a folder of ours").flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut pages: Vec<_> = names.filter(|name| name.strip_suffix(".md").is_some()).collect();
    pages.sort_unstable();
    pages
}

/// The sources without unit tests.
pub(crate) fn without_tests(folder: &str) -> Sources {
    let shipped = sources(folder).into_iter().filter(|(name, _)| !name.ends_with("tests.rs"));
    let cut =
        |text: String| text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
    shipped.map(|(name, text)| (name, cut(text))).collect()
}

/// A made-up crate, to show that a rule can be broken.
pub(crate) fn made_up(files: &[(&str, &str)]) -> Sources {
    files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

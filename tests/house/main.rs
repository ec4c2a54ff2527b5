//! The house rules: imports between files, the places of types, the length of files, and the names and links in
//! documents.
//!
//! Every rule is a function of files, with tests on made-up files that break it.

mod circles;
mod documents;
mod files;
mod imports;
mod links;
mod map;
mod modules;
mod reader;
mod rooms;
mod sealed;
mod sources;
mod types;

/// Fails with everything that breaks a rule, one on each line.
fn assert_none(folder: &str, broken: impl IntoIterator<Item = impl AsRef<str>>) {
    let broken: Vec<_> = broken.into_iter().map(|one| format!("\n{}", one.as_ref())).collect();
    assert!(broken.is_empty(), "{folder}:{}", broken.concat());
}

//! The house: which file may import which, how many places a type may have, how long a file may be, and
//! what documents show and where their links lead.
//!
//! Every rule is a function of files, with tests on made-up ones that break it.

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

/// Fails with everything that breaks a rule, a line each.
fn assert_none(folder: &str, broken: impl IntoIterator<Item = impl AsRef<str>>) {
    let broken: Vec<_> = broken.into_iter().map(|one| format!("\n{}", one.as_ref())).collect();
    assert!(broken.is_empty(), "{folder}:{}", broken.concat());
}

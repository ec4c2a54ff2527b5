//! The name of the runtime in a crate that renames it in its `Cargo.toml`.
//!
//! Of a manifest, which cargo has read before, only lines that look like a rename are read. If there is
//! none, or it is written in a way that is not known here, the runtime has its own name.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use std::path::{Path, PathBuf};
use std::{env, fs};
use syn::Ident;

const PACKAGE: &str = "idempotent-runtime";

/// The path of the runtime in the crate that is compiled.
pub(crate) fn runtime() -> TokenStream {
    let directory = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let renamed = directory.and_then(|directory| renamed(&directory));
    let name = renamed.unwrap_or_else(|| PACKAGE.to_owned()).replace('-', "_");
    let name = syn::parse_str(&name)
        .unwrap_or_else(|_| Ident::new("idempotent_runtime", Span::call_site()));
    quote!(::#name)
}

/// The name that the package in this directory gives to the runtime, if it is not its own.
fn renamed(directory: &Path) -> Option<String> {
    let manifest = fs::read_to_string(directory.join("Cargo.toml")).ok()?;
    name_in(&manifest, || {
        let above = directory.ancestors().map(|directory| directory.join("Cargo.toml"));
        let mut manifests = above.filter_map(|path| fs::read_to_string(path).ok());
        manifests.find(|manifest| manifest.lines().any(|line| line.starts_with("[workspace")))
    })
}

/// The name that a manifest gives to the runtime. The workspace's manifest is read only if needed.
fn name_in(manifest: &str, workspace: impl FnOnce() -> Option<String>) -> Option<String> {
    let mut own = Vec::new();
    for entry in entries(manifest).into_iter().filter(|entry| entry.place == Place::Package) {
        if entry.renames() {
            return Some(entry.name);
        }
        if entry.name == PACKAGE {
            return None;
        }
        own.extend(entry.written.contains("workspace=true").then_some(entry.name));
    }
    if own.is_empty() {
        return None;
    }
    let shared = entries(&workspace()?).into_iter().filter(|entry| entry.place == Place::Workspace);
    let mut renames = shared.filter(Entry::renames).map(|entry| entry.name);
    renames.find(|name| own.contains(name))
}

/// A line of a manifest that is about one dependency.
struct Entry {
    place: Place,
    name: String,
    /// The text about it, without any space.
    written: String,
}

/// The dependencies of a package, or those that a workspace shares.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Package,
    Workspace,
}

impl Entry {
    fn renames(&self) -> bool {
        ['"', '\''].iter().any(|quote| {
            let package = format!("package={quote}{PACKAGE}{quote}");
            self.written.contains(&package)
        })
    }
}

/// Every line about a dependency: of any target, and of tests and builds, too.
fn entries(manifest: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut header = "";
    for line in manifest.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if let Some((inside, _)) = line.strip_prefix('[').and_then(|rest| rest.rsplit_once(']')) {
            header = inside.trim();
            continue;
        }
        let is_of_workspace = header.starts_with("workspace.");
        let place = if is_of_workspace { Place::Workspace } else { Place::Package };
        let written: String = line.chars().filter(|letter| !letter.is_whitespace()).collect();
        // `name = …`, `name.package = …`, or `package = …` below `[dependencies.name]`.
        let named = if header.ends_with("dependencies") {
            written.split_once(['=', '.']).map(|(name, rest)| (name, rest.to_owned()))
        } else {
            let (table, name) = header.rsplit_once('.').unwrap_or_default();
            table.ends_with("dependencies").then(|| (name, written.clone()))
        };
        entries.extend(named.map(|(name, written)| {
            let name = name.trim_matches(['"', '\'']).to_owned();
            Entry { place, name, written }
        }));
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::name_in;

    /// The name by this manifest, and by that of a workspace.
    fn name(manifest: &str, workspace: Option<&str>) -> Option<String> {
        name_in(manifest, || workspace.map(str::to_owned))
    }

    #[test]
    fn a_rename_is_found_wherever_it_is_written() {
        for manifest in [
            "[dependencies]\nserde = \"1\"\nguard = { version = \"1\", package = \"idempotent-runtime\" }",
            "[dependencies]\n\"guard\" = {package='idempotent-runtime'}",
            "[dependencies]\nguard.version = \"1\"\nguard.package = \"idempotent-runtime\"",
            "[dependencies.guard]\nfeatures = [\n  \"sqlite\",\n]\npackage = \"idempotent-runtime\"",
            "[dev-dependencies]\nguard = { package = \"idempotent-runtime\" } # as a test",
            "[target.'cfg(unix)'.dependencies]\nguard = { package = \"idempotent-runtime\" }",
        ] {
            assert_eq!(name(manifest, None).as_deref(), Some("guard"), "{manifest}");
        }
    }

    #[test]
    fn a_workspace_may_rename_it() {
        let workspace = "[workspace]\n[workspace.dependencies]\nother = \"1\"\n\
             guard = { package = \"idempotent-runtime\", version = \"1\" }";
        for manifest in [
            "[dependencies]\nother.workspace = true\nguard.workspace = true",
            "[dependencies]\nguard = { workspace = true, features = [\"sqlite\"] }",
            "[dependencies.guard]\nworkspace = true",
        ] {
            assert_eq!(name(manifest, Some(workspace)).as_deref(), Some("guard"), "{manifest}");
            assert_eq!(name(manifest, None), None, "{manifest}");
            // The package may be the root of its workspace.
            let both = format!("{workspace}\n{manifest}");
            assert_eq!(name(&both, Some(&both)).as_deref(), Some("guard"), "{both}");
        }
    }

    #[test]
    fn without_a_rename_it_has_its_own_name() {
        let workspace = "[workspace.dependencies]\nguard = { package = \"idempotent-runtime\" }";
        for manifest in [
            "",
            "[dependencies]\nidempotent-runtime = \"1\"",
            "[dependencies]\nidempotent-runtime.workspace = true",
            "[dependencies]\nother = { package = \"another\" }\nidempotent-runtime = \"1\"",
            "[dependencies]\n# guard = { package = \"idempotent-runtime\" }",
            "[package.metadata]\nguard = { package = \"idempotent-runtime\" }",
            "[dependencies]\nother.workspace = true",
        ] {
            assert_eq!(name(manifest, Some(workspace)), None, "{manifest}");
        }
        assert_eq!(name(workspace, Some(workspace)), None);
    }
}

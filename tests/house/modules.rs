//! A crate, as its files define it: its modules, and the names in each.

use crate::reader;
use crate::sources::Sources;
use std::collections::{BTreeMap, BTreeSet};

/// The parts of a path, as in `crate::store::Store`.
pub(crate) type Path = Vec<String>;

/// A file, or a `mod name { … }` in a file. Unit tests are left out.
#[derive(Default)]
pub(crate) struct Module {
    pub(crate) file: String,
    /// Items, by name.
    pub(crate) defined: BTreeSet<String>,
    /// The types and traits among the items.
    pub(crate) types: Vec<String>,
    /// Names that a `use` brings, each with its path.
    pub(crate) imported: BTreeMap<String, Path>,
    /// Whether a macro makes items here, whose names are not written in the file.
    pub(crate) has_made: bool,
    /// Paths before `::*`.
    pub(crate) globs: Vec<Path>,
    /// Every path that the code names. A `pub use` is not counted: it only re-exports a name.
    pub(crate) named: Vec<Path>,
    /// The types that an `impl` without a trait is for.
    pub(crate) implemented: Vec<Path>,
}

/// A place that a path leads to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    Module(Path),
    Item {
        file: String,
        name: String,
    },
    /// Another crate.
    Outside,
}

/// The most `use` declarations that a path may go through.
const LONGEST_WAY: usize = 32;

pub(crate) struct Crate {
    pub(crate) modules: BTreeMap<Path, Module>,
    /// Macros that `#[macro_export]` puts into the crate's root, and the file of each.
    pub(crate) exported: BTreeMap<String, String>,
}

impl Crate {
    pub(crate) fn read(sources: &Sources) -> Self {
        reader::read(sources)
    }

    /// Follows a path from a module to the item that it names; `None` if it names nothing here.
    pub(crate) fn follow(&self, from: &[String], path: &[String]) -> Option<Place> {
        self.followed(from, path, Wanted::Anything, LONGEST_WAY)
    }

    fn followed(
        &self,
        from: &[String],
        path: &[String],
        last: Wanted,
        left: usize,
    ) -> Option<Place> {
        let left = left.checked_sub(1)?;
        let mut here = Place::Module(from.to_vec());
        for (place, part) in path.iter().enumerate() {
            let Place::Module(module) = &here else { return Some(here) };
            let wanted = if place + 1 < path.len() { Wanted::Module } else { last };
            here = match part.as_str() {
                "crate" => Place::Module(Path::new()),
                "self" => continue,
                "super" => Place::Module(module.split_last()?.1.to_vec()),
                name => self.named(module, name, wanted, left)?,
            };
        }
        Some(here)
    }

    /// The meaning of a name in a module. A module and a function may have the same name: before `::` it means the
    /// module, at a path's end the function.
    fn named(&self, module: &Path, name: &str, wanted: Wanted, left: usize) -> Option<Place> {
        let inner: Path = module.iter().cloned().chain([name.to_owned()]).collect();
        let inner = self.modules.contains_key(&inner).then_some(Place::Module(inner));
        if inner.is_some() && wanted == Wanted::Module {
            return inner;
        }
        let found = self.modules.get(module)?;
        let here = || Place::Item { file: found.file.clone(), name: name.to_owned() };
        if found.defined.contains(name) {
            return Some(here());
        }
        if let Some(file) = self.exported.get(name).filter(|_| module.is_empty()) {
            return Some(Place::Item { file: file.clone(), name: name.to_owned() });
        }
        if let Some(path) = found.imported.get(name) {
            return self.followed(module, path, wanted, left).or(inner).or(Some(Place::Outside));
        }
        let from_globs =
            || found.globs.iter().find_map(|glob| self.of_glob(module, glob, name, left));
        inner.or_else(from_globs).or_else(|| found.has_made.then(here))
    }

    fn of_glob(&self, module: &Path, glob: &Path, name: &str, left: usize) -> Option<Place> {
        match self.followed(module, glob, Wanted::Module, left)? {
            Place::Module(other) if other != *module => {
                self.named(&other, name, Wanted::Anything, left)
            }
            _ => None,
        }
    }
}

/// The kind of item that a part of a path must be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Module,
    Anything,
}

//! The imports between files of a crate, as arrows with the imported names.
//!
//! An arrow ends at the file that defines the name, even if the name comes through another file:
//! `crate::store::MemoryStore` leads to `store/memory.rs`, and not to `store/mod.rs`, which re-exports it.

use crate::assert_none;
use crate::modules::{Crate, Place};
use crate::sources::{CRATES, Sources, sources};
use std::collections::{BTreeMap, BTreeSet};

/// Arrows from file to file, with the names that the first imports from the second.
#[derive(Default)]
pub(crate) struct Arrows(BTreeMap<(String, String), BTreeSet<String>>);

impl Arrows {
    pub(crate) fn of(sources: &Sources) -> Self {
        let house = Crate::read(sources);
        let mut arrows = Self::default();
        for (at, module) in &house.modules {
            let found = module.named.iter().filter_map(|path| house.follow(at, path));
            for place in found {
                if let Place::Item { file, name } = place
                    && file != module.file
                {
                    arrows.0.entry((module.file.clone(), file)).or_default().insert(name);
                }
            }
        }
        arrows
    }

    /// Every arrow: from, to, the names.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str, &BTreeSet<String>)> {
        self.0.iter().map(|((from, to), names)| (from.as_str(), to.as_str(), names))
    }

    pub(crate) fn from<'a>(&'a self, file: &'a str) -> impl Iterator<Item = &'a str> {
        self.all().filter(move |(from, ..)| *from == file).map(|(_, to, _)| to)
    }

    /// One arrow in words.
    pub(crate) fn told(&self, from: &str, to: &str) -> String {
        let names = self.0.get(&(from.to_owned(), to.to_owned()));
        let names: Vec<_> = names.into_iter().flatten().map(String::as_str).collect();
        format!("{from} -> {to}: {}", names.join(", "))
    }
}

/// Paths into the crate that lead nowhere. Their meaning is not known, so no rule could check them.
fn lost(sources: &Sources) -> BTreeSet<String> {
    let house = Crate::read(sources);
    let mut lost = BTreeSet::new();
    for (at, module) in &house.modules {
        let ours = |part: &str| matches!(part, "crate" | "self" | "super");
        let paths = module.named.iter().chain(module.imported.values()).chain(&module.globs);
        let paths = paths.filter(|path| path.len() > 1 && ours(&path[0]));
        let paths = paths.filter(|path| house.follow(at, path).is_none());
        lost.extend(paths.map(|path| format!("{}: {}", module.file, path.join("::"))));
    }
    lost
}

#[test]
fn every_path_is_followed() {
    for folder in CRATES {
        assert_none(folder, lost(&sources(folder)));
    }
}

/// Arrows from one backend of the store to another, or to the engine.
fn between_backends(arrows: &Arrows) -> Vec<String> {
    let backends = ["store/memory", "store/redis", "store/sql", "store/zookeeper"];
    let of = |file: &str| backends.iter().position(|backend| file.starts_with(backend));
    let strange = arrows.all().filter(|(from, to, _)| match (of(from), of(to)) {
        (Some(from), Some(to)) => from != to,
        (Some(_), None) => to.starts_with("engine"),
        _ => false,
    });
    strange.map(|(from, to, _)| arrows.told(from, to)).collect()
}

#[test]
fn backends_import_neither_each_other_nor_the_engine() {
    assert_none(CRATES[0], between_backends(&Arrows::of(&sources(CRATES[0]))));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::made_up;

    /// The arrows of a made-up crate, in words.
    fn told(files: &[(&str, &str)]) -> Vec<String> {
        let arrows = Arrows::of(&made_up(files));
        arrows.all().map(|(from, to, _)| arrows.told(from, to)).collect()
    }

    #[test]
    fn an_arrow_ends_where_the_name_is_defined() {
        let handed_on = ("store/mod.rs", "mod memory; pub use memory::MemoryStore as Memory;");
        let defined = ("store/memory.rs", "pub struct MemoryStore;");
        for user in [
            "use crate::store::Memory;",
            "use crate::store::{self, Memory as M};",
            "use crate::{store::{Memory}};",
            "use super::store::Memory;",
            "fn f() { let _ = crate::store::Memory::new(); }",
            "fn f(_: &dyn Fn(crate::store::Memory)) {}",
            "use crate::store; fn f() -> store::Memory { todo!() }",
            "use crate::store::*; impl Memory { }",
            "fn f() { println!(\"{:?}\", crate::store::Memory::new()); }",
            "fn f() { use crate::store::Memory; }",
            "mod inner { use super::super::store::Memory; }",
            "macro_rules! m { () => { $crate::store::Memory } }",
        ] {
            let found = told(&[
                ("lib.rs", "mod engine; mod store;"),
                handed_on,
                defined,
                ("engine.rs", user),
            ]);
            assert_eq!(found, ["engine.rs -> store/memory.rs: MemoryStore"], "{user}");
        }
    }

    #[test]
    fn what_only_hands_names_on_has_no_arrow() {
        let files = [
            ("a/mod.rs", "//! Text.\nmod b; mod c; pub use b::B; pub(crate) use self::c::{C, c};"),
            ("a/b.rs", "pub struct B;"),
            ("a/c.rs", "pub(crate) struct C; pub(crate) fn c() {}"),
        ];
        assert_eq!(told(&files), [""; 0]);
    }

    #[test]
    fn what_hands_a_name_on_and_uses_it_has_an_arrow() {
        let user = ("a/mod.rs", "mod b; pub use b::B; pub fn make() -> B { B }");
        assert_eq!(told(&[user, ("a/b.rs", "pub struct B;")]), ["a/mod.rs -> a/b.rs: B"]);
    }

    #[test]
    fn tests_comments_and_text_have_no_arrows() {
        let user = "
            //! `crate::b::B`
            /// See [`crate::b::B`].
            #[doc = \"crate::b::B\"]
            pub(in crate::b) fn f() { /* crate::b::B */ let _ = \"crate::b::B\"; }
            #[cfg(test)] use crate::b::B;
            #[cfg(all(test, shuttle))] mod interleavings { use crate::b::B; }
            impl super::A { #[cfg(test)] fn g() -> crate::b::B { crate::b::B } }
            #[cfg(test)] mod tests;";
        let tests = ("a/tests.rs", "use crate::b::B; mod deeper { use crate::b::B; }");
        let found = told(&[("a/mod.rs", user), tests, ("b.rs", "pub struct B;")]);
        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn a_module_and_a_function_of_one_name_are_told_apart() {
        let files = [
            ("a/mod.rs", "mod b; mod c; pub use b::b;"),
            ("a/b.rs", "pub fn b() {} pub struct B;"),
            ("a/c.rs", "use super::b; fn c(_: b::B) { b() }"),
        ];
        assert_eq!(told(&files), ["a/c.rs -> a/b.rs: B, b"]);
    }

    #[test]
    fn what_macros_make_stands_in_the_file_that_calls_them() {
        let files = [("a.rs", "counts! { ran, failed }"), ("b.rs", "use crate::a::Counts;")];
        assert_eq!(told(&files), ["b.rs -> a.rs: Counts"]);
    }

    #[test]
    fn other_crates_are_outside() {
        let files = [
            ("sync.rs", "pub use std::sync::Mutex; pub use tokio::{sync as tokio_sync};"),
            ("a.rs", "use crate::sync::{Mutex, tokio_sync}; use std::fmt; use ::syn::File;"),
        ];
        assert_eq!(told(&files), [""; 0]);
        assert_eq!(lost(&made_up(&files)), BTreeSet::new());
    }

    #[test]
    fn a_path_that_leads_nowhere_is_lost() {
        let files = [("a.rs", "use crate::b::Gone;"), ("b.rs", "pub struct B;")];
        assert_eq!(lost(&made_up(&files)), ["a.rs: crate::b::Gone".to_owned()].into());
    }

    #[test]
    fn a_backend_that_imports_another_or_the_engine_is_told() {
        let files = [
            ("store/mod.rs", "mod memory; mod redis; pub use redis::R;"),
            ("store/memory.rs", "use super::redis::inner::I; use crate::engine::E;"),
            ("store/redis/mod.rs", "mod inner; use inner::I; pub struct R(I);"),
            ("store/redis/inner.rs", "pub struct I;"),
            ("store/open.rs", "use super::R;"),
            ("engine.rs", "use crate::store::R; pub struct E;"),
        ];
        let told =
            ["store/memory.rs -> engine.rs: E", "store/memory.rs -> store/redis/inner.rs: I"];
        assert_eq!(between_backends(&Arrows::of(&made_up(&files))), told);
    }
}

//! A type has a name of its own, and its methods are in one place.

use crate::assert_none;
use crate::modules::{Crate, Place};
use crate::sources::{Sources, published, sources};
use std::collections::{BTreeMap, BTreeSet};

/// The most files in which the methods of a type may be.
const FILES: usize = 2;

/// Names that more than one type or trait of a crate has.
fn named_alike(sources: &Sources) -> Vec<String> {
    let mut named: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for module in Crate::read(sources).modules.into_values() {
        for name in module.types {
            named.entry(name).or_default().push(module.file.clone());
        }
    }
    let twice = named.into_iter().filter(|(_, files)| files.len() > 1);
    twice.map(|(name, files)| format!("{name}: {}", files.join(", "))).collect()
}

/// Types whose own methods (not those of traits) are in too many files.
fn scattered(sources: &Sources) -> Vec<String> {
    let house = Crate::read(sources);
    let mut found: BTreeMap<(String, String), BTreeSet<&str>> = BTreeMap::new();
    for (at, module) in &house.modules {
        for implemented in &module.implemented {
            let place = house.follow(at, implemented);
            let Some(Place::Item { file, name }) = place else {
                panic!("{}: where is {}?", module.file, implemented.join("::"))
            };
            found.entry((name, file)).or_default().insert(&module.file);
        }
    }
    let scattered = found.into_iter().filter(|(_, files)| files.len() > FILES);
    let told = scattered.map(|((name, _), files)| {
        format!("{name}: {}", files.into_iter().collect::<Vec<_>>().join(", "))
    });
    told.collect()
}

#[test]
fn no_two_types_of_a_crate_have_one_name() {
    for folder in published() {
        assert_none(folder, named_alike(&sources(folder)));
    }
}

#[test]
fn the_methods_of_a_type_stand_together() {
    for folder in published() {
        assert_none(folder, scattered(&sources(folder)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::made_up;

    #[test]
    fn two_types_of_one_name_are_told() {
        let files = made_up(&[
            ("a.rs", "struct Run; trait Step { type Error; }"),
            ("b.rs", "mod inner { enum Run {} } impl Step for X { type Error = (); }"),
            ("c.rs", "fn run() { struct Local; } #[cfg(test)] mod tests { struct Run; }"),
            ("d.rs", "trait Step {} type Local = u8;"),
        ]);
        let found = ["Local: c.rs, d.rs", "Run: a.rs, b.rs", "Step: a.rs, d.rs"];
        assert_eq!(named_alike(&files), found);
    }

    #[test]
    fn a_type_in_three_files_is_told() {
        let trait_only = ("e.rs", "impl Display for crate::a::Call {}");
        let tested = ("f.rs", "#[cfg(test)] mod tests { impl crate::a::Call {} }");
        let mut files = vec![
            ("a.rs", "pub struct Call<T>(T); impl<T> Call<T> {} impl Call<u8> {} struct Other;"),
            ("b.rs", "use super::a::Call as Asked; impl<T: Copy> Asked<T> {}"),
            ("c.rs", "struct Call; impl Call {}"),
            trait_only,
            tested,
        ];
        assert_eq!(scattered(&made_up(&files)), [""; 0]);
        files.push(("d.rs", "impl crate::a::Call<()> {}"));
        assert_eq!(scattered(&made_up(&files)), ["Call: a.rs, b.rs, d.rs"]);
    }
}

//! No circles of files: no file imports a file from which imports lead back to it.

use crate::assert_none;
use crate::imports::Arrows;
use crate::sources::{published, sources};
use std::collections::BTreeSet;

/// Every circle in words, file by file, with the imported names.
fn circles(arrows: &Arrows) -> Vec<String> {
    let reached: Vec<(&str, BTreeSet<&str>)> =
        files(arrows).into_iter().map(|file| (file, reach(arrows, file))).collect();
    let mut seen = BTreeSet::new();
    let mut told = Vec::new();
    for (file, reaches) in &reached {
        if !reaches.contains(file) || seen.contains(file) {
            continue;
        }
        let back =
            |other: &&(&str, BTreeSet<&str>)| other.1.contains(file) && reaches.contains(other.0);
        let circle: BTreeSet<_> = reached.iter().filter(back).map(|(file, _)| *file).collect();
        told.push(in_words(arrows, &circle));
        seen.extend(circle);
    }
    told
}

fn files(arrows: &Arrows) -> BTreeSet<&str> {
    arrows.all().flat_map(|(from, to, _)| [from, to]).collect()
}

/// The files that a file leads to; itself only if a way leads back.
fn reach<'a>(arrows: &'a Arrows, file: &'a str) -> BTreeSet<&'a str> {
    let mut reached = BTreeSet::new();
    let mut next = vec![file];
    while let Some(file) = next.pop() {
        next.extend(arrows.from(file).filter(|to| reached.insert(*to)));
    }
    reached
}

fn in_words(arrows: &Arrows, circle: &BTreeSet<&str>) -> String {
    let inside = arrows.all().filter(|(from, to, _)| circle.contains(from) && circle.contains(to));
    let inside: Vec<_> = inside.map(|(from, to, _)| arrows.told(from, to)).collect();
    format!("a circle of {} files:\n  {}", circle.len(), inside.join("\n  "))
}

#[test]
fn no_files_import_each_other_in_a_circle() {
    for folder in published() {
        assert_none(folder, circles(&Arrows::of(&sources(folder))));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::made_up;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        circles(&Arrows::of(&made_up(files)))
    }

    #[test]
    fn two_files_that_import_each_other_are_one() {
        let (a, b) =
            ("use crate::b::{B, b}; pub struct A;", "use crate::a::A; pub struct B; pub fn b() {}");
        let circle = "a circle of 2 files:\n  a.rs -> b.rs: B, b\n  b.rs -> a.rs: A";
        assert_eq!(found(&[("a.rs", a), ("b.rs", b), ("c.rs", "use crate::a::A;")]), [circle]);
    }

    #[test]
    fn three_files_are_one_though_a_fourth_hands_a_name_on() {
        let files = [
            ("room/mod.rs", "mod a; mod b; pub use a::A; pub use b::B;"),
            ("room/a.rs", "use crate::c::C; pub struct A;"),
            ("room/b.rs", "use crate::room::A; pub struct B;"),
            ("c.rs", "use crate::room::B; pub struct C;"),
        ];
        let circle = "a circle of 3 files:\n  c.rs -> room/b.rs: B\n  room/a.rs -> c.rs: C\n  \
                      room/b.rs -> room/a.rs: A";
        assert_eq!(found(&files), [circle]);
    }

    #[test]
    fn a_mod_file_that_defines_what_its_children_import_is_in_one() {
        let files = [
            ("room/mod.rs", "mod a; use a::A; pub struct Room(A);"),
            ("room/a.rs", "use super::Room; pub struct A; impl A { fn a(_: Room) {} }"),
        ];
        assert_eq!(found(&files).len(), 1);
    }

    #[test]
    fn two_circles_are_two() {
        let files = [
            ("a.rs", "use crate::b::B; pub struct A;"),
            ("b.rs", "use crate::a::A; use crate::c::C; pub struct B;"),
            ("c.rs", "use crate::d::D; pub struct C;"),
            ("d.rs", "use crate::c::C; pub struct D;"),
        ];
        assert_eq!(found(&files).len(), 2);
    }

    #[test]
    fn imports_that_lead_down_are_none() {
        let files = [
            ("room/mod.rs", "mod a; mod b; pub use a::A;"),
            ("room/a.rs", "use super::b::B; pub struct A; struct Of(A);"),
            ("room/b.rs", "pub struct B; #[cfg(test)] mod tests { use super::super::a::A; }"),
        ];
        assert_eq!(found(&files), [""; 0]);
    }
}

//! The lists of rooms in ARCHITECTURE.md name every room, and no room that does not exist.

use crate::assert_none;
use crate::sources::{COMMANDS, CRATES, Sources, read, sources};
use std::collections::BTreeSet;

/// The lines of the list after a text: a column of rooms, and a column with their contents.
fn list<'a>(map: &'a str, before: &str) -> Vec<(&'a str, String)> {
    let list = map.split(before).nth(1).expect("a list of rooms");
    let list = list.split("```").next().unwrap_or_default().split("\n\n").next();
    let mut lines: Vec<(&str, String)> = Vec::new();
    for line in list.unwrap_or_default().lines() {
        if let (true, Some((_, inside))) = (line.starts_with("   "), lines.last_mut()) {
            *inside += line;
            continue;
        }
        let (rooms, inside) = line.trim().split_once("  ").unwrap_or((line, ""));
        lines.push((rooms, inside.to_owned()));
    }
    lines
}

/// The names in a column, without remarks in brackets.
fn names(column: &str) -> BTreeSet<String> {
    let bare = column.split('(').map(|part| part.split_once(')').map_or(part, |(_, rest)| rest));
    let bare = bare.collect::<String>();
    let name = |name: &str| name.trim().trim_end_matches('/').trim_end_matches(".rs").to_owned();
    bare.split('·').map(name).filter(|name| !["", "mod"].contains(&name.as_str())).collect()
}

/// The rooms of a folder.
fn rooms(sources: &Sources, folder: &str) -> BTreeSet<String> {
    let inside = sources.keys().filter_map(|file| file.strip_prefix(folder));
    let room = |file: &str| file.split('/').next().map(|room| room.trim_end_matches(".rs").into());
    inside.filter_map(room).filter(|room| room != "mod" && room != "tests").collect()
}

/// Every room that a list lacks, and every name in it without a room.
fn broken(listed: &BTreeSet<String>, sources: &Sources, folder: &str) -> Vec<String> {
    let rooms = rooms(sources, folder);
    let lacking = rooms.difference(listed).map(|room| format!("{folder}{room} is not named"));
    let gone = listed.difference(&rooms).map(|room| format!("{folder}{room} is no more"));
    lacking.chain(gone).collect()
}

#[test]
fn the_map_names_every_room() {
    let map = read("ARCHITECTURE.md");
    let [runtime, macros] = CRATES.map(sources);
    let commands = sources(COMMANDS);
    for (before, sources, folder) in [
        ("idempotent-macros/src/      the attribute\n", &macros, ""),
        ("\nidempotent-runtime/src/\n", &runtime, ""),
        ("\nidempotent-cli/src/         the command line\n", &commands, ""),
        ("### `http/`\n\n```\n", &runtime, "http/"),
        ("### `store/`\n\n```\n", &runtime, "store/"),
        ("### `engine/`\n\n```\n", &runtime, "engine/"),
        ("### `transaction/`\n\n```\n", &runtime, "transaction/"),
    ] {
        let listed = list(&map, before).into_iter().flat_map(|(rooms, _)| names(rooms)).collect();
        assert_none("ARCHITECTURE.md", broken(&listed, sources, folder));
    }
}

#[test]
fn the_map_names_every_file_of_http() {
    let (map, runtime) = (read("ARCHITECTURE.md"), sources(CRATES[0]));
    for (room, files) in list(&map, "### `http/`\n\n```\n") {
        if room.ends_with('/') {
            let folder = format!("http/{room}");
            assert_none("ARCHITECTURE.md", broken(&names(&files), &runtime, &folder));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::made_up;

    #[test]
    fn what_a_list_lacks_and_what_is_gone_is_told() {
        let map = "A map\n```\na/  left (of two · or\n    more) ·\n    mod · gone\nb.rs · c  leaves\n\nmore\n```\n";
        let list = list(map, "A map\n```\n");
        assert_eq!(names(list[1].0), ["b", "c"].map(str::to_owned).into());
        let files = ["a/mod.rs", "a/left.rs", "a/right/mod.rs", "a/tests.rs", "b.rs"];
        let told = broken(&names(&list[0].1), &made_up(&files.map(|file| (file, ""))), "a/");
        assert_eq!(told, ["a/right is not named", "a/gone is no more"]);
    }
}

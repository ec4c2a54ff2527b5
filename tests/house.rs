//! The house: who may import whom, how long a file may be, and what the README shows.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms of the runtime, from the top; each imports itself and those below.
const ROOMS: [&str; 7] = ["http", "message", "setup", "transaction", "strategy", "engine", "store"];

/// What every room may import.
const LEAVES: [&str; 9] =
    ["clock", "draft", "error", "fingerprint", "key", "observe", "outcome", "policy", "sync"];

const LONGEST: usize = 300;

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(home().join(path)).expect("a file of ours")
}

/// Every source file below a folder, by its path in it, without its unit tests.
fn sources(folder: &str) -> Vec<(String, String)> {
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
    let tests = |path: &String| path.ends_with("tests.rs");
    let named = found.into_iter().map(|path| {
        let text = fs::read_to_string(&path).expect("a file of ours");
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned();
        let name = path.strip_prefix(&root).expect("it is inside").display().to_string();
        (name, text)
    });
    named.filter(|(name, _)| !tests(name)).collect()
}

/// The rooms that a text names as `crate::room`.
fn imports(text: &str) -> BTreeSet<&str> {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1))
        .filter_map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next())
        .collect()
}

#[test]
fn imports_point_down_only() {
    for (file, text) in sources("idempotent-runtime/src") {
        let room = file.split(['/', '.']).next().unwrap_or_default();
        let allowed: &[&str] = match ROOMS.iter().position(|name| *name == room) {
            Some(place) => &ROOMS[place..],
            None if LEAVES.contains(&room) => &[],
            None => continue,
        };
        for import in imports(&text) {
            let known = ROOMS.contains(&import) || LEAVES.contains(&import);
            let fits = allowed.contains(&import) || LEAVES.contains(&import);
            // Macros name the crate's own macros and re-exports.
            assert!(fits || !known, "{file} imports `{import}`");
        }
    }
}

#[test]
fn only_the_http_room_knows_actix() {
    for (file, text) in sources("idempotent-runtime/src") {
        let may = file.starts_with("http/") || matches!(file.as_str(), "lib.rs" | "private.rs");
        // What an example in its documentation shows is the reader's code.
        let mut code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        assert!(may || !code.any(|line| line.contains("actix_web")), "{file} names actix_web");
    }
}

#[test]
fn backends_import_neither_each_other_nor_the_engine() {
    let backends = ["memory", "redis", "sql", "zookeeper"];
    for (file, text) in sources("idempotent-runtime/src/store") {
        let Some(own) = backends.iter().find(|name| file.starts_with(*name)) else { continue };
        for other in backends.iter().filter(|name| *name != own) {
            assert!(!text.contains(&format!("crate::store::{other}")), "{file} imports {other}");
        }
        assert!(!imports(&text).contains("engine"), "{file} imports the engine");
    }
}

#[test]
fn decisions_are_pure() {
    let decide = read("idempotent-runtime/src/engine/decide.rs");
    let decide = decide.split("#[cfg(test)]").next().unwrap_or_default();
    for word in ["async", "await", "Clock", "Instant", "dyn Store", "tracing"] {
        assert!(!decide.contains(word), "decide.rs names `{word}`");
    }
}

#[test]
fn the_macros_depend_on_nothing_of_ours() {
    assert!(!read("idempotent-macros/Cargo.toml").contains("idempotent-runtime ="));
    assert!(!read("idempotent-macros/Cargo.toml").contains("idempotent-runtime."));
}

#[test]
fn no_file_is_too_long_to_be_read() {
    for folder in ["idempotent-runtime/src", "idempotent-macros/src", "examples"] {
        for (file, text) in sources(folder) {
            let lines = text.lines().count();
            // A list of tests is as long as it has to be.
            let list = file == "store/conformance.rs";
            assert!(lines <= LONGEST || list, "{file} has {lines} lines: split it");
        }
    }
}

#[test]
fn the_readme_shows_the_quickstart_as_it_is() {
    let (readme, quickstart) = (read("README.md"), read("examples/quickstart.rs"));
    let squeezed = |text: &str| text.split_whitespace().collect::<String>();
    let blocks: Vec<_> = readme.split("```rust\n").skip(1).collect();
    assert!(blocks.len() >= 2, "the README shows code");
    for block in blocks {
        for line in block.split("```").next().unwrap_or_default().lines() {
            assert!(
                squeezed(&quickstart).contains(&squeezed(line)),
                "not in quickstart.rs: {line}"
            );
        }
    }
    assert!(quickstart.lines().count() < 60);
}

#[test]
fn the_readme_names_both_commands_and_every_strategy() {
    let readme = read("README.md");
    for word in ["cargo run --example orders", "sh tests/run.sh"] {
        assert!(readme.contains(word), "{word}");
    }
    let table = read("idempotent-macros/src/strategy/table.rs");
    let rows = table.split("STRATEGIES: [Strategy; ").nth(1).expect("the table of strategies");
    let (count, rows) = rows.split_once("] = [").expect("the number of its rows");
    let rows = rows.split("\n];").next().unwrap_or_default();
    let name = |row: &str| row.split('"').next().unwrap_or_default().to_owned();
    let names: Vec<_> = rows.split(" name: \"").skip(1).map(name).collect();
    assert!(names.len() >= 3 && count == names.len().to_string(), "{count} rows: {names:?}");
    for name in names {
        assert!(readme.contains(&format!("| `{name}`")), "the README does not know `{name}`");
    }
}

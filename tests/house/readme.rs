//! What the README shows is true.

use crate::sources::read;

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

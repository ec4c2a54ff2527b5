//! The length of files, their places, and words that some files must not contain.

use crate::assert_none;
use crate::sources::{CRATES, Sources, published, read, sources, without_tests};

const LONGEST: usize = 300;

/// The most lines of a file without its tests. A list of tests may be longer.
const LISTS: [&str; 2] = ["store/conformance.rs", "store/conformance/mod.rs"];

fn too_long(sources: &Sources) -> Vec<String> {
    let files = sources.iter().filter(|(file, _)| !LISTS.contains(&file.as_str()));
    let lengths = files.map(|(file, text)| (file, text.lines().count()));
    let long = lengths.filter(|(_, lines)| *lines > LONGEST);
    long.map(|(file, lines)| format!("{file} has {lines} lines: split it")).collect()
}

/// Files next to a folder of the same name, which is the other style of modules.
fn beside_their_folder(sources: &Sources) -> Vec<&str> {
    let folder = |file: &str| format!("{}/", file.trim_end_matches(".rs"));
    let beside = |file: &&String| sources.keys().any(|other| other.starts_with(&folder(file)));
    sources.keys().filter(beside).map(String::as_str).collect()
}

/// Files outside of `http` that name actix-web.
fn know_actix(sources: &Sources) -> Vec<&str> {
    let told = |file: &str| file.starts_with("http/") || matches!(file, "lib.rs" | "private.rs");
    // Examples in the documentation are code of readers.
    let code = |text: &str| {
        let mut lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
        lines.any(|line| line.contains("actix_web"))
    };
    let knows = sources.iter().filter(|(file, text)| !told(file) && code(text));
    knows.map(|(file, _)| file.as_str()).collect()
}

/// The uses of variables that are allowed: the name that a manifest gives to the runtime, the mode that the client
/// library reads as well, and the variable that an app may name to turn records off.
const READ_THE_ENVIRONMENT: [&str; 3] = ["renamed.rs", "store/sql/postgres/mod.rs", "switch.rs"];

/// Files that read a variable of the environment: only settings in code may change a promise.
fn read_the_environment(sources: &Sources) -> Vec<&str> {
    let reads = |text: &str| text.contains("env::var");
    let others = sources.iter().filter(|(file, _)| !READ_THE_ENVIRONMENT.contains(&file.as_str()));
    others.filter(|(_, text)| reads(text)).map(|(file, _)| file.as_str()).collect()
}

/// Pauses that are not before a retry: between batches of a purge, between looks at a clock, after a panic, between
/// reports, and in a trial.
const NO_RETRY: [(&str, &str); 5] = [
    ("engine/purge.rs", "sleep(pause(began.elapsed()))"),
    ("engine/heartbeat.rs", "sleep(TELL_EVERY)"),
    ("store/own_thread.rs", "sleep(AGAIN)"),
    ("http/task/progress.rs", "sleep(PAUSE)"),
    ("store/trial.rs", "sleep(OVER)"),
];

/// Pauses that have the same length in every process: clients that lose a server together would also retry
/// together.
fn in_step(sources: &Sources) -> Vec<String> {
    let fixed = |line: &str| {
        let pause = line.split("sleep(").nth(1).or_else(|| line.split("pause_for(").nth(1));
        pause.is_some_and(|pause| pause.starts_with(|first: char| first.is_ascii_uppercase()))
    };
    let no_retry = |file: &str, line: &str| {
        NO_RETRY.iter().any(|(place, pause)| *place == file && line.contains(pause))
    };
    let mut found = Vec::new();
    for (file, text) in sources {
        let lines = text.lines().filter(|line| fixed(line) && !no_retry(file, line));
        found.extend(lines.map(|line| format!("{file}: {}", line.trim())));
    }
    found
}

#[test]
fn no_retry_waits_as_long_as_every_other() {
    assert_none("idempotent-runtime/src", in_step(&without_tests("idempotent-runtime/src")));
}

/// Doc comments that begin with a question word and are not a sentence: "What is kept of it".
fn begin_with_a_question(sources: &Sources) -> Vec<String> {
    let comment = |line: &str| {
        let line = line.trim_start();
        let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
        Some(text.trim_start().to_owned())
    };
    let asks = |text: &str| ["What ", "Who ", "Whose "].iter().any(|word| text.starts_with(word));
    let mut found = Vec::new();
    for (file, text) in sources {
        let lines: Vec<_> = text.lines().map(comment).collect();
        let before = std::iter::once(&None).chain(&lines);
        let first = lines.iter().zip(before).filter(|(_, before)| before.is_none());
        let first = first.filter_map(|(line, _)| line.as_ref().filter(|line| asks(line)));
        found.extend(first.map(|line| format!("{file}: {line}")));
    }
    found
}

#[test]
fn no_doc_comment_begins_with_a_question() {
    for folder in published().chain(["examples"]) {
        assert_none(folder, begin_with_a_question(&sources(folder)));
    }
}

/// Words in a decision which show that it depends on more than its arguments.
fn impure(decide: &str) -> Vec<&str> {
    let decide = decide.split("#[cfg(test)]").next().unwrap_or_default();
    let words = ["async", "await", "Clock", "Instant", "dyn Store", "tracing"];
    words.into_iter().filter(|word| decide.contains(word)).collect()
}

#[test]
fn no_file_is_too_long_to_be_read() {
    let others = ["examples", "tests/house", "idempotent-cli/tests"];
    for folder in published().chain(others) {
        assert_none(folder, too_long(&without_tests(folder)));
    }
}

#[test]
fn modules_have_one_style() {
    for folder in published() {
        assert_none(folder, beside_their_folder(&sources(folder)));
    }
}

#[test]
fn only_the_http_room_knows_actix() {
    assert_none(CRATES[0], know_actix(&without_tests(CRATES[0])));
}

#[test]
fn no_variable_of_the_environment_changes_what_the_crates_do() {
    for folder in CRATES {
        assert_none(folder, read_the_environment(&without_tests(folder)));
    }
}

#[test]
fn decisions_are_pure() {
    let decide = "idempotent-runtime/src/engine/decide.rs";
    assert_none(decide, impure(&read(decide)));
}

#[test]
fn the_macros_depend_on_nothing_of_ours() {
    assert!(!read("idempotent-macros/Cargo.toml").contains("idempotent-runtime ="));
    assert!(!read("idempotent-macros/Cargo.toml").contains("idempotent-runtime."));
}

#[test]
fn packages_bring_their_licences() {
    for package in ["idempotent-runtime", "idempotent-macros", "idempotent-cli"] {
        for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
            assert_eq!(read(format!("{package}/{licence}")), read(licence), "{package}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::made_up;

    #[test]
    fn a_file_of_301_lines_is_told() {
        let (fits, long) = ("\n".repeat(300), "\n".repeat(301));
        let files = made_up(&[("a.rs", &fits), ("b/mod.rs", &long), (LISTS[0], &long)]);
        assert_eq!(too_long(&files), ["b/mod.rs has 301 lines: split it"]);
    }

    #[test]
    fn a_comment_that_asks_is_told() {
        let text = "/// What it is.\nfn a() {}\n\n    /// The first line.\n    ///\n    /// What follows.\nfn b() {}";
        let told = begin_with_a_question(&made_up(&[("a.rs", text)]));
        assert_eq!(told, ["a.rs: What it is."]);
        let module = begin_with_a_question(&made_up(&[("b.rs", "//! Who calls.\n\nuse a;")]));
        assert_eq!(module, ["b.rs: Who calls."]);
    }

    #[test]
    fn a_file_beside_its_folder_is_told() {
        let names = ["key.rs", "key/parts.rs", "keys/mod.rs", "lease.rs", "lease_tests/mod.rs"];
        assert_eq!(beside_their_folder(&made_up(&names.map(|name| (name, "")))), ["key.rs"]);
    }

    #[test]
    fn who_knows_actix_is_told() {
        let knows = "use actix_web::web;";
        let files = [("http/a.rs", knows), ("engine/b.rs", knows), ("c.rs", "/// actix_web")];
        assert_eq!(know_actix(&made_up(&files)), ["engine/b.rs"]);
    }

    #[test]
    fn who_reads_the_environment_is_told() {
        let reads = "if std::env::var_os(\"OUT\").is_some() {}";
        let files = [(READ_THE_ENVIRONMENT[0], reads), ("a.rs", reads), ("b.rs", "env!(\"A\")")];
        assert_eq!(read_the_environment(&made_up(&files)), ["a.rs"]);
    }

    #[test]
    fn a_pause_without_jitter_is_found() {
        let files = [("store/a.rs", "    sleep(PAUSE).await;"), ("b.rs", "pause_for(jittered(P))")];
        assert_eq!(in_step(&made_up(&files)), ["store/a.rs: sleep(PAUSE).await;"]);
    }

    #[test]
    fn a_decision_that_waits_is_told() {
        assert_eq!(impure("async fn f() { g().await } #[cfg(test)] Clock"), ["async", "await"]);
    }
}

//! `ddl`, completions, the manual, and `--help`.

use crate::ran::Ran;
use std::fs;

#[test]
fn the_statements_are_those_of_the_documents() {
    for (database, url) in [
        ("sqlite", "sqlite:nowhere.db"),
        ("postgres", "postgres://me@nowhere/db"),
        ("mysql", "mysql://me@nowhere/db"),
    ] {
        let path = format!("{}/../docs/ddl/{database}.sql", env!("CARGO_MANIFEST_DIR"));
        let document = fs::read_to_string(path).expect("a document of ours");
        let named = Ran::of(&["ddl", database]);
        assert_eq!((named.code, named.stdout.trim()), (Some(0), document.trim()));
        // The command connects to nothing.
        assert_eq!(Ran::of(&["ddl", "--store", url]).stdout, named.stdout);
        let json = Ran::of(&["ddl", database, "--json"]).answer();
        assert_eq!(
            (&json["database"], json["sql"].as_str()),
            (&database.into(), Some(named.stdout.trim_end()))
        );
    }
    assert_eq!(Ran::of(&["ddl", "--store", "redis://nowhere"]).code, Some(2));
}

#[test]
fn every_shell_completes_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = Ran::of(&["completions", shell]);
        assert_eq!((script.code, script.stderr.as_str()), (Some(0), ""));
        for word in ["doctor", "purge", "ddl", "check", "key-secret-file"] {
            assert!(script.stdout.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn the_manual_has_a_page_for_each_command_and_all_exit_codes() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let path = directory.path().display().to_string();
    assert_eq!(Ran::of(&["man", &path]).code, Some(0));
    for page in ["idempotent", "idempotent-doctor", "idempotent-purge", "idempotent-check"] {
        let text = fs::read_to_string(directory.path().join(format!("{page}.1")));
        assert!(text.expect("a page").contains(".SH"), "{page}");
    }
    let first = fs::read_to_string(directory.path().join("idempotent.1")).expect("a page");
    assert_eq!(Ran::of(&["man"]).stdout, first);
    let help = Ran::of(&["--help"]).stdout;
    for text in
        ["0  done", "1  nothing is there", "2  the command line", "3  the store", "4  refused"]
    {
        assert!(first.contains(text), "the page: {text}");
        assert!(help.contains(text), "the help: {text}");
    }
    let nowhere = Ran::of(&["man", "/nowhere/at/all", "--json"]).error();
    assert_eq!((nowhere.0, nowhere.1.as_str()), (4, "refused"));
}

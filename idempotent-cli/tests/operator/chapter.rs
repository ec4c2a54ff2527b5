//! Each command in the chapter of the book is run, and must answer as the chapter shows.

use crate::Place;
use crate::ran::{Ran, command};
use crate::shop::Shop;
use std::path::PathBuf;

/// A command of the chapter, and the lines below it.
struct Shown<'a> {
    line: &'a str,
    answer: &'a str,
}

fn chapter() -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/command-line.md");
    std::fs::read_to_string(path).expect("a chapter of ours")
}

fn shown(chapter: &str) -> Vec<Shown<'_>> {
    let blocks = chapter.split("```console\n$ ").skip(1);
    let shown = blocks.map(|text| {
        let block = text.split("```").next().unwrap_or_default();
        let (line, answer) = block.split_once('\n').expect("a command, and its answer");
        Shown { line, answer }
    });
    shown.collect()
}

/// The words of an answer, without those that change each time: times, lives, sizes, and the file's place.
fn words(answer: &str) -> Vec<&str> {
    let digits = |word: &str| word.bytes().filter(u8::is_ascii_digit).count();
    let is_moment = |word: &str| word.ends_with('Z') && digits(word) > 8;
    let is_life = |word: &str| {
        let number = word.strip_suffix(['h', 'm', 's']);
        number.is_some_and(|number| number.parse::<u8>().is_ok())
    };
    let is_size = |word: &str| word.len() > 1 && word.parse::<f64>().is_ok();
    let is_file = |word: &str| word.ends_with("/records.db");
    let is_other = |word: &str| is_moment(word) || is_life(word) || is_size(word) || is_file(word);
    let words = answer.split_whitespace().map(|word| word.trim_matches(['"', ',']));
    words.filter(|word| !is_other(word)).collect()
}

#[tokio::test]
async fn each_command_answers_as_the_chapter_says() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file: PathBuf = directory.path().join("records.db");
    let shop = Shop::open(Place::at(format!("sqlite:{}", file.display()), ()).await);
    shop.order("7f3a").await;
    let held = shop.abandoned("8c21").await.to_string();
    let done = shop.storage_key("7f3a").to_string();
    let chapter = chapter();
    let shown = shown(&chapter);
    let mut wrong = String::new();
    for Shown { line, answer } in &shown {
        let arguments: Vec<_> = line.split(' ').skip(1).collect();
        let mut command = command(&arguments);
        command.current_dir(directory.path()).env("IDEMPOTENT_STORE", "sqlite:records.db");
        let Ran { code, stdout, stderr } = Ran::by(command.env("IDEMPOTENT_NAMESPACE", "shop"));
        if (code, words(&stdout)) != (Some(0), words(answer)) {
            wrong.extend(["\n$ ", line, "\n", &stdout, &stderr]);
        }
    }
    assert!(
        wrong.is_empty(),
        "the chapter says something else; keys are {held} and {done}:{wrong}"
    );
    for name in ["list", "show", "find", "resolve", "forget", "stats", "doctor", "purge", "ddl"] {
        let is_shown = |shown: &Shown<'_>| shown.line.split(' ').nth(1) == Some(name);
        assert!(shown.iter().any(is_shown), "`{name}` is not in the chapter");
    }
}

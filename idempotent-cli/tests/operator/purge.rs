//! `purge`, and the yes that it needs.

use crate::Place;
use crate::ran::{Ran, command};
use bytes::Bytes;
use idempotent_runtime::key::StorageKey;
use std::process::{Command, Stdio};
use std::time::Duration;

/// More records than one batch, and more than opening a store drops.
const OVER: u16 = 1200;

fn key(number: u16) -> StorageKey {
    let mut bytes = [0; 32];
    bytes[..2].copy_from_slice(&number.to_le_bytes());
    StorageKey::from_bytes(bytes)
}

impl Place {
    /// Puts records whose life is over, and one that lives.
    async fn with_dead_records(self) -> Self {
        let value = Bytes::from_static(b"value");
        let put = (0..OVER).map(|number| {
            let (store, value) = (self.store.clone(), value.clone());
            tokio::spawn(async move {
                let life = Duration::from_millis(if number == 0 { 3_600_000 } else { 1 });
                store.create(&key(number), &value, life).await.expect("it is put");
            })
        });
        for put in put.collect::<Vec<_>>() {
            put.await.expect("no panic");
        }
        while self.store.read(&key(OVER - 1)).await.expect("it answers").is_some() {
            tokio::task::yield_now().await;
        }
        self
    }

    async fn has_the_living(&self) -> bool {
        self.store.read(&key(0)).await.expect("it answers").is_some()
    }

    /// The number of records that are left to drop.
    async fn left(&self) -> u32 {
        self.store.purge(10_000).await.expect("it answers")
    }
}

#[tokio::test]
async fn everything_that_is_over_is_dropped_and_nothing_that_lives() {
    for place in Place::databases().await {
        let place = place.with_dead_records().await;
        let answer = Ran::of(&["purge", "--yes", "--json", "--store", &place.url]).answer();
        let dropped = answer["dropped"].as_u64().expect("a number");
        // Opening the store drops some, too.
        assert!((u64::from(OVER) - 200..=u64::from(OVER) + 1).contains(&dropped), "{dropped}");
        assert_eq!((place.left().await, place.has_the_living().await), (0, true), "{}", place.url);
        let again = Ran::of(&["purge", "--yes", "--store", &place.url]);
        assert_eq!((again.code, again.stdout.as_str()), (Some(0), "0 dropped\n"));
    }
}

#[tokio::test]
async fn a_store_that_forgets_by_itself_has_nothing_to_drop() {
    let place = Place::redis().await;
    let answer = Ran::of(&["purge", "--yes", "--json", "--store", &place.url]).answer();
    assert_eq!(answer["dropped"], 0);
}

#[tokio::test]
async fn without_a_yes_and_without_a_terminal_nothing_is_dropped() {
    let place = Place::sqlite().await.with_dead_records().await;
    let (code, kind, message) = Ran::of(&["purge", "--json", "--store", &place.url]).error();
    assert_eq!((code, kind.as_str()), (4, "refused"));
    assert!(message.contains("--yes") && message.contains("records.db"), "{message}");
    assert!(place.left().await > 500, "they are there");
}

/// Runs the command at a terminal that `script` makes, and types this. Returns exit code and output.
fn at_a_terminal(typed: &str, url: &str) -> (Option<i32>, String) {
    let line = format!("{} purge --store {url}", env!("CARGO_BIN_EXE_idempotent"));
    let mut script = Command::new("script");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]);
    let mut running = script
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`script` of util-linux is there");
    let mut keyboard = running.stdin.take().expect("it is piped");
    std::io::Write::write_all(&mut keyboard, typed.as_bytes()).expect("it listens");
    let output = running.wait_with_output().expect("it ends");
    drop(keyboard);
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[tokio::test]
async fn a_person_is_asked_and_a_no_changes_nothing() {
    let place = Place::sqlite().await.with_dead_records().await;
    for no in ["n\n", "\n", "yes please\n", "\u{4}"] {
        let (code, seen) = at_a_terminal(no, &place.url);
        assert!(seen.contains("drop all records whose life is over, in SQLite file"), "{seen}");
        assert!(code == Some(4) && seen.contains("nothing is changed"), "{code:?} {seen}");
    }
    let (code, seen) = at_a_terminal("y\n", &place.url);
    assert!(code == Some(0) && seen.contains(" dropped"), "{code:?} {seen}");
    assert_eq!(place.left().await, 0);
}

#[tokio::test]
async fn a_purge_that_is_broken_off_leaves_a_store_that_works() {
    let place = Place::sqlite().await.with_dead_records().await;
    let mut running = command(&["purge", "--yes", "--store", &place.url]);
    let mut running = running.stdout(Stdio::null()).spawn().expect("it runs");
    // The kill comes in the middle of the purge, or just before or after: all are fine.
    while place.store.read(&key(0)).await.is_err() {}
    let sent = Command::new("kill").args(["-INT", &running.id().to_string()]).status();
    assert!(sent.expect("`kill` runs").success());
    running.wait().expect("it ends");
    Ran::of(&["purge", "--yes", "--json", "--store", &place.url]).answer();
    assert_eq!((place.left().await, place.has_the_living().await), (0, true));
}

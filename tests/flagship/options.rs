//! Wrong options are reported in words, before the server listens.

use std::process::Command;
use tests::example;

#[test]
fn wrong_options_are_reported_in_words() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (options, words) in [
        (["--lease", "0s"], "`lease` is zero: give it at least a millisecond"),
        (["--lease", "48h"], "`lease` (172800s) must be shorter than `ttl` (86400s)"),
        (["--store", "sqlite:"], "records in SQLite need a file: `sqlite:PATH`"),
        (["--store", "sqlite:none/x.db"], "none/x.db: "),
        (["--store", "memory:x"], "`memory:` takes nothing after the colon"),
        (["--store", "paper:"], "`paper:` names no store of this build"),
        (["--store", "memory"], "`memory` is not a URL"),
        (["--store", "sqlite"], "`sqlite` is not a URL"),
        (["--store", "redis://127.0.0.1:1"], "Connection refused"),
        (["--store", "postgres://127.0.0.1:1/x"], "Connection refused"),
        (["--database", "sqlite"], "`--database` is one of"),
        (["--database", "sqlite:none.db?mode=rw"], "none.db?mode=rw: "),
        // The pool is not used for this: it would retry for ten seconds and report only a time-out.
        (["--database", "postgres://127.0.0.1:1/x"], "Connection refused"),
        (["--database", "mysql://127.0.0.1:1/x"], "Connection refused"),
        (["--database", "sqlite::memory:"], "`sqlite::memory:` names no file"),
        (["--database", "sqlite:none/x.db"], "sqlite:none/x.db: "),
        (["--workers", "0"], "0 is not in 1..=65535"),
        (["--token-secret", ""], "a value is required for '--token-secret"),
    ] {
        let mut orders = Command::new(example("orders"));
        orders.args(["--addr", "127.0.0.1:0"]).args(options).env_clear();
        let output = orders.current_dir(directory.path()).output().expect("it starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains(words), "{options:?} is told as {told}");
        assert!(!output.status.success() && output.stdout.is_empty(), "{options:?}");
    }
}

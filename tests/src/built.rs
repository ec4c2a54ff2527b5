//! The example `orders`, built: a test target does not wait for the examples of another package.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The executable of `orders`, built at the first call in each test process.
pub(crate) fn orders() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        // The features of a test run, so that it is built once for both.
        let output = Command::new(env!("CARGO"))
            .args(["build", "--workspace", "--all-features", "--example", "orders"])
            .args(["--message-format", "json-render-diagnostics", "--manifest-path"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "`orders` does not build");
        let messages = output.stdout.split(|byte| *byte == b'\n');
        let mut messages = messages.filter_map(|line| serde_json::from_slice(line).ok());
        messages.find_map(|message| built(&message)).expect("cargo names what it built")
    })
}

fn built(message: &Value) -> Option<PathBuf> {
    let target = &message["target"];
    (target["name"] == "orders" && target["kind"][0] == "example")
        .then(|| message["executable"].as_str().map(PathBuf::from))
        .flatten()
}

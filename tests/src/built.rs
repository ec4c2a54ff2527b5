//! Builds the examples: a test target does not wait for the examples of another package.

use serde_json::Value;
use std::collections::HashMap;
use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The executable of an example; all are built at the first call in each test process.
pub fn example(name: &str) -> &'static Path {
    static BUILT: OnceLock<HashMap<String, PathBuf>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        // These are the features of a test run, so that dependencies are built once for both.
        let mut cargo = Command::new(env!("CARGO"));
        // These variables belong to this package. Build scripts that read such variables would run again, with all
        // dependents.
        for (name, _) in env::vars_os() {
            let name = name.to_string_lossy();
            if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(&*name);
            }
        }
        let output = cargo
            .args(["build", "--workspace", "--all-features", "--examples"])
            .args(["--message-format", "json-render-diagnostics", "--manifest-path"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
            .stderr(Stdio::inherit())
            .output()
            .expect("cargo runs");
        assert!(output.status.success(), "the examples do not build");
        let messages = output.stdout.split(|byte| *byte == b'\n');
        let messages = messages.filter_map(|line| serde_json::from_slice(line).ok());
        messages.filter_map(|message| executable(&message)).collect()
    });
    built.get(name).unwrap_or_else(|| panic!("there is no example `{name}`"))
}

fn executable(message: &Value) -> Option<(String, PathBuf)> {
    let target = &message["target"];
    let name = target["name"].as_str().filter(|_| target["kind"][0] == "example")?;
    Some((name.to_owned(), PathBuf::from(message["executable"].as_str()?)))
}

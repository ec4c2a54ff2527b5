//! Commands by a server's own statistics.

use tests::RedisServer;

/// The commands that a server was sent, with those of scripts and without this question.
#[must_use]
pub fn commands(server: &RedisServer) -> f64 {
    let told: String = server.command(&["INFO", "commandstats"]);
    let calls = told.lines().filter(|line| !line.starts_with("cmdstat_info"));
    let calls = calls.filter_map(|line| line.split_once("calls=")?.1.split(',').next());
    calls.map(|calls| calls.parse::<f64>().expect("a number")).sum()
}

//! The example `consumer`: consumers are killed ten times, and every effect happens once.

use std::process::Command;
use tests::{RabbitMqServer, RedisServer, example};

fn shows(queue: &str) {
    let run = || Command::new(example("consumer")).args(["--queue", queue]).output();
    let output = tokio::task::block_in_place(run).expect("it starts");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    let number = |of: &str| -> u32 {
        let line = said.lines().find_map(|line| line.strip_prefix(of));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("{of}? {said}"))
    };
    let [published, killed] = ["published ", "killed "].map(number);
    assert_eq!((published, killed), (1333, 10), "{said}");
    assert!(number("delivered ") >= 1333, "{said}");
    assert_eq!(["made ", "made twice ", "dead "].map(number), [1000, 0, 0], "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_stream_every_effect_is_made_once() {
    shows(&RedisServer::start().url());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_queue_every_effect_is_made_once() {
    shows(&RabbitMqServer::shared().await.url());
}

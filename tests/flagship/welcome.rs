//! The commands that the terminal shows at the start, typed as they are shown.

use crate::{Records, Shop};
use reqwest::Method;
use std::process::{Command, Stdio};
use tests::Sender;

on! { memory sqlite redis business_in_postgres business_in_mariadb: [
    the_three_requests_show_an_order_its_replay_and_a_conflict,
] }

/// The expected answers of the three requests: a status, and whether it is a replay.
const SHOWN: [(u16, bool); 3] = [(201, false), (201, true), (422, false)];

async fn the_three_requests_show_an_order_its_replay_and_a_conflict(records: Records) {
    let mut shop = Shop::open(records);
    let mut shown = Vec::new();
    for line in printed(&shop) {
        shown.push(read(&line).await);
    }
    assert_eq!(shown, SHOWN);
    // On the same records, too, each start begins with a first request.
    shop.orders.restart();
    let lines = printed(&shop);
    if has_curl() {
        assert_eq!(lines.map(|line| typed(&line)), SHOWN);
    } else {
        eprintln!("there is no `curl` here that knows `--json`; its lines were read instead");
        assert_eq!(read(&lines[0]).await, SHOWN[0]);
    }
    assert_eq!(shop.effects("create_order").await, 2);
}

fn printed(shop: &Shop) -> [String; 3] {
    [(); 3].map(|()| shop.orders.line_with("curl "))
}

/// Sends the request of a line, without a shell and without curl.
async fn read(line: &str) -> (u16, bool) {
    // The parts are outside of quotes, inside, outside, and so on.
    let parts: Vec<&str> = line.split('\'').collect();
    let [start, pairs @ ..] = &parts[..] else { panic!("{line}") };
    let url = start.split(' ').nth(2).expect("curl -i URL");
    let mut request = Sender::anonymous(Method::POST, url.to_owned());
    let options = [*start].into_iter().chain(pairs.iter().copied().skip(1).step_by(2));
    for (option, value) in options.zip(pairs.iter().step_by(2)) {
        request = match option.rsplit_once(' ').and_then(|(words, _)| words.rsplit(' ').next()) {
            Some("-H") => {
                let (name, value) = value.split_once(": ").expect("a header line");
                request.header(name, value)
            }
            Some("--json") => {
                request.header("Content-Type", "application/json").body(value.to_string())
            }
            _ => panic!("{line}"),
        };
    }
    let reply = request.send().await;
    (reply.status, reply.is_replay())
}

/// Gives a line to a shell, as a person does.
fn typed(line: &str) -> (u16, bool) {
    let output = Command::new("sh").args(["-c", line]).stderr(Stdio::null()).output();
    let output = output.expect("`sh` runs").stdout;
    let text = String::from_utf8(output).expect("text");
    let (head, _) = text.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    let replayed = head.to_lowercase().contains("\r\nidempotency-replayed: true");
    (status.expect("a status"), replayed)
}

fn has_curl() -> bool {
    let help = Command::new("sh").args(["-c", "curl --help all"]).output().expect("`sh` runs");
    String::from_utf8_lossy(&help.stdout).contains("--json")
}

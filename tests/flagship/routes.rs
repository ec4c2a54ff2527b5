//! The table of the flagship's routes, row by row.

use crate::{Records, Shop};
use reqwest::Method;
use tests::{Reply, Sender};

on! { sqlite business_in_postgres: [
    each_route_answers_as_the_table_says,
] }

const TABLE: &str = include_str!("../../examples/README.md");

struct Row<'a> {
    method: &'a str,
    path: &'a str,
    header: Option<(&'a str, &'a str)>,
    body: &'a str,
    answers: [&'a str; 2],
}

fn row(line: &str) -> Option<Row<'_>> {
    let cells: Vec<_> = line.trim_matches('|').split(" |").map(str::trim).collect();
    let [request, header, body, first, again] = cells[..] else { return None };
    let (method, path) = request.strip_prefix('`')?.strip_suffix('`')?.split_once(' ')?;
    let header = header.trim_matches('`').split_once(": ");
    Some(Row { method, path, header, body: body.trim_matches('`'), answers: [first, again] })
}

/// An answer in the words of the table.
fn written(reply: &Reply) -> String {
    let problem = reply.header("Idempotency-Problem").map(|name| format!(" `{name}`"));
    let replayed = if reply.is_replay() { ", replayed" } else { "" };
    let done = reply.header("Idempotency-Already-Done").map_or("", |_| ", already done");
    format!("{}{}{replayed}{done}", reply.status, problem.unwrap_or_default())
}

async fn each_route_answers_as_the_table_says(records: Records) {
    let shop = Shop::open(records);
    let rows: Vec<_> = TABLE.lines().filter_map(row).collect();
    assert!(rows.len() > 15, "the table has moved");
    let issued = shop.ask_for_token("alice").send().await;
    let token = String::from_utf8(issued.body.to_vec()).expect("text");
    for Row { method, path, header, body, answers } in rows {
        for answer in answers {
            let url = format!("{}{path}", shop.orders.url());
            let mut request = Sender::new(method.parse::<Method>().expect("a method"), url);
            if !body.is_empty() {
                request = request.only("content-type", "application/json").body(body.to_owned());
            }
            request = match header {
                Some((name, "…")) => request.header(name, &token),
                Some((name, value)) => request.header(name, value),
                None => request,
            };
            let reply = request.send().await;
            assert_eq!(written(&reply), answer, "{method} {path}");
        }
    }
}

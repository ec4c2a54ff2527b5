//! Everything holds on the flagship, except for checks that cannot tell.

use crate::command::{Call, Judged};
use std::collections::BTreeSet;
use tests::Orders;

fn orders(path: &str, other: &str) -> Judged {
    let orders = Orders::start("memory:", "sqlite:orders.db", &[]);
    Call::of(&format!("{}{path}", orders.url()))
        .with(&["-H", "Authorization: Bearer alice", "--other-header", "Authorization: Bearer bob"])
        .with(&["--body", r#"{"sku":"book","quantity":1}"#])
        .with(&["--other-body", r#"{"sku":"pen","quantity":1}"#])
        .with(&["--failing-body", r#"{"sku":"book","quantity":1,"simulate":{"status":500}}"#])
        .with(&["--slow-body", r#"{"sku":"book","quantity":1,"simulate":{"delay_ms":1000}}"#])
        .with(&["--other-path", other])
        .judged()
}

#[test]
fn orders_that_refuse_a_retry_in_flight() {
    let judged = orders("/orders", "/orders/wait");
    judged.fails(&[]);
    assert_eq!(judged.with("skipped"), BTreeSet::new());
    // No answer there sets a cookie.
    assert_eq!(judged.with("cannot-tell"), ["replay-cookies"].into(), "{:#}", judged.json);
}

#[test]
fn orders_that_let_a_retry_in_flight_wait() {
    let judged = orders("/orders/wait", "/orders");
    judged.fails(&[]);
    let nothing = ["replay-cookies", "retry-after"].into();
    assert_eq!(judged.with("cannot-tell"), nothing, "{:#}", judged.json);
    assert!(judged.seen("in-flight").contains("waited"), "{:#}", judged.json);
}

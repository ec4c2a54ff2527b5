//! The text in the terminal about a store that weakens a promise.

use crate::{Records, Shop};

on! { redis: [
    what_is_wrong_with_the_store_is_said_at_the_start,
] }

on! { sqlite: [
    of_a_store_that_is_as_it_should_be_nothing_is_said,
] }

/// This server keeps nothing on disk.
async fn what_is_wrong_with_the_store_is_said_at_the_start(records: Records) {
    let shop = Shop::open(records);
    shop.orders.line_with("  records   Redis");
    let note = shop.orders.line_with("");
    assert!(note.trim_start().starts_with("note "), "{note}");
    for said in ["keeps nothing on disk", "`appendonly yes`"] {
        assert!(note.contains(said), "{note}");
    }
}

async fn of_a_store_that_is_as_it_should_be_nothing_is_said(records: Records) {
    let shop = Shop::open(records);
    shop.orders.line_with("  records   ");
    let next = shop.orders.line_with("");
    assert!(next.starts_with("  business "), "{next}");
}

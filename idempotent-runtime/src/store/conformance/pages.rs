//! The part of the contract for reading all values, page by page. A store that cannot list passes without
//! being tested.

use crate::error::StoreErrorKind;
use crate::fingerprint::Fingerprint;
use crate::key::{Guard, StorageKey};
use crate::outcome::Outcome;
use crate::store::browse::{Cursor, PageFilter, PageRequest};
use crate::store::conformance::store_under_test::{LONG, SHORT, StoreUnderTest, fresh};
use crate::store::contract::{Entry, Page, Swap};
use crate::store::label::Label;
use crate::store::record::{Origin, Record, State};
use std::collections::{HashMap, HashSet};
use std::time::Duration;

/// The number of values that a test puts, and the number on a page.
const MANY: usize = 300;
const LIMIT: u32 = 40;

/// More pages than any store has that tests share.
const MOST_PAGES: usize = 100_000;

/// One page; `None` if the store cannot list.
async fn page(tested: &StoreUnderTest, request: &PageRequest) -> Option<Page> {
    let Some(page) = tested.store.browse(request) else {
        eprintln!("not tested: this store cannot list its values");
        return None;
    };
    let page = page.await.unwrap();
    // A store may find values in groups, and the last group of a page may exceed the limit.
    let most = request.limit as usize * 2 + 64;
    assert!(page.entries.len() <= most, "{} values", page.entries.len());
    Some(page)
}

/// The values of all pages from this one on. Others use the store, too.
async fn pages_from(
    tested: &StoreUnderTest,
    request: PageRequest,
) -> Option<Vec<(StorageKey, Entry)>> {
    let (mut request, mut entries) = (request, Vec::new());
    for _ in 0..MOST_PAGES {
        let page = page(tested, &request).await?;
        entries.extend(page.entries);
        let Some(next) = page.next else { return Some(entries) };
        // As a text, as it comes back from a command line.
        request = request.after(next.to_string().parse::<Cursor>().unwrap());
    }
    panic!("the pages do not end: each one has a next");
}

async fn put_many(tested: &StoreUnderTest, value: &'static str, life: Duration) -> Vec<StorageKey> {
    let keys: Vec<_> = (0..MANY).map(|_| fresh()).collect();
    for key in &keys {
        tested.create(key, value, life).await;
    }
    keys
}

fn assert_has(entries: &[(StorageKey, Entry)], keys: &[StorageKey]) {
    let seen: HashSet<_> = entries.iter().map(|(key, _)| *key).collect();
    let missing = keys.iter().filter(|key| !seen.contains(key)).count();
    assert_eq!(
        missing,
        0,
        "this many of {} values are missing, although they were alive all the time",
        keys.len()
    );
}

/// All pages together hold every value with its life, as it was put, and reading them changes none.
pub async fn pages_give_everything_that_lives(tested: &StoreUnderTest) {
    let keys = put_many(tested, "listed", LONG).await;
    for limit in [LIMIT, 1000] {
        let Some(entries) = pages_from(tested, PageRequest::first(limit)).await else { return };
        assert_has(&entries, &keys);
        let entries: HashMap<_, _> = entries.into_iter().collect();
        for key in &keys {
            let Entry { value, left } = &entries[key];
            assert_eq!(value, "listed");
            assert!(*left <= LONG && *left * 2 > LONG, "{left:?}");
        }
    }
    for key in &keys {
        let swapped = tested.store.swap(key, &"listed".into(), &"changed".into(), LONG).await;
        assert_eq!(swapped.unwrap(), Swap::Done, "a look changes nothing");
    }
}

/// A value whose life is over is on no page.
pub async fn pages_leave_out_what_is_over(tested: &StoreUnderTest) {
    let (over, alive) = (fresh(), fresh());
    tested.create(&over, "over", SHORT).await;
    tested.create(&alive, "alive", LONG).await;
    (tested.pass)(SHORT * 2).await;
    let Some(entries) = pages_from(tested, PageRequest::first(1000)).await else { return };
    assert_has(&entries, &[alive]);
    assert!(entries.iter().all(|(key, _)| *key != over), "its life is over, but it is on a page");
}

/// A filter by operation, by state or by both lets every record through that matches.
pub async fn a_filter_takes_away_nothing_that_fits(tested: &StoreUnderTest) {
    let operations = ["pay", "pay "].map(|name| format!("{name}{}", fresh()));
    let mut put = Vec::new();
    for operation in &operations {
        for (state, name) in [
            (State::Issued, "issued"),
            (State::Cancelled, "cancelled"),
            (State::Completed(Outcome::Value("done".into())), "completed"),
        ] {
            let key = fresh();
            let value = record(operation, state).encode(&key);
            assert_eq!(tested.store.create(&key, &value, LONG).await.unwrap(), None);
            put.push((key, operation, name));
        }
    }
    for filter in [
        PageFilter::default().operation(&operations[0]),
        PageFilter::default().operation(&operations[1]),
        PageFilter::default().state("completed"),
        PageFilter::default().operation(&operations[0]).state("issued"),
        PageFilter::default().operation(&operations[1]).state("cancelled"),
    ] {
        let fits = put.iter().filter(|(_, operation, state)| {
            filter.operation.as_ref().is_none_or(|wanted| wanted == *operation)
                && filter.state.is_none_or(|wanted| wanted == *state)
        });
        let fits: Vec<_> = fits.map(|(key, ..)| *key).collect();
        let request = PageRequest::first(LIMIT).only(filter.clone());
        let Some(entries) = pages_from(tested, request).await else { return };
        assert!(!fits.is_empty());
        assert_has(&entries, &fits);
    }
}

fn record(operation: &str, state: State) -> Record {
    Record {
        attempt: 1,
        origin: Origin::default(),
        fingerprint: Fingerprint::NONE,
        label: Label::new(Guard::Handler, operation, "key"),
        state,
    }
}

/// Values that expire, come and change between two pages hide no value that was there before.
pub async fn pages_lose_nothing_while_others_come_and_go(tested: &StoreUnderTest) {
    // Expired values leave gaps all over the store.
    let mut alive = Vec::new();
    for _ in 0..MANY {
        tested.create(&fresh(), "over", SHORT).await;
        let key = fresh();
        tested.create(&key, "alive", LONG).await;
        alive.push(key);
    }
    let (mut request, mut entries) = (PageRequest::first(LIMIT), Vec::new());
    let mut changes = alive.iter().take(8);
    for count in 1..=MOST_PAGES {
        let Some(page) = page(tested, &request).await else { return };
        entries.extend(page.entries);
        let Some(next) = page.next else { break };
        request = request.after(next);
        if count == 1 {
            (tested.pass)(SHORT * 2).await;
        }
        if let Some(key) = changes.next() {
            tested.store.purge(100).await.unwrap();
            tested.create(&fresh(), "new", LONG).await;
            let swapped = tested.store.swap(key, &"alive".into(), &"changed".into(), LONG).await;
            assert_eq!(swapped.unwrap(), Swap::Done);
        }
    }
    assert_has(&entries, &alive);
}

/// A cursor that the store did not make is rejected, and would be rejected again.
pub async fn a_foreign_cursor_is_refused(tested: &StoreUnderTest) {
    tested.create(&fresh(), "listed", LONG).await;
    let long = "9".repeat(10_000);
    for text in [
        "",
        " ",
        "0",
        "-1",
        "no cursor",
        "'; --",
        "\0",
        "*",
        "é",
        &long,
        "a.b.c",
        "redis..",
        "key.ff",
    ] {
        let request = PageRequest::first(1).after(Cursor::new(text));
        let Some(page) = tested.store.browse(&request) else { return };
        let refused = page.await.expect_err(text);
        assert_eq!(refused.kind(), StoreErrorKind::Rejected, "{refused}");
        assert!(refused.to_string().len() < 400, "{refused}");
    }
}

//! The pictures in the documents, taken of the current pages.
//!
//! `PICTURES=1` puts them into `docs/pictures`.

use crate::Visit;
use crate::inspector::{Watch, order};
use std::fs;
use std::path::Path;
use tests::Browser;

/// The largest picture that is kept, in bytes.
const LARGEST: usize = 150_000;

async fn take(browser: &Browser, name: &str) {
    let picture = browser.picture().await;
    assert!(picture.starts_with(b"\x89PNG\r\n"), "{name}");
    assert!((10_000..LARGEST).contains(&picture.len()), "{name}: {} bytes", picture.len());
    if std::env::var_os("PICTURES").is_some() {
        let place = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/pictures");
        fs::create_dir_all(&place).expect("a directory");
        fs::write(place.join(name), picture).expect("it is written");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_inspector_is_pictured() {
    let watch = Watch::begin().await;
    for key in ["a-first", "a-second", "a-second", "a-third"] {
        order(&watch.orders, key, 0).send().await;
    }
    let running = tokio::spawn(order(&watch.orders, "a-slow-one", 20_000).try_send());
    watch.shows("#live", "Running: 1.").await;
    watch.browser.look_through(900, 1250, "light").await;
    take(&watch.browser, "inspector.png").await;
    running.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_flagships_page_is_pictured() {
    let visit = Visit::begin().await;
    visit.browser.click("#fetch").await;
    visit.shows("#notice", "1 × book").await;
    visit.browser.click("#repeat").await;
    visit.shows("#activity", "replayed").await;
    visit.browser.look_through(900, 860, "light").await;
    take(&visit.browser, "orders.png").await;
}

//! The script for browsers, as it is served and published; `tests/browser` tests its work.

use crate::Shop;
use reqwest::Method;
use std::fs;
use tests::{Backend, Sender};

const PLACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../idempotent-runtime/browser/");

#[tokio::test]
async fn the_script_is_served_once_and_then_known_by_its_tag() {
    let shop = Shop::open(Backend::memory().await);
    let url = format!("http://{}/idempotent.js", shop.server.address());
    let get = || Sender::anonymous(Method::GET, url.clone());
    let first = get().send().await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("Content-Type"), Some("text/javascript; charset=utf-8"));
    assert_eq!(first.header("Cache-Control"), Some("public, max-age=3600"));
    assert_eq!(first.body, fs::read(format!("{PLACE}idempotent.js")).unwrap());
    let tag = first.header("ETag").expect("a tag").to_owned();
    for known in [tag.clone(), format!("\"other\", {tag}"), format!("W/{tag}"), "*".to_owned()] {
        let again = get().header("If-None-Match", &known).send().await;
        assert_eq!((again.status, again.body.len()), (304, 0), "{known}");
        assert_eq!(again.header("ETag"), Some(&*tag));
    }
    assert_eq!(get().header("If-None-Match", "\"other\"").send().await.status, 200);
}

#[test]
fn the_npm_package_has_the_version_of_the_crate_and_nothing_that_runs_before_it() {
    let package = fs::read(format!("{PLACE}package.json")).unwrap();
    let package: serde_json::Value = serde_json::from_slice(&package).unwrap();
    assert_eq!(package["version"], env!("CARGO_PKG_VERSION"));
    for file in package["files"].as_array().unwrap() {
        assert!(fs::exists(format!("{PLACE}{}", file.as_str().unwrap())).unwrap(), "{file}");
    }
    assert_eq!((&package["dependencies"], &package["scripts"]), (&().into(), &().into()));
}

//! The page with a keyboard, with a screen reader, and on a phone.

use crate::Visit;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_makes_an_order() {
    let visit = Visit::begin().await;
    // Tab from the first field past the others to the first button.
    visit.browser.run("document.querySelector('[name=sku]').focus()").await;
    visit.browser.type_keys("\u{e004}\u{e004}\u{e004}").await;
    assert_eq!(visit.browser.run("return document.activeElement.id").await, "submit");
    let outline = "return getComputedStyle(document.activeElement).outlineStyle";
    assert_eq!(visit.browser.run(outline).await, "solid", "the focus can be seen");
    visit.browser.type_keys("\u{e007}").await;
    visit.order_is_shown().await;
    assert_eq!(visit.bought().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_input_has_a_label_and_nothing_comes_from_elsewhere() {
    let visit = Visit::begin().await;
    let unlabelled = "return [...document.querySelectorAll('input, select, textarea')]
        .filter((one) => one.type !== 'hidden' && !one.labels.length).map((one) => one.outerHTML)";
    assert_eq!(visit.browser.run(unlabelled).await, serde_json::json!([]));
    let foreign = "return performance.getEntriesByType('resource').map((entry) => entry.name)
        .filter((name) => !name.startsWith(location.origin))";
    assert_eq!(visit.browser.run(foreign).await, serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_shows_all_of_it_without_scrolling_sideways() {
    let visit = Visit::begin().await;
    visit.browser.click("#fetch").await;
    visit.shows("#activity", "/orders/").await;
    let frame = "return new Promise((resolve) => {
        const frame = document.createElement('iframe')
        frame.style = 'width: 320px; height: 640px; border: 0'
        frame.onload = () => {
            const root = frame.contentDocument.documentElement
            const look = () => root.querySelector('li.ran')
                ? resolve(root.scrollWidth <= root.clientWidth)
                : setTimeout(look, 10)
            look()
        }
        frame.src = '/'
        document.body.append(frame)
    })";
    assert_eq!(visit.browser.run(frame).await, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_runs_is_seen_and_its_button_keeps_the_focus() {
    let visit = Visit::begin().await;
    visit.shows("#activity", "Nothing yet").await;
    visit.browser.run("document.querySelector('[name=delay_ms]').value = '2000'").await;
    visit.browser.run("document.querySelector('#fetch').focus()").await;
    visit.browser.type_keys("\u{e007}").await;
    visit.shows("#elapsed", "The shop is working: 1 s").await;
    visit.shows("#activity", "running").await;
    let pressed = "const one = document.activeElement; return [one.id, one.ariaDisabled]";
    assert_eq!(visit.browser.run(pressed).await, json!(["fetch", "true"]));
    // The button does nothing if it is pressed again meanwhile.
    visit.browser.type_keys("\u{e007}").await;
    let list = visit.shows("#activity", "ran").await;
    assert!(list.contains("key ") && list.contains('…') && list.contains("/orders/"), "{list}");
    let parts = "const item = document.querySelector('#activity li')
        return [isFinite(Date.parse(item.querySelector('time').dateTime)), item.className]";
    assert_eq!(visit.browser.run(parts).await, json!([true, "ran"]));
    visit.shows("#notice", "1 × book").await;
    assert_eq!(visit.browser.run(pressed).await, json!(["fetch", "false"]));
    assert_eq!(visit.browser.text("#elapsed").await, "");
    assert_eq!(visit.bought().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_looks_different_from_a_success() {
    let visit = Visit::begin().await;
    let colour = "return getComputedStyle(document.querySelector('#notice')).borderLeftColor";
    visit.browser.click("#fetch").await;
    visit.shows("#notice", "1 × book").await;
    let success = visit.browser.run(colour).await;
    let quantity = "const field = document.querySelector('[name=quantity]')
        field.removeAttribute('min')
        field.value = '-1'";
    visit.browser.run(quantity).await;
    visit.browser.click("#fetch").await;
    visit.shows("#notice", "400").await;
    assert_ne!(visit.browser.run(colour).await, success);
    visit.shows("#activity", "refused").await;
    let marks = "return ['ran', 'refused'].map((one) =>
        getComputedStyle(document.querySelector(`#activity .${one} b`)).color)";
    let marks = visit.browser.run(marks).await;
    assert_ne!(marks[0], marks[1]);
}

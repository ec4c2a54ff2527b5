//! The page for everybody: with a keyboard, with a screen reader, on a phone.

use crate::Visit;

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_makes_an_order() {
    let visit = Visit::begin().await;
    // From the first field over the others to the first button.
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
    let frame = "return new Promise((resolve) => {
        const frame = document.createElement('iframe')
        frame.style = 'width: 320px; height: 640px; border: 0'
        frame.onload = () => {
            const root = frame.contentDocument.documentElement
            resolve(root.scrollWidth <= root.clientWidth)
        }
        frame.src = '/'
        document.body.append(frame)
    })";
    assert_eq!(visit.browser.run(frame).await, true);
}

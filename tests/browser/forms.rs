//! The form: one token is one order, even if a person sends it again.

use crate::Visit;

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_orders_once() {
    let visit = Visit::begin().await;
    visit.browser.double_click("#submit").await;
    visit.order_is_shown().await;
    assert_eq!((visit.bought().await.len(), visit.runs("formOrder").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_double_click_orders_once_without_the_script_too() {
    let visit = Visit::begin().await;
    visit.browser.run("document.querySelector('#order').dataset.idempotent = 'off'").await;
    visit.browser.run("document.querySelector('[name=delay_ms]').value = '2000'").await;
    visit.browser.double_click("#submit").await;
    let address = visit.order_is_shown().await;
    let [order] = &visit.bought().await[..] else { panic!("one order") };
    assert!(address.ends_with(order["id"].as_str().unwrap()), "{address}");
    assert_eq!(visit.runs("formOrder").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn reloading_after_the_redirect_orders_nothing_more() {
    let visit = Visit::begin().await;
    visit.browser.click("#submit").await;
    let address = visit.order_is_shown().await;
    visit.browser.press("refresh").await;
    visit.shows("#notice", "1 × book").await;
    assert_eq!(visit.browser.address().await, address);
    assert_eq!((visit.bought().await.len(), visit.runs("formOrder").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_and_sending_the_form_again_shows_the_same_order() {
    let visit = Visit::begin().await;
    let token = visit.token().await;
    visit.browser.click("#submit").await;
    let address = visit.order_is_shown().await;
    visit.browser.press("back").await;
    assert_eq!(visit.token().await, token, "the back button shows the page as it was");
    let enabled = "return !document.querySelector('#submit').disabled";
    assert_eq!(visit.browser.run(enabled).await, true, "it can be sent again");
    visit.browser.click("#submit").await;
    assert_eq!(visit.order_is_shown().await, address);
    visit.shows("#activity", "replayed").await;
    assert_eq!((visit.bought().await.len(), visit.runs("formOrder").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn going_back_and_changing_the_form_is_explained_and_orders_nothing() {
    let visit = Visit::begin().await;
    visit.browser.click("#submit").await;
    visit.order_is_shown().await;
    visit.browser.press("back").await;
    visit.browser.run("document.querySelector('[name=quantity]').value = '2'").await;
    visit.browser.click("#submit").await;
    visit.shows("h1", "This form was already sent").await;
    assert_eq!((visit.bought().await.len(), visit.runs("formOrder").await), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tabs_have_two_tokens_and_make_two_orders() {
    let visit = Visit::begin().await;
    let (first, token) = (visit.browser.tab().await, visit.token().await);
    visit.browser.new_tab().await;
    visit.open_page().await;
    assert_ne!(visit.token().await, token);
    visit.browser.click("#submit").await;
    let second_order = visit.order_is_shown().await;
    visit.browser.go_to_tab(&first).await;
    visit.browser.click("#submit").await;
    assert_ne!(visit.order_is_shown().await, second_order);
    assert_eq!(visit.bought().await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_form_is_explained_and_leads_back_to_a_new_one() {
    let visit = Visit::begin().await;
    let unknown = "document.querySelector('[name=token]').value = '01ARZ3NDEKTSV4RRFFQ69G5FAV'";
    visit.browser.run(unknown).await;
    visit.browser.click("#submit").await;
    visit.shows("h1", "This form has expired").await;
    assert_eq!(visit.bought().await.len(), 0);
    visit.browser.click("a").await;
    visit.shows("h1", "A shop that can be retried").await;
    visit.browser.click("#submit").await;
    visit.order_is_shown().await;
    assert_eq!(visit.bought().await.len(), 1);
}

//! `fetch` through the script: one intent is one order, even if the network fails.

use crate::Visit;

#[tokio::test(flavor = "multi_thread")]
async fn a_click_by_script_is_one_order_and_sending_it_again_is_a_replay() {
    let visit = Visit::begin().await;
    visit.browser.click("#fetch").await;
    let first = visit.shows("#notice", "1 × book").await;
    visit.browser.click("#repeat").await;
    visit.shows("#activity", "replayed").await;
    assert_eq!(visit.shows("#notice", "1 × book").await, first);
    assert_eq!((visit.bought().await.len(), visit.runs("create_order").await), (1, 1));
    visit.browser.click("#fetch").await;
    visit.runs_reach("create_order", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_in_mid_request_costs_the_person_nothing() {
    let mut visit = Visit::with(&["--lease", "2s"]).await;
    visit.browser.run("document.querySelector('[name=delay_ms]').value = '2000'").await;
    visit.browser.click("#fetch").await;
    visit.runs_reach("create_order", 1).await;
    visit.orders.restart_in_place();
    visit.shows("#notice", "1 × book").await;
    let [order] = &visit.bought().await[..] else { panic!("one order") };
    let notice = visit.browser.text("#notice").await;
    assert!(notice.contains(order["id"].as_str().unwrap()), "{notice}");
    assert_eq!(visit.runs("create_order").await, 2, "the run that died, and the one that did it");
}

#[tokio::test(flavor = "multi_thread")]
async fn tries_are_bounded_and_a_refusal_is_no_reason_for_another() {
    let visit = Visit::begin().await;
    let tries = |status: u16| {
        format!(
            "let tries = 1
             const body = JSON.stringify({{ sku: 'book', quantity: 1, simulate: {{ status: {status} }} }})
             const headers = {{ 'Content-Type': 'application/json' }}
             const told = {{ method: 'POST', headers, body, tries: 3, onRetry: () => tries++ }}
             return idempotent.fetch('/orders', told).then((answer) => [answer.status, tries])"
        )
    };
    for (status, expected) in [(503, 3), (422, 1), (409, 1), (500, 1)] {
        let seen = visit.browser.run(&tries(status)).await;
        assert_eq!(seen, serde_json::json!([status, expected]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_aborted_is_not_sent_again() {
    let visit = Visit::begin().await;
    let script = "const stop = new AbortController()
        const told = { method: 'POST', signal: stop.signal, onRetry: () => stop.abort() }
        return idempotent.fetch('http://127.0.0.1:1/', told).catch((error) => error.name)";
    assert_eq!(visit.browser.run(script).await, "AbortError");
}

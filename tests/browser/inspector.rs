//! The page for operators in a real Chromium.

use serde_json::{Value, json};
use tests::{Browser, Orders, eventually};

const TOKEN: &str = "correct horse battery";

/// A shop after a crash in the middle of an order, and an operator in front of its page.
pub(crate) struct Watch {
    pub(crate) browser: Browser,
    pub(crate) orders: Orders,
}

impl Watch {
    pub(crate) async fn begin() -> Self {
        let options = ["--lease", "500ms"];
        let orders = Orders::start("sqlite:records.db", "sqlite:orders.db", &options);
        let mut orders = orders.knowing("ORDERS_OPERATOR_TOKEN", TOKEN);
        let running = tokio::spawn(order(&orders, "5f0c8a53-lost", 60_000).try_send());
        let effects = async || {
            let told = orders.get("/effects").send().await.json();
            (told["create_order"].as_u64() == Some(1)).then_some(())
        };
        eventually("it runs", effects).await;
        orders.kill();
        assert!(running.await.expect("no panic").is_err(), "the kill came before the answer");
        orders.restart();
        let browser = Browser::start().await;
        // From now on the browser knows the password.
        let address = orders
            .url()
            .replace("http://", &format!("http://anna:{}@", "correct%20horse%20battery"));
        browser.open(&format!("{address}/inspector/")).await;
        let watch = Self { browser, orders };
        eventually("its lease is over", async || {
            watch.open().await;
            watch.browser.text("main").await.contains("abandoned").then_some(())
        })
        .await;
        watch
    }

    pub(crate) async fn open(&self) {
        self.browser.open(&format!("{}/inspector/", self.orders.url())).await;
    }

    pub(crate) async fn shows(&self, css: &str, text: &str) -> String {
        eventually(text, async || {
            let shown = self.browser.text(css).await;
            shown.contains(text).then_some(shown)
        })
        .await
    }
}

/// An order of alice's that takes this long.
pub(crate) fn order(orders: &Orders, key: &str, delay: u64) -> tests::Sender {
    let order = json!({"sku": "book", "quantity": 1, "simulate": {"delay_ms": delay}});
    orders.post("/orders").key(key).json(&order)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keyboard_alone_settles_a_record() {
    let watch = Watch::begin().await;
    watch.browser.run("document.querySelector('.record a').focus()").await;
    // Tab to the control that opens the buttons, then past the first button to the second.
    watch.browser.type_keys("\u{e004}\u{e007}\u{e004}\u{e004}").await;
    let focused = "const one = document.activeElement; return [one.value, getComputedStyle(one).outlineStyle]";
    assert_eq!(watch.browser.run(focused).await, json!(["not-done", "solid"]));
    watch.browser.type_keys("\u{e007}").await;
    watch.shows("main", "It did not happen").await;
    let address = watch.browser.address().await;
    assert!(
        address.contains("/inspector/record/") && address.ends_with("?did=not-done"),
        "{address}"
    );
    // The page before is loaded again, with a token that is not used yet.
    watch.browser.press("back").await;
    watch.shows("main", "None.").await;
    let reply = order(&watch.orders, "5f0c8a53-lost", 0).send().await;
    assert_eq!((reply.status, reply.is_replay()), (201, false));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_follows_the_process_without_a_reload() {
    let mut watch = Watch::begin().await;
    watch.shows("#state", "follow the process").await;
    watch.shows("#live", "Running: 0.").await;
    assert_eq!(order(&watch.orders, "6a1d-done", 0).send().await.status, 201);
    let running = tokio::spawn(order(&watch.orders, "6a1d-runs", 60_000).try_send());
    let runs = watch.shows("#live", "Running: 1.").await;
    assert!(runs.contains("POST /orders") && !runs.contains("6a1d-runs"), "{runs}");
    let bars = "return document.querySelectorAll('#live svg path.ran[d^=M]').length";
    assert_ne!(watch.browser.run(bars).await, 0);
    // If the process ends, the page says so, and follows the next process when it is asked to.
    watch.orders.restart_in_place();
    assert!(running.await.expect("no panic").is_err(), "the kill came before the answer");
    watch.shows("#state", "stand still").await;
    watch.browser.run("document.querySelector('#again').focus()").await;
    watch.browser.type_keys("\u{e007}").await;
    watch.shows("#live", "Running: 0.").await;
    let state = "return [document.activeElement.id, document.querySelector('#again').hidden]";
    assert_eq!(watch.browser.run(state).await, json!(["state", true]));
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_has_a_name_and_nothing_comes_from_elsewhere() {
    let watch = Watch::begin().await;
    order(&watch.orders, "one", 0).send().await;
    watch.open().await;
    watch
        .browser
        .run("for (const one of document.querySelectorAll('details')) one.open = true")
        .await;
    let names = watch
        .browser
        .names("a, button:not([hidden]), input:not([type=hidden]), textarea, svg")
        .await;
    assert!(names.len() > 8 && names.iter().all(|name| !name.is_empty()), "{names:?}");
    let chart = names.iter().any(|name| name.contains("POST /orders in the last 5 minutes: 1 ran"));
    assert!(chart, "{names:?}");
    let regions = watch.browser.names("section").await;
    assert!(regions.contains(&"Waiting for a person".to_owned()), "{regions:?}");
    let foreign = "return performance.getEntriesByType('resource').map((entry) => entry.name)
        .filter((name) => !name.startsWith(location.origin))";
    assert_eq!(watch.browser.run(foreign).await, json!([]));
    // A script that somebody else writes into the page does not run.
    let inline = "const it = document.createElement('script'); it.textContent = 'window.ran = 1'
        document.body.append(it); return window.ran ?? 0";
    assert_eq!(watch.browser.run(inline).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_shows_all_of_it_in_light_and_dark_with_enough_contrast() {
    let watch = Watch::begin().await;
    order(&watch.orders, "one", 0).send().await;
    order(&watch.orders, "one", 0).send().await;
    let card = "return document.querySelector('.record a').href";
    watch.open().await;
    let record = watch.browser.run(card).await;
    let record = record.as_str().expect("an address");
    for scheme in ["light", "dark"] {
        watch.browser.look_through(320, 640, scheme).await;
        for page in [&format!("{}/inspector/", watch.orders.url()), record] {
            watch.browser.open(page).await;
            watch
                .browser
                .run("for (const one of document.querySelectorAll('details')) one.open = true")
                .await;
            let fits = "const root = document.documentElement
                return [innerWidth, root.scrollWidth <= root.clientWidth]";
            assert_eq!(watch.browser.run(fits).await, json!([320, true]), "{scheme} {page}");
            assert_eq!(watch.browser.run(FAINT).await, json!([]), "{scheme} {page}");
            assert_eq!(
                watch
                    .browser
                    .run("return matchMedia('(prefers-color-scheme: dark)').matches")
                    .await,
                Value::from(scheme == "dark")
            );
        }
    }
}

/// Texts whose contrast with their background is below 4.5
/// (<https://www.w3.org/TR/WCAG22/#contrast-minimum>).
const FAINT: &str = r"
    const numbers = (colour) => colour.match(/[\d.]+/g).map(Number)
    const light = (colour) => {
        const [r, g, b] = numbers(colour).map((one) => {
            const part = one / 255
            return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
        })
        return 0.2126 * r + 0.7152 * g + 0.0722 * b
    }
    const behind = (one) => {
        const colour = getComputedStyle(one).backgroundColor
        const [, , , alpha = 1] = numbers(colour)
        return alpha === 0 && one.parentElement ? behind(one.parentElement) : colour
    }
    const contrast = (one) => {
        const lights = [light(getComputedStyle(one).color), light(behind(one))].sort((a, b) => b - a)
        return (lights[0] + 0.05) / (lights[1] + 0.05)
    }
    const said = (one) => [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
    return [...document.querySelectorAll('body *')].filter((one) => said(one) && contrast(one) < 4.5)
        .map((one) => `${contrast(one).toFixed(2)} ${one.outerHTML}`)";

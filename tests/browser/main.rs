//! The flagship's page in a real Chromium, used as a person uses it.

mod clients;
mod downloads;
mod forms;
mod freed;
mod inspector;
mod package;
mod page;
mod pictures;
mod script;

use reqwest::Method;
use serde_json::Value;
use tests::{Browser, Orders, Sender, eventually};

/// A shop, and a person in front of its page.
struct Visit {
    browser: Browser,
    orders: Orders,
}

impl Visit {
    /// A person who just opened the page.
    async fn begin() -> Self {
        Self::with(&[]).await
    }

    /// A person who just opened the page of a shop with these options.
    async fn with(options: &[&str]) -> Self {
        let orders = Orders::start("sqlite:records.db", "sqlite:orders.db", options);
        let browser = Browser::start().await;
        let visit = Self { browser, orders };
        visit.open_page().await;
        visit
    }

    async fn open_page(&self) {
        self.browser.open(&format!("{}/", self.orders.url())).await;
    }

    /// The orders of the person so far.
    async fn bought(&self) -> Vec<Value> {
        let list = self.orders.get("/orders").as_account("demo").send().await;
        serde_json::from_slice(&list.body).expect("a list")
    }

    /// How often an operation really ran.
    async fn runs(&self, operation: &str) -> u64 {
        let url = format!("{}/effects", self.orders.url());
        let effects = Sender::anonymous(Method::GET, url).send().await.json();
        effects[operation].as_u64().unwrap_or(0)
    }

    /// Waits until an operation ran, or runs, this often.
    async fn runs_reach(&self, operation: &str, runs: u64) {
        eventually("it runs", async || (self.runs(operation).await >= runs).then_some(())).await;
    }

    /// Waits until the page shows an order, and returns its address.
    async fn order_is_shown(&self) -> String {
        eventually("the order is shown", async || {
            let address = self.browser.address().await;
            address.contains("?order=").then_some(address)
        })
        .await
    }

    /// Waits until an element shows this text.
    async fn shows(&self, css: &str, text: &str) -> String {
        eventually(text, async || {
            let shown = self.browser.text(css).await;
            shown.contains(text).then_some(shown)
        })
        .await
    }

    /// The token in the page's form.
    async fn token(&self) -> String {
        let token = self.browser.run("return document.querySelector('[name=token]').value").await;
        token.as_str().expect("a token").to_owned()
    }
}

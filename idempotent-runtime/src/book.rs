//! The book. Each chapter is one page that takes about five minutes to read. Its code is compiled, and it
//! runs if the chapter says so.
//!
//! - **Begin**: [`start`] · [`strategies`], and when to use each · [`keys`], scopes and fingerprints · [`glossary`] ·
//!   [`coming_from`] other libraries
//! - **Clients**: [`clients`], the answers that they get and their retries · [`replays`] · [`forms`] · [`webhooks`]
//! - **Your database**: [`money`], effect and record in one commit · [`transactions`] · [`rows`], versions and states
//! - **Beyond a request**: [`functions`] · [`queues`] · [`tasks`] · [`caches`] · [`locks`]
//! - **The app**: [`middleware`] · [`testing`] · [`check`], any endpoint from outside · [`openapi`]
//! - **Operation**: [`stores`] · [`store_settings`], server by server · [`records`] · [`tls`] · [`sealed`] records ·
//!   [`operating`] · [`metrics`] · the [`inspector`] · the [`command_line`] · its [`scripts`] · [`own_store`]
//! - **As measured**: [`guarantees`] · [`crashes`] · [`outages`] · [`limits`] · [`evidence`] · [`costs`] · [`costs_stores`]

#![expect(
    clippy::doc_markdown,
    reason = "chapters are prose, which is read in the repository, too"
)]

/// The links of the chapters stand before each chapter. They lead to modules here, while those in the files
/// lead to files of the repository: of two definitions of a link, the first one counts.
macro_rules! chapters {
    ($($name:ident: $file:literal;)*) => {
        $(
            #[doc = include_str!("../docs/links.md")]
            #[doc = ""]
            #[doc = include_str!(concat!("../docs/book/", $file))]
            pub mod $name {}
        )*
    };
}

chapters! {
    start: "start.md";
    strategies: "strategies.md";
    keys: "keys.md";
    clients: "clients.md";
    replays: "replays.md";
    forms: "forms.md";
    money: "money.md";
    transactions: "transactions.md";
    rows: "rows.md";
    functions: "functions.md";
    queues: "queues.md";
    tasks: "tasks.md";
    caches: "caches.md";
    locks: "locks.md";
    webhooks: "webhooks.md";
    middleware: "middleware.md";
    stores: "stores.md";
    store_settings: "store-settings.md";
    records: "records.md";
    tls: "tls.md";
    sealed: "sealed.md";
    operating: "operating.md";
    metrics: "metrics.md";
    inspector: "inspector.md";
    command_line: "command-line.md";
    scripts: "scripts.md";
    testing: "testing.md";
    check: "check.md";
    openapi: "openapi.md";
    guarantees: "guarantees.md";
    crashes: "crashes.md";
    outages: "outages.md";
    limits: "limits.md";
    evidence: "evidence.md";
    costs: "costs.md";
    costs_stores: "costs-stores.md";
    own_store: "own-store.md";
    coming_from: "coming-from.md";
    glossary: "glossary.md";
}

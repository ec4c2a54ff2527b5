//! A page for each strategy of [`idempotent`](macro@crate::idempotent): its arguments, its answers, and an example.
//!
//! | strategy | guards | by |
//! | --- | --- | --- |
//! | [`request_id`] | a request whose client chooses the key | a record in the store |
//! | [`token`] | a form that is sent twice | a token that the server issues |
//! | [`lock`] | a thing that no two may touch at a time | a lease in the store |
//! | [`cache`] | a read that many ask for | an answer in the store |
//! | [`dedup_table`] | an effect in your own database | a record in the same transaction |
//! | [`row_lock`] | a balance, a stock | the lock of a row |
//! | [`version`] | an edit of what somebody saw | the version of a row |
//! | [`state`] | a step of a process | the state of a row |
//! | [`unique`] | a thing with a name of its own | a unique index |
//! | [`async`](mod@async) | a request that takes longer than its client waits | a task in the store |
//! | [`message`] | a function that no request calls | a record in the store, or in the function's transaction |
//!
//! The pages of strategies with transactions show their examples only with the feature `sqlite`.

/// The page of a strategy whose example needs `SQLite`.
macro_rules! of_a_transaction {
    ($($name:ident: $page:literal;)*) => {
        $(
            #[cfg_attr(feature = "sqlite", doc = include_str!($page))]
            #[cfg_attr(not(feature = "sqlite"), doc = "Its page needs the feature `sqlite`.")]
            pub mod $name {}
        )*
    };
}

#[doc = include_str!("../docs/strategies/request_id.md")]
pub mod request_id {}

#[doc = include_str!("../docs/strategies/token.md")]
pub mod token {}

#[doc = include_str!("../docs/strategies/lock.md")]
pub mod lock {}

#[doc = include_str!("../docs/strategies/cache.md")]
pub mod cache {}

of_a_transaction! {
    dedup_table: "../docs/strategies/dedup_table.md";
    row_lock: "../docs/strategies/row_lock.md";
    version: "../docs/strategies/version.md";
    state: "../docs/strategies/state.md";
    unique: "../docs/strategies/unique.md";
}

#[doc = include_str!("../docs/strategies/async.md")]
pub mod r#async {}

#[doc = include_str!("../docs/strategies/message.md")]
pub mod message {}

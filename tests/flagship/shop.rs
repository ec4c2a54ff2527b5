//! The flagship, and requests that several tests send.

use crate::Records;
use reqwest::Method;
use serde_json::{Value, json};
use sqlx::{Connection, MySqlConnection, PgConnection, SqliteConnection};
use tests::{Orders, Reply, Sender, eventually};

/// A running flagship on its records.
pub(crate) struct Shop {
    /// The process; it ends before the server that its records are on.
    pub(crate) orders: Orders,
    pub(crate) records: Records,
}

/// The order that most tests place.
pub(crate) fn book() -> Value {
    json!({"sku": "book", "quantity": 1})
}

/// The body of the same order, with this fault in its handler.
pub(crate) fn suffering(what: &Value) -> Value {
    json!({"sku": "book", "quantity": 1, "simulate": what})
}

impl Shop {
    /// Opens one with the defaults.
    pub(crate) fn open(records: Records) -> Self {
        Self::with(records, &[])
    }

    /// Opens one with these options.
    pub(crate) fn with(records: Records, options: &[&str]) -> Self {
        let orders = Orders::start(records.store(), records.business(), options);
        Self { orders, records }
    }

    /// Opens another one, in a process of its own, on the same records and business data.
    pub(crate) fn beside(&self, options: &[&str]) -> Self {
        Self { orders: self.orders.start_beside(options), records: self.records.clone() }
    }

    /// An order of one book by alice, under this key.
    pub(crate) fn order(&self, key: &str) -> Sender {
        self.orders.post("/orders").key(key).json(&book())
    }

    /// The same order, with this fault in its handler.
    pub(crate) fn suffer(&self, key: &str, what: &Value) -> Sender {
        self.order(key).json(&suffering(what))
    }

    /// The same order, where retries wait.
    pub(crate) fn order_or_wait(&self, key: &str, what: &Value) -> Sender {
        self.orders.post("/orders/wait").key(key).json(&suffering(what))
    }

    /// A request for a token by this account.
    pub(crate) fn ask_for_token(&self, account: &str) -> Sender {
        let url = format!("{}/order/getToken", self.orders.url());
        Sender::anonymous(Method::GET, url).header("secret", account)
    }

    /// A token of this account.
    pub(crate) async fn token(&self, account: &str) -> String {
        let reply = self.ask_for_token(account).send().await;
        assert_eq!(reply.status, 200);
        String::from_utf8(reply.body.to_vec()).expect("plain text")
    }

    /// An order of one book by this account, for a token.
    pub(crate) fn buy(&self, account: &str, token: &str) -> Sender {
        let url = format!("{}/order/create", self.orders.url());
        let sender = Sender::anonymous(Method::POST, url).header("secret", account);
        sender.header("token", token).json(&book())
    }

    /// Runs a statement in the business database.
    pub(crate) async fn business(&self, statement: &str) {
        let url = self.records.business();
        let statement = sqlx::raw_sql(sqlx::AssertSqlSafe(statement));
        let ran = match url.split(':').next() {
            Some("postgres") => {
                let mut business = PgConnection::connect(url).await.expect("it is up");
                statement.execute(&mut business).await.map(|done| done.rows_affected())
            }
            Some("mysql") => {
                let mut business = MySqlConnection::connect(url).await.expect("it is up");
                statement.execute(&mut business).await.map(|done| done.rows_affected())
            }
            _ => {
                let file = format!("sqlite:{}", self.orders.database().display());
                let mut business = SqliteConnection::connect(&file).await.expect("it opens");
                statement.execute(&mut business).await.map(|done| done.rows_affected())
            }
        };
        assert_eq!(ran.expect("the database accepts it"), 1, "{url}");
    }

    /// The number of times that the body of this operation ran, according to `/effects`.
    pub(crate) async fn effects(&self, operation: &str) -> u64 {
        let url = format!("{}/effects", self.orders.url());
        let reply = Sender::anonymous(Method::GET, url).send().await;
        assert_eq!(reply.status, 200);
        let effects = reply.json();
        assert!(effects.is_object(), "{effects}");
        effects.get(operation).map_or(0, |runs| runs.as_u64().expect("a number"))
    }

    /// Waits until the body of this operation ran, or runs, this often.
    pub(crate) async fn effects_reach(&self, operation: &str, runs: u64) {
        eventually("the body runs", async || (self.effects(operation).await >= runs).then_some(()))
            .await;
    }

    /// The orders that alice sees.
    pub(crate) async fn list(&self) -> Vec<Value> {
        let reply = self.orders.get("/orders").send().await;
        assert_eq!(reply.status, 200);
        serde_json::from_slice(&reply.body).expect("a list")
    }
}

/// Checks that an answer is a replay of the first one, and is marked as one.
#[track_caller]
pub(crate) fn assert_replays(first: &Reply, again: &Reply) {
    assert!(!first.is_replay() && again.is_replay(), "{first:?} {again:?}");
    assert_eq!(again.status, first.status);
    assert_eq!(again.body, first.body);
    for name in ["Content-Type", "Location"] {
        assert_eq!(again.lines(name), first.lines(name), "{name}");
    }
}

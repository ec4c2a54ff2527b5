//! `state` with `set = "last"`, for columns that change together.

use crate::{Bank, Kind};
use actix_web::HttpResponse;
use futures_util::future::join_all;
use tests::Log;

on_every_database! {
    columns_that_change_together_are_set_by_guard_and_handler,
    a_handler_may_set_its_column_itself,
    a_handler_that_leaves_its_row_elsewhere_is_taken_back_whole,
    an_error_answer_sets_nothing,
    of_fifty_at_once_one_settles,
}

const PAY: &str = "UPDATE invoices SET paid_at = 5 WHERE id = 7";

impl Bank {
    async fn with_an_invoice(kind: Kind) -> Self {
        let bank = Self::open(kind, 4).await;
        let schema = "CREATE TABLE invoices (
            id BIGINT PRIMARY KEY, status VARCHAR(20) NOT NULL, paid_at BIGINT,
            CHECK (status <> 'paid' OR paid_at IS NOT NULL)
        )";
        bank.run(schema).await;
        bank.run("INSERT INTO invoices (id, status) VALUES (7, 'created')").await;
        bank
    }

    /// Whether the invoice has this status and, if it is paid, the time of its payment.
    async fn is(&self, status: &str) -> bool {
        let query = format!("SELECT COUNT(*) FROM invoices WHERE id = 7 AND status = '{status}'");
        self.number(&query).await == 1
    }
}

async fn columns_that_change_together_are_set_by_guard_and_handler(kind: Kind) {
    let bank = Bank::with_an_invoice(kind).await;
    bank.post("/settle/8").body(PAY).send().await.is_problem(404, "row-missing");
    assert_eq!(bank.post("/settle/7").body(PAY).send().await.status, 201);
    assert!(bank.is("paid").await);
    let again = bank.post("/settle/7").body(PAY).send().await;
    assert_eq!((again.status, again.header("Idempotency-Already-Done")), (200, Some("true")));
    bank.run("UPDATE invoices SET status = 'cancelled'").await;
    bank.post("/settle/7").body(PAY).send().await.is_problem(409, "illegal-transition");
    assert_eq!(bank.effects().await, 1);
}

async fn a_handler_may_set_its_column_itself(kind: Kind) {
    let bank = Bank::with_an_invoice(kind).await;
    let pay = "UPDATE invoices SET paid_at = 5, status = 'paid' WHERE id = 7";
    let settle = || bank.post("/settle-with-key/7").key("k").body(pay).send();
    let (first, again) = (settle().await, settle().await);
    assert_eq!((first.status, again.status, again.is_replay()), (201, 201, true));
    assert!(bank.is("paid").await);
    assert_eq!((bank.effects().await, bank.records().await), (1, 1));
}

async fn a_handler_that_leaves_its_row_elsewhere_is_taken_back_whole(kind: Kind) {
    let (log, bank) = (Log::listen(), Bank::with_an_invoice(kind).await);
    let lost = format!("UPDATE invoices SET status = 'lost {kind:?}' WHERE id = 7");
    for (path, elsewhere) in [
        ("/settle/7", "UPDATE invoices SET status = 'cancelled' WHERE id = 7"),
        ("/settle-with-key/7", &*lost),
        ("/settle-with-key/7", "DELETE FROM invoices WHERE id = 7"),
    ] {
        let refused = bank.post(path).key("k").body(elsewhere.to_owned()).send().await;
        refused.is_problem(500, "misconfigured");
        assert!(bank.is("created").await, "{elsewhere}");
        assert_eq!(bank.effects().await, 0);
    }
    assert_eq!(log.lines(&format!("lost {kind:?}")).len(), 1);
    // No record is kept, either.
    let settled = bank.post("/settle-with-key/7").key("k").body(PAY).send().await;
    assert_eq!((settled.status, settled.is_replay()), (201, false));
    assert_eq!(bank.records().await, 1);
}

async fn an_error_answer_sets_nothing(kind: Kind) {
    let bank = Bank::with_an_invoice(kind).await;
    for (path, status, replays) in [
        ("/settle/7", 409, false),
        ("/settle/7", 503, false),
        ("/settle-with-key/7", 503, false),
        ("/settle-with-key/7", 409, true),
    ] {
        bank.handler
            .answers(move |_| HttpResponse::build(status.try_into().expect("a status")).finish());
        let settle = || bank.post(path).key("k").body(PAY).send();
        let (refused, again) = (settle().await, settle().await);
        assert_eq!((refused.status, again.status, again.is_replay()), (status, status, replays));
        assert!(bank.is("created").await && bank.effects().await == 0, "{path} {status}");
    }
}

async fn of_fifty_at_once_one_settles(kind: Kind) {
    let bank = Bank::with_an_invoice(kind).await;
    let replies = join_all((0..50).map(|_| bank.post("/settle/7").body(PAY).send())).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 1);
    assert_eq!(replies.iter().filter(|reply| reply.status == 200).count(), 49, "{replies:?}");
    assert_eq!(bank.effects().await, 1);
}

//! Records that commit with the effect, sealed.

use crate::{Bank, Kind};
use actix_web::HttpResponse;
use idempotent_runtime::records::{Force, Forgotten, KeptIn, KeptOutcome, RecordState};
use idempotent_runtime::seal::Keys;

on_every_database! {
    nothing_of_an_answer_can_be_read_in_the_table,
    a_record_that_does_not_open_stops_the_handler,
    a_record_that_is_not_sealed_stops_the_handler,
    who_has_no_key_can_forget_a_sealed_record,
}

const CARD: &str = "4242-4242";

fn keys() -> Keys {
    Keys::new("now", [1; 32])
}

async fn open(kind: Kind) -> Bank {
    let bank = Bank::with(kind, |builder| builder.seal(keys().labels())).await;
    bank.handler.answers(|_| HttpResponse::Created().insert_header(("x-card", CARD)).body(CARD));
    bank
}

/// The records that contain this text, and those that have it as their label.
async fn showing(bank: &Bank, kind: Kind, text: &str) -> (i64, i64) {
    let digits: Vec<_> = text.bytes().map(|byte| format!("{byte:02x}")).collect();
    let hex = digits.concat();
    let value = match kind {
        Kind::Postgres => format!(r"position('\x{hex}'::bytea IN value) > 0"),
        Kind::Sqlite | Kind::MariaDb => format!("instr(value, x'{hex}') > 0"),
    };
    let count = async |condition: &str| {
        bank.number(&format!("SELECT count(*) FROM idempotency_records WHERE {condition}")).await
    };
    (count(&value).await, count(&format!("label = '{text}'")).await)
}

async fn nothing_of_an_answer_can_be_read_in_the_table(kind: Kind) {
    let bank = open(kind).await;
    let first = bank.post("/dedup").key("my-key").send().await;
    let again = bank.post("/dedup").key("my-key").send().await;
    assert_eq!((again.is_replay(), again.header("x-card")), (true, Some(CARD)));
    assert_eq!((first.body, bank.effects().await), (again.body, 1));
    for secret in [CARD, "my-key"] {
        assert_eq!(showing(&bank, kind, secret).await, (0, 0), "{secret}");
    }
    // This proves that the look finds unsealed text.
    let (_, readable) = bank.elsewhere_with(|builder| builder);
    readable.post("/dedup").key("other-key").send().await;
    assert_eq!(showing(&bank, kind, CARD).await, (1, 0));
    assert_eq!(showing(&bank, kind, "other-key").await, (1, 1));
}

async fn a_record_that_does_not_open_stops_the_handler(kind: Kind) {
    let bank = open(kind).await;
    assert_eq!(bank.post("/dedup").key("k").send().await.status, 201);
    for (n, other) in
        [Keys::new("now", [2; 32]), Keys::new("other", [1; 32])].into_iter().enumerate()
    {
        let (idempotency, server) = bank.elsewhere_with(|builder| builder.seal(other));
        server.post("/dedup").key("k").send().await.is_problem(503, "store-unavailable");
        assert_eq!(idempotency.counts().unopened, 1, "keys {n}");
    }
    let renewed = Keys::new("later", [2; 32]).previous("now", [1; 32]);
    let (_, renewed) = bank.elsewhere_with(|builder| builder.seal(renewed));
    assert!(renewed.post("/dedup").key("k").send().await.is_replay());
    assert_eq!((bank.handler.runs(), bank.effects().await), (1, 1));
}

async fn a_record_that_is_not_sealed_stops_the_handler(kind: Kind) {
    let bank = open(kind).await;
    let (_, readable) = bank.elsewhere_with(|builder| builder);
    readable.post("/dedup").key("k").send().await;
    bank.post("/dedup").key("k").send().await.is_problem(503, "store-unavailable");
    let (_, accepting) = bank.elsewhere_with(|builder| builder.seal(keys().accept_unsealed()));
    assert!(accepting.post("/dedup").key("k").send().await.is_replay());
    assert_eq!((bank.handler.runs(), bank.idempotency.counts().unopened), (1, 1));
}

async fn who_has_no_key_can_forget_a_sealed_record(kind: Kind) {
    let bank = open(kind).await;
    bank.post("/dedup").key("k").send().await;
    let (operator, _) = bank.elsewhere_with(|builder| builder);
    let page = operator.records().kept_in(KeptIn::Database).page(10, None).await.unwrap();
    let [record] = &page.records[..] else { panic!("{page:?}") };
    let state = record.state();
    assert!(matches!(state, RecordState::Completed(KeptOutcome::Sealed { .. })), "{state:?}");
    assert_eq!((record.label(), record.sealed_with()), ("(sealed)", Some("now")));
    assert_eq!(operator.forget(record, Force::No).await.unwrap(), Forgotten::Yes);
    assert_eq!(bank.post("/dedup").key("k").send().await.status, 201);
    assert_eq!(bank.handler.runs(), 2);
}

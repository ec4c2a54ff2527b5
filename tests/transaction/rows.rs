//! `row_lock`, `version` and `state`: invariant S11.

use crate::{Bank, Kind};
use actix_web::HttpResponse;
use futures_util::future::join_all;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

on_every_database! {
    of_fifty_updates_of_one_version_one_succeeds,
    a_version_must_be_named_and_must_be_one,
    a_failed_update_leaves_the_version_as_it_was,
    an_update_that_went_through_can_be_accepted,
    with_a_key_the_first_answer_is_replayed_before_the_row_judges,
    a_thing_goes_through_its_states_once,
    with_a_key_the_first_answer_is_replayed_before_the_state_judges,
    a_failed_transition_leaves_the_state_as_it_was,
    a_column_can_hold_states_as_numbers,
    of_fifty_holders_of_a_row_no_two_overlap_and_no_update_is_lost,
    who_waits_too_long_for_a_row_is_told_so,
    an_id_is_bound_and_never_part_of_the_statement,
    the_row_that_is_guarded_is_the_one_that_the_handler_reads,
    names_are_quoted,
    a_row_inside_of_a_guard_leaves_the_key_to_it,
}

impl Bank {
    pub(crate) async fn things(kind: Kind, statement: &'static str) -> Self {
        Self::open(kind, 4).await.with_things(statement).await
    }

    /// Opens a bank, with these statements on its things.
    pub(crate) async fn with_things(self, statement: &'static str) -> Self {
        let schema = "CREATE TABLE things (
            id BIGINT PRIMARY KEY, version BIGINT NOT NULL DEFAULT 0,
            status VARCHAR(20) NOT NULL DEFAULT 'created', level BIGINT NOT NULL DEFAULT 1,
            owner VARCHAR(20) NOT NULL DEFAULT 'alice'
        )";
        self.run(schema).await;
        self.run(statement).await;
        self
    }

    async fn one(kind: Kind) -> Self {
        Self::things(kind, "INSERT INTO things (id) VALUES (7)").await
    }
}

async fn of_fifty_updates_of_one_version_one_succeeds(kind: Kind) {
    one_of_fifty_succeeds(&Bank::one(kind).await).await;
}

/// Sends fifty updates of one version of the thing 7 at once.
pub(crate) async fn one_of_fifty_succeeds(bank: &Bank) {
    let sent = (0..50).map(|_| bank.post("/versioned/7").header("If-Match", "\"0\"").send());
    let replies = join_all(sent).await;
    let (done, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
    assert_eq!((done.len(), done[0].header("ETag")), (1, Some("\"1\"")));
    for reply in refused {
        reply.is_problem(412, "version-mismatch");
        assert_eq!(reply.header("ETag"), Some("\"1\""));
    }
    assert_eq!(bank.effects().await, 1);
}

async fn a_version_must_be_named_and_must_be_one(kind: Kind) {
    let bank = Bank::one(kind).await;
    bank.post("/versioned/7").send().await.is_problem(428, "version-missing");
    for written in ["W/\"0\"", "\"zero\"", "\"-1\"", "9223372036854775807"] {
        let reply = bank.post("/versioned/7").header("If-Match", written).send().await;
        reply.is_problem(412, "version-mismatch");
    }
    let unknown = bank.post("/versioned/8").header("If-Match", "\"0\"").send().await;
    unknown.is_problem(404, "row-missing");
    assert_eq!(bank.handler.runs(), 0);
    assert_eq!(bank.post("/versioned/7").header("If-Match", "0").send().await.status, 201);
}

async fn a_failed_update_leaves_the_version_as_it_was(kind: Kind) {
    let bank = Bank::one(kind).await;
    bank.handler.answers(|run| match run {
        1 => HttpResponse::InternalServerError().finish(),
        2 => HttpResponse::BadRequest().finish(),
        3 => panic!("as the test wants it"),
        _ => HttpResponse::NoContent().finish(),
    });
    for status in [500, 400, 500, 204] {
        let reply = bank.post("/versioned/7").header("If-Match", "\"0\"").send().await;
        assert_eq!(reply.status, status);
    }
    assert_eq!(bank.number("SELECT version FROM things").await, 1);
    assert_eq!(bank.effects().await, 1);
}

async fn an_update_that_went_through_can_be_accepted(kind: Kind) {
    let bank = Bank::one(kind).await;
    let update = |version: &'static str| bank.post("/accepting/7").header("If-Match", version);
    assert_eq!(update("\"0\"").send().await.status, 201);
    let again = update("\"0\"").send().await;
    assert_eq!((again.status, again.header("ETag")), (204, Some("\"1\"")));
    assert_eq!(update("\"1\"").send().await.status, 201);
    update("\"0\"").send().await.is_problem(412, "version-mismatch");
    assert_eq!(bank.effects().await, 2);
}

async fn with_a_key_the_first_answer_is_replayed_before_the_row_judges(kind: Kind) {
    let bank = Bank::one(kind).await;
    let update = || bank.post("/versioned-with-key/7").key("k").header("If-Match", "\"0\"");
    let first = update().send().await;
    let again = update().send().await;
    assert_eq!((first.status, first.header("ETag")), (201, Some("\"1\"")));
    assert_eq!((again.status, again.is_replay(), again.header("ETag")), (201, true, Some("\"1\"")));
    let other =
        bank.post("/versioned-with-key/7").key("l").header("If-Match", "\"0\"").send().await;
    other.is_problem(412, "version-mismatch");
    // A refusal by the row is not stored: the same key runs when the row has the right state.
    let fits = bank.post("/versioned-with-key/7").key("l").header("If-Match", "\"1\"").send().await;
    assert_eq!((fits.status, fits.is_replay()), (201, false));
}

async fn a_thing_goes_through_its_states_once(kind: Kind) {
    let bank = Bank::one(kind).await;
    bank.post("/complete/7").send().await.is_problem(409, "illegal-transition");
    assert_eq!(bank.handler.runs(), 0);
    let paid = join_all((0..50).map(|_| bank.post("/pay/7").send())).await;
    assert_eq!(paid.iter().filter(|reply| reply.status == 201).count(), 1);
    for again in paid.iter().filter(|reply| reply.status != 201) {
        let done = again.header("Idempotency-Already-Done");
        assert_eq!((again.status, again.is_replay(), done), (200, false, Some("true")));
    }
    assert_eq!(bank.effects().await, 1);
    assert_eq!(bank.post("/complete/7").send().await.status, 201);
    // A later state counts as done, too; a state on another way does not.
    let again = bank.post("/pay/7").send().await;
    assert_eq!((again.status, again.json()["status"].as_str()), (200, Some("completed")));
    let refused = bank.post("/cancel/7").send().await;
    refused.is_problem(409, "illegal-transition");
    let detail = refused.json()["detail"].to_string();
    for name in ["`created`", "`cancelled`", "`completed`"] {
        assert!(detail.contains(name), "{detail}");
    }
    assert_eq!(bank.effects().await, 2);
}

async fn with_a_key_the_first_answer_is_replayed_before_the_state_judges(kind: Kind) {
    let bank = Bank::one(kind).await;
    let pay = |key: &'static str| bank.post("/pay-with-key/7").key(key).send();
    let (first, again) = (pay("k").await, pay("k").await);
    assert_eq!((first.status, first.is_replay()), (201, false));
    assert_eq!((again.status, again.is_replay(), again.body == first.body), (201, true, true));
    // Another request finds the thing in its target state, but did not bring it there.
    pay("l").await.is_problem(409, "illegal-transition");
    assert_eq!(bank.effects().await, 1);
}

async fn a_failed_transition_leaves_the_state_as_it_was(kind: Kind) {
    let bank = Bank::one(kind).await;
    bank.handler.answers(|run| match run {
        1 => HttpResponse::ServiceUnavailable().finish(),
        _ => HttpResponse::Created().finish(),
    });
    assert_eq!(bank.post("/pay/7").send().await.status, 503);
    assert_eq!(bank.post("/pay/7").send().await.status, 201);
    bank.post("/pay/8").send().await.is_problem(404, "row-missing");
}

async fn a_column_can_hold_states_as_numbers(kind: Kind) {
    let bank = Bank::one(kind).await;
    assert_eq!(bank.post("/raise/7").send().await.status, 201);
    assert_eq!(bank.post("/raise/7").send().await.status, 200);
    assert_eq!(bank.number("SELECT level FROM things").await, 5);
}

async fn of_fifty_holders_of_a_row_no_two_overlap_and_no_update_is_lost(kind: Kind) {
    fifty_hold_a_row_one_by_one(&Bank::one(kind).await).await;
}

/// Sends fifty requests at once that each read a number of the row 7 and write the next.
pub(crate) async fn fifty_hold_a_row_one_by_one(bank: &Bank) {
    let (handler, overlaps) = (bank.handler.clone(), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&overlaps);
    bank.handler.answers(move |run| {
        seen.fetch_add(usize::from(!handler.is_alone(run)), Ordering::SeqCst);
        HttpResponse::Created().finish()
    });
    bank.handler.pause();
    let (replies, ()) =
        tokio::join!(join_all((0..50).map(|_| bank.post("/count/7").send())), async {
            bank.handler.runs_reach(1).await;
            bank.handler.resume();
        });
    assert!(replies.iter().all(|reply| reply.status == 201), "{replies:?}");
    assert_eq!((bank.handler.runs(), overlaps.load(Ordering::SeqCst)), (50, 0));
    assert_eq!(bank.number("SELECT version FROM things").await, 50);
}

async fn who_waits_too_long_for_a_row_is_told_so(kind: Kind) {
    let bank = Bank::one(kind).await;
    bank.handler.pause();
    let first = tokio::spawn(bank.post("/row/7").send());
    bank.handler.runs_reach(1).await;
    let tired = tokio::select! {
        tired = bank.post("/row-impatient/7").send() => tired,
        () = bank.handler.runs_reach(2) => panic!("it runs, although the row is held"),
    };
    tired.is_problem(423, "locked");
    assert!(tired.header("Retry-After").is_some());
    bank.handler.resume();
    assert_eq!(first.await.unwrap().status, 201);
    assert_eq!((bank.handler.runs(), bank.effects().await), (1, 1));
    bank.post("/row/8").send().await.is_problem(404, "row-missing");
}

/// A row stores no answer: if the key were given back because of the row, a retry would debit again.
async fn a_row_inside_of_a_guard_leaves_the_key_to_it(kind: Kind) {
    let bank = Bank::one(kind).await;
    let server = bank.behind_a_guard();
    let debit = || server.post("/guarded/row/7").key("k").send();
    let first = debit().await;
    assert_eq!(first.status, 201);
    let again = debit().await;
    assert_eq!((again.status, again.is_replay(), again.body), (201, true, first.body));
    assert_eq!((bank.handler.runs(), bank.effects().await), (1, 1));
}

async fn an_id_is_bound_and_never_part_of_the_statement(kind: Kind) {
    let bank = Bank::one(kind).await;
    for id in ["7%20OR%201%3D1", "%27%20OR%20%27%27%3D%27", "7%3B%20DROP%20TABLE%20things"] {
        bank.post(&format!("/row/{id}")).send().await.is_problem(404, "row-missing");
    }
    assert_eq!(bank.number("SELECT count(*) FROM things").await, 1);
}

async fn the_row_that_is_guarded_is_the_one_that_the_handler_reads(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    let table = "CREATE TABLE notes (
            id VARCHAR(20) PRIMARY KEY, version BIGINT NOT NULL DEFAULT 0,
            status VARCHAR(20) NOT NULL DEFAULT 'created', edits BIGINT NOT NULL DEFAULT 0
        );
        INSERT INTO notes (id) VALUES ('x+y'), ('x%2By'), ('p/q'), ('p%2Fq'), ('50%'), ('50%25')";
    bank.run(table).await;
    for (id, spellings) in [
        ("x+y", ["x+y", "x%2By", "%78%2by"]),
        ("p/q", ["p%2Fq", "p%2fq", "%70%2Fq"]),
        ("50%", ["50%25", "%350%25", "5%30%25"]),
    ] {
        let [locked, versioned, signed] = spellings;
        let post = |path: String| bank.post(&path).header("If-Match", "\"0\"").send();
        assert_eq!(post(format!("/notes/{locked}/locked")).await.status, 201, "{id}");
        assert_eq!(post(format!("/notes/{versioned}/versioned")).await.status, 201, "{id}");
        assert_eq!(post(format!("/notes/{signed}/signed")).await.status, 201, "{id}");
        let guarded = format!(
            "SELECT count(*) FROM notes
             WHERE id = '{id}' AND (version, status, edits) = (1, 'paid', 3)"
        );
        assert_eq!(bank.number(&guarded).await, 1, "{id}");
    }
    assert_eq!(bank.number("SELECT count(*) FROM notes WHERE version + edits > 0").await, 3);
}

async fn names_are_quoted(kind: Kind) {
    let bank = Bank::open(kind, 4).await;
    let table = r#"CREATE TABLE "order" ("key" BIGINT PRIMARY KEY, "select" BIGINT NOT NULL);
                   INSERT INTO "order" VALUES (7, 3)"#;
    bank.run(&if kind == Kind::MariaDb { table.replace('"', "`") } else { table.to_owned() }).await;
    let update = || bank.post("/reserved/7").header("If-Match", "\"3\"");
    let done = update().send().await;
    assert_eq!((done.status, done.header("ETag")), (201, Some("\"4\"")));
    let refused = update().send().await;
    refused.is_problem(412, "version-mismatch");
    assert_eq!(refused.header("ETag"), Some("\"4\""));
}

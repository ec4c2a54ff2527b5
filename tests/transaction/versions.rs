//! `version`: the versions that `If-Match` names (RFC 9110, sections 13.1.1 and 8.8.3).

use crate::{Bank, Kind};
use futures_util::future::join_all;
use tests::Reply;

on_every_database! {
    a_star_and_lists_need_a_key_or_a_handler_that_says_so,
    with_a_key_a_star_and_lists_match_and_a_retry_is_replayed,
    of_fifty_with_a_list_as_many_match_as_it_has_versions,
    a_weak_tag_matches_only_where_the_handler_says_so,
    tags_that_name_no_version_match_nothing,
    a_field_that_cannot_be_read_is_refused,
    a_version_below_zero_is_matched_by_its_own_tag_alone,
}

impl Bank {
    /// One thing, at this version.
    async fn at(kind: Kind, version: i64) -> Self {
        let bank =
            Self::open(kind, 4).await.with_things("INSERT INTO things (id) VALUES (7)").await;
        bank.run(&format!("UPDATE things SET version = {version}")).await;
        bank
    }

    async fn update(&self, path: &str, if_match: &str) -> Reply {
        self.post(path).header("If-Match", if_match).send().await
    }
}

async fn a_star_and_lists_need_a_key_or_a_handler_that_says_so(kind: Kind) {
    let bank = Bank::at(kind, 4).await;
    for several in ["*", "\"3\", \"4\"", " \"4\" ,, \"5\""] {
        let refused = bank.update("/versioned/7", several).await;
        refused.is_problem(428, "version-missing");
        assert!(
            refused.json()["detail"].to_string().contains("does not name one version"),
            "{refused:?}"
        );
    }
    assert_eq!(bank.handler.runs(), 0);
    for (several, tag) in [("*", "\"5\""), ("\"4\", \"5\"", "\"6\""), ("*", "\"7\"")] {
        let done = bank.update("/any-version/7", several).await;
        assert_eq!((done.status, done.header("ETag")), (201, Some(tag)), "{several}");
    }
    let refused = bank.update("/any-version/7", "\"4\", \"5\"").await;
    refused.is_problem(412, "version-mismatch");
    assert_eq!(refused.header("ETag"), Some("\"7\""));
    for any in ["*", "\"7\", \"8\""] {
        bank.update("/any-version/8", any).await.is_problem(404, "row-missing");
    }
    assert_eq!(bank.effects().await, 3);
}

async fn with_a_key_a_star_and_lists_match_and_a_retry_is_replayed(kind: Kind) {
    let bank = Bank::at(kind, 4).await;
    for (key, several, tag) in [("k", "*", "\"5\""), ("l", "\"4\", \"5\"", "\"6\"")] {
        for replay in [false, true] {
            let update = bank.post("/versioned-with-key/7").key(key).header("If-Match", several);
            let done = update.send().await;
            assert_eq!(
                (done.status, done.header("ETag"), done.is_replay()),
                (201, Some(tag), replay)
            );
        }
    }
    // Several lines are one list.
    let lines = bank.post("/versioned-with-key/7").key("m");
    let lines = lines.header("If-Match", "\"1\"").header("If-Match", "\"6\"").send().await;
    assert_eq!((lines.status, lines.header("ETag")), (201, Some("\"7\"")));
    assert_eq!(bank.effects().await, 3);
}

async fn of_fifty_with_a_list_as_many_match_as_it_has_versions(kind: Kind) {
    let bank = Bank::at(kind, 4).await;
    let list = "\"4\", \"5\", \"6\"";
    let replies = join_all((0..50).map(|_| bank.update("/any-version/7", list))).await;
    assert_eq!(replies.iter().filter(|reply| reply.status == 201).count(), 3, "{replies:?}");
    for refused in replies.iter().filter(|reply| reply.status != 201) {
        refused.is_problem(412, "version-mismatch");
        assert_eq!(refused.header("ETag"), Some("\"7\""));
    }
    assert_eq!((bank.effects().await, bank.number("SELECT version FROM things").await), (3, 7));
}

async fn a_weak_tag_matches_only_where_the_handler_says_so(kind: Kind) {
    let bank = Bank::at(kind, 4).await;
    let refused = bank.update("/versioned/7", "W/\"4\"").await;
    refused.is_problem(412, "version-mismatch");
    assert_eq!(refused.header("ETag"), Some("\"4\""));
    let detail = refused.json()["detail"].to_string();
    assert!(detail.contains("compress") && detail.contains("if_match"), "{detail}");
    // If the tag would not match even as a weak one, the detail does not mention weak tags.
    let other = bank.update("/versioned/7", "W/\"3\"").await.json()["detail"].to_string();
    assert!(other.contains("the version is 4") && !other.contains("weak"), "{other}");
    let done = bank.update("/weak-version/7", "W/\"4\"").await;
    assert_eq!((done.status, done.header("ETag")), (201, Some("\"5\"")));
    bank.update("/weak-version/7", "W/\"4\"").await.is_problem(412, "version-mismatch");
    bank.update("/weak-version/7", "*").await.is_problem(428, "version-missing");
    assert_eq!(bank.effects().await, 1);
}

async fn tags_that_name_no_version_match_nothing(kind: Kind) {
    for at in [5, 6, 0, -1] {
        let bank = Bank::at(kind, at).await;
        for tag in ["\"05\"", "\"+6\"", "\"x\"", "\"\"", "\"5.0\"", "\"*\"", "\"x\", \"05\""] {
            let refused = bank.update("/versioned/7", tag).await;
            refused.is_problem(412, "version-mismatch");
            assert_eq!(refused.header("ETag"), Some(&*format!("\"{at}\"")), "{tag}");
        }
        for version in ["05", "+6", "x", "%225", "5.0"] {
            let path = format!("/version-of-the-path/7/{version}");
            bank.post(&path).send().await.is_problem(412, "version-mismatch");
        }
        bank.update("/versioned/8", "\"x\"").await.is_problem(404, "row-missing");
        let named = bank.post(&format!("/version-of-the-path/7/{at}")).send().await;
        assert_eq!((named.status, bank.handler.runs()), (201, 1));
    }
}

async fn a_field_that_cannot_be_read_is_refused(kind: Kind) {
    let bank = Bank::at(kind, 4).await;
    for field in ["\"4", "4\"", "\"4\" \"5\"", "*, \"4\"", "w/\"4\"", "x", "\"a b\""] {
        bank.update("/versioned/7", field).await.is_problem(400, "version-invalid");
    }
    bank.update("/versioned/7", "").await.is_problem(428, "version-missing");
    assert_eq!(bank.handler.runs(), 0);
}

async fn a_version_below_zero_is_matched_by_its_own_tag_alone(kind: Kind) {
    let bank = Bank::at(kind, -1).await;
    bank.update("/versioned/7", "\"0\"").await.is_problem(412, "version-mismatch");
    let done = bank.update("/versioned/7", "\"-1\"").await;
    assert_eq!((done.status, done.header("ETag")), (201, Some("\"0\"")));
}

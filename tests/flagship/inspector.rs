//! The page for operators, which exists only if they have a credential of their own.

use reqwest::Method;
use serde_json::json;
use std::process::Command;
use tests::{Orders, Sender, eventually, example};

const TOKEN: &str = "correct horse battery";

/// `Authorization` of an operator called anna with this password.
const ANNA: &str = "Basic YW5uYTpjb3JyZWN0IGhvcnNlIGJhdHRlcnk=";

fn shop(options: &[&str]) -> Orders {
    Orders::start("memory:", "sqlite:orders.db", options)
}

async fn page(orders: &Orders, credential: Option<&str>) -> (u16, String) {
    let page = Sender::anonymous(Method::GET, format!("{}/inspector/", orders.url()));
    let page = match credential {
        Some(credential) => page.only("authorization", credential),
        None => page.header("Cookie", "account=demo"),
    };
    let reply = page.send().await;
    (reply.status, String::from_utf8_lossy(&reply.body).into_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_operators_credential_there_is_no_page() {
    let orders = shop(&[]);
    for credential in [None, Some("Bearer alice"), Some(ANNA), Some("Bearer ")] {
        assert_eq!(page(&orders, credential).await.0, 404, "{credential:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_for_the_operators_credential_alone() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).expect("a file");
    let file = file.to_str().expect("UTF-8");
    let of_file = shop(&["--operator-token-file", file]);
    let of_environment = shop(&[]).knowing("ORDERS_OPERATOR_TOKEN", TOKEN);
    for orders in [of_file, of_environment] {
        let bearer = format!("Bearer {TOKEN}");
        let (status, shown) = page(&orders, Some(ANNA)).await;
        assert!(status == 200 && shown.contains("You are anna."), "{status} {shown}");
        assert_eq!(page(&orders, Some(&bearer)).await.0, 200);
        let longer = format!("{bearer}x");
        let others =
            ["Bearer alice", "Bearer demo", "Basic YW5uYTo=", &longer, &bearer[..20], TOKEN];
        for other in others.into_iter().map(Some).chain([None]) {
            let (status, shown) = page(&orders, other).await;
            assert_eq!((status, &*shown), (401, ""), "{other:?}");
        }
    }
}

/// The value of the first field of this name in a page.
fn field(page: &str, name: &str) -> String {
    let (_, after) = page.split_once(&format!("name=\"{name}\" value=\"")).expect("a field");
    after.split('"').next().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_is_held_is_put_in_line_again() {
    let orders = Orders::start("sqlite:records.db", "sqlite:orders.db", &["--lease", "500ms"]);
    let mut orders = orders.knowing("ORDERS_OPERATOR_TOKEN", TOKEN);
    let report = json!({"rows": 3, "simulate": {"delay_ms": 500}});
    let accepted = orders.post("/reports/once").key("a-report").json(&report).send().await;
    let task = accepted.header("Location").expect("an address").to_owned();
    let effects = async |orders: &Orders| {
        orders.get("/effects").send().await.json()["create_report_once"].as_u64()
    };
    eventually("it runs", async || (effects(&orders).await == Some(1)).then_some(())).await;
    orders.kill();
    orders.restart();
    let is = async |status: &str| {
        eventually(status, async || {
            (orders.get(&task).send().await.json()["status"] == status).then_some(())
        })
        .await;
    };
    is("held").await;
    let shown = page(&orders, Some(ANNA)).await.1;
    assert!(shown.contains("Put it in line again"), "{shown}");
    let (_, record) = shown.split_once("action=\"record/").expect("a form");
    let record = record.split('"').next().unwrap_or_default();
    let (token, seen) = (field(&shown, "token"), field(&shown, "seen"));
    let post =
        Sender::anonymous(Method::POST, format!("{}/inspector/record/{record}", orders.url()));
    let post = post.only("authorization", ANNA);
    let post = post.header("Content-Type", "application/x-www-form-urlencoded");
    let form = format!("token={token}&seen={seen}&word=not-done");
    assert_eq!(post.body(form).send().await.status, 303);
    is("succeeded").await;
    assert_eq!(effects(&orders).await, Some(2));
    // The numbers of the task are on the page, under the name of its handler.
    let shown = page(&orders, Some(ANNA)).await.1;
    assert!(
        shown.contains("succeeded <b>1</b>") && shown.contains("POST /reports/once"),
        "{shown}"
    );
}

#[test]
fn a_credential_that_can_be_guessed_is_refused_at_the_start() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for text in ["", "\n", "fifteen letters"] {
        std::fs::write(directory.path().join("token"), text).expect("a file");
        let mut orders = Command::new(example("orders"));
        orders.args(["--addr", "127.0.0.1:0", "--operator-token-file", "token"]).env_clear();
        let output = orders.current_dir(directory.path()).output().expect("it starts");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(told.contains("fewer than 16 bytes") && output.stdout.is_empty(), "{told}");
    }
}

//! The page for operators: with their own credential, or not at all.

use reqwest::Method;
use std::process::Command;
use tests::{Orders, Sender, example};

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

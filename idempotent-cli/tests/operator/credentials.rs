//! No credential is printed, even if it, its URL or the store is wrong.

use crate::Place;
use crate::ran::{Ran, command};
use tests::{MariaDbServer, PostgresServer, RedisServer, eventually};

/// A password that a URL must encode.
const PASSWORD: &str = "pa55/w@rd?#&";
const WRITTEN: &str = "pa55%2Fw%40rd%3F%23%26";

/// The part of the password that occurs in no other text.
const PART: &str = "pa55";

/// The commands that open a store, and those that only see its URL.
const COMMANDS: [&[&str]; 6] = [
    &["doctor"],
    &["doctor", "--json"],
    &["purge"],
    &["purge", "--yes", "--json"],
    &["ddl"],
    &["--help"],
];

fn says_nothing(ran: &Ran, of: &str) {
    let said = format!("{}{}", ran.stdout, ran.stderr);
    assert!(!said.contains(PART), "{of}: {said}");
    assert!(!said.is_empty(), "{of}");
}

/// Runs every command with this URL, as an argument and in the environment.
fn never_prints(url: &str) {
    for arguments in COMMANDS {
        says_nothing(&Ran::of(&[arguments, &["--store", url]].concat()), url);
        let joined = format!("--store={url}");
        says_nothing(&Ran::of(&[arguments, &[&joined]].concat()), url);
        says_nothing(&Ran::by(command(arguments).env("IDEMPOTENT_STORE", url)), url);
    }
}

#[test]
fn no_password_is_printed_if_the_host_is_wrong() {
    for rest in ["redis://", "redis+cluster://", "rediss://", "postgres://me", "mysql://me"] {
        never_prints(&format!("{rest}:{WRITTEN}@127.0.0.1:1"));
        never_prints(&format!("{rest}:{WRITTEN}@no-such-host.invalid:1/db"));
    }
    never_prints(&format!("redis+sentinel://:{WRITTEN}@127.0.0.1:1/main"));
    never_prints(&format!("redis+unix:///nowhere.sock?pass={WRITTEN}"));
    never_prints(&format!("postgres://127.0.0.1:1/db?password={WRITTEN}"));
}

#[test]
fn no_password_is_printed_if_the_url_is_misspelt() {
    for scheme in
        ["redis", "redis+cluster", "redis+sentinel", "postgres", "mysql", "sqlite", "redsi"]
    {
        for rest in [
            "//me:pa55@h/db",
            ":/me:pa55@h/db",
            ":me:pa55@h/db",
            "//me%3Apa55@h/db",
            "://me:x/pa55@h/db",
            "://me:12/pa55@h/db",
            "://me:x?pa55@h/db",
            "://me:x#pa55@h/db",
            "://me:pa55@h:port/db",
            "://me:pa55@h:99999/db",
            "://me:pa55@[::1/db",
            "://me:pa55@/db",
            "://me:pa55@",
            "://me:pa55@127.0.0.1:1/db/more?sslmode=x&ssl-mode=x&protocol=x",
            "://me:%ffpa55@127.0.0.1:1/db",
            " ://me:pa55@h/db",
        ] {
            let url = format!("{scheme}{rest}");
            for arguments in [&["doctor"][..], &["doctor", "--json"]] {
                let ran = Ran::by(command(arguments).env("IDEMPOTENT_STORE", &url));
                says_nothing(&ran, &url);
                assert_ne!(ran.code, Some(0), "{url}");
            }
        }
    }
}

#[test]
fn no_password_is_printed_if_it_stands_in_the_place_of_something_else() {
    let url = format!("postgres://me:{WRITTEN}@h/db");
    let joined = format!("--stor={url}");
    let wrong: [&[&str]; 6] = [
        &[&url],
        &["doctor", &url],
        &["ddl", &url],
        &["completions", &url],
        &["doctor", &joined],
        &["doctor", "--patience", &url],
    ];
    for arguments in wrong {
        let ran = Ran::of(arguments);
        says_nothing(&ran, &format!("{arguments:?}"));
        assert_eq!(ran.code, Some(2));
        says_nothing(&Ran::of(&[arguments, &["--json"]].concat()), &format!("{arguments:?}"));
    }
}

/// Gives a right and a wrong password, each in both ways: the right one opens the store, and none is printed.
fn opens_with(url: &str, user: &str, wrong: &str) {
    let with =
        |password: &str| url.replacen(&format!("{user}@"), &format!("{user}:{password}@"), 1);
    let right = Ran::of(&["doctor", "--json", "--store", &with(WRITTEN)]);
    assert_eq!(right.answer()["operations"][0]["outcome"], "done");
    says_nothing(&right, url);
    let by_environment = |password: &str| {
        let mut command = command(&["doctor", "--json", "--store", url]);
        Ran::by(command.env("IDEMPOTENT_STORE_PASSWORD", password))
    };
    let right = by_environment(PASSWORD);
    assert_eq!(right.answer()["operations"][0]["outcome"], "done");
    says_nothing(&right, url);
    for ran in [by_environment(wrong), Ran::of(&["doctor", "--json", "--store", &with(wrong)])] {
        assert_eq!(ran.code, Some(3), "{ran:?}");
        says_nothing(&ran, url);
    }
    never_prints(&with(wrong));
    let two = Ran::by(
        command(&["doctor", "--store", &with(WRITTEN)]).env("IDEMPOTENT_STORE_PASSWORD", PASSWORD),
    );
    assert_eq!(two.code, Some(2));
    says_nothing(&two, url);
}

#[tokio::test]
async fn no_password_that_redis_refuses_is_printed() {
    let server = RedisServer::start();
    let url = server.url();
    let user = format!(">{PASSWORD}");
    let _: String = server.command(&["ACL", "SETUSER", "me", "on", "~*", "+@all", &user]);
    let _: String = server.command(&["ACL", "SETUSER", "default", "off"]);
    let url = format!("{url}?user=me");
    let with = |password: &str| format!("{url}&pass={password}");
    let right = Ran::of(&["doctor", "--json", "--store", &with(WRITTEN)]);
    assert_eq!(right.answer()["operations"][0]["outcome"], "done");
    for (password, code) in [(PASSWORD, 0), ("pa55", 3)] {
        let mut command = command(&["doctor", "--json", "--store", &url]);
        let ran = Ran::by(command.env("IDEMPOTENT_STORE_PASSWORD", password));
        assert_eq!(ran.code, Some(code), "{ran:?}");
        says_nothing(&ran, password);
    }
    never_prints(&with("pa55"));
}

#[tokio::test]
async fn no_password_that_mariadb_refuses_is_printed() {
    let server = MariaDbServer::shared().await;
    let database = server.database().await;
    let grant =
        "CREATE USER me@localhost IDENTIFIED BY 'pa55/w@rd?#&'; GRANT ALL ON *.* TO me@localhost";
    server.run(grant).await;
    opens_with(&database.replace("root@", "me@"), "me", "pa55");
}

#[tokio::test]
async fn no_password_that_postgres_refuses_is_printed() {
    let server = PostgresServer::start_with(&[]).await;
    let asks = "CREATE ROLE me LOGIN PASSWORD 'pa55/w@rd?#&'; GRANT ALL ON SCHEMA public TO me; \
                DO $$ BEGIN EXECUTE format('COPY (SELECT ''local all all scram-sha-256'') TO %L', \
                current_setting('hba_file')); END $$; SELECT pg_reload_conf()";
    server.run(asks).await;
    eventually("it asks for passwords", async || server.connect().await.err()).await;
    opens_with(&server.url().replace("postgres@", "me@"), "me", "pa55");
}

#[tokio::test]
async fn no_key_secret_is_printed() {
    let place = Place::sqlite().await;
    for secret in ["pa55", &"pa55".repeat(8)] {
        let mut command = command(&["doctor", "--json", "--store", &place.url]);
        says_nothing(&Ran::by(command.env("IDEMPOTENT_KEY_SECRET", secret)), secret);
    }
}

//! Database servers that are really down; invariants S8 and L5.

use crate::shop::Shop;
use crate::{Kind, Session, on_both_servers};
use std::time::{Duration, Instant};

on_both_servers! {
    while_the_server_is_dead_nothing_runs_and_afterwards_all_is_well,
    connections_that_the_server_closes_are_replaced,
}

/// Twice the engine's patience with its store, two seconds, and something for a busy host.
const BOUND: Duration = Duration::from_secs(8);

async fn while_the_server_is_dead_nothing_runs_and_afterwards_all_is_well(kind: Kind) {
    let server = kind.start_with(&[]).await;
    let shop = Shop::open(&server.database().await).await;
    let first = shop.order("before").await;
    assert_eq!(first.status, 201);
    for round in 0..2 {
        let runs = shop.handler.runs();
        server.kill();
        for key in ["before", "new"] {
            let began = Instant::now();
            shop.order(key).await.is_problem(503, "store-unavailable");
            assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
        }
        assert_eq!(shop.handler.runs(), runs);
        server.restart().await;
        // It works again at the first request, and stored answers are still there.
        let again = shop.order("before").await;
        assert_eq!((again.is_replay(), &again.body), (true, &first.body));
        for n in 0..8 {
            assert_eq!(shop.order(&format!("after-{round}-{n}")).await.status, 201);
        }
    }
}

async fn connections_that_the_server_closes_are_replaced(kind: Kind) {
    let server = kind.start_with(&[]).await;
    let database = server.database().await;
    let shop = Shop::open(&database).await;
    let mut session = Session::open(&database).await;
    for round in 0..3 {
        // There are so many requests at once that every connection is used, and then idle.
        let orders = (0..20).map(|n| {
            let key = format!("{round}-{n}");
            let shop = &shop;
            async move { shop.order(&key).await.status }
        });
        let statuses = futures_util::future::join_all(orders).await;
        assert!(statuses.iter().all(|status| *status == 201), "{statuses:?}");
        match kind {
            Kind::Postgres => {
                let all = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                           WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
                assert!(session.number(all).await > 0);
            }
            Kind::MariaDb => {
                let all = "SELECT CONCAT('KILL ', id) FROM information_schema.processlist \
                           WHERE id <> CONNECTION_ID() AND user = 'root'";
                let all = session.texts(all).await;
                assert!(!all.is_empty());
                for kill in all {
                    session.run(&kill).await;
                }
            }
        }
        // The first request that meets a broken connection does not have to try each of them.
        assert_eq!(shop.order(&format!("{round}-alone")).await.status, 201);
    }
}

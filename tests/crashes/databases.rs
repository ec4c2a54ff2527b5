//! The business database is killed while a transaction is at each of its steps.

use crate::environment::{Environment, StoreKind};
use crate::expected::{Answer, of_a_transaction};
use crate::matrix::answer;
use crate::process::Process;
use crate::step::Step;
use tests::{MariaDbServer, PostgresServer, Reply};
use tokio::task::JoinHandle;

/// Makes a test for a server that can be killed.
macro_rules! killed_at_every_step_it_keeps_effect_and_record_or_neither {
    ($($database:ident $server:ident $kind:ident,)*) => {
        mod killed_at_every_step_it_keeps_effect_and_record_or_neither {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $database() {
                    let server = super::$server::start_with(&[]).await;
                    for (step, expected) in super::of_a_transaction(super::StoreKind::$kind) {
                        let environment = super::Environment::with_ledger(server.database().await);
                        let held = super::Held::at(&environment, step).await;
                        server.kill();
                        let broken = held.go_on().await;
                        server.restart().await;
                        broken.is_asked_again(&environment, expected).await;
                    }
                }
            )*
        }
    };
}

killed_at_every_step_it_keeps_effect_and_record_or_neither! {
    postgres PostgresServer TransactionInPostgres,
    mariadb MariaDbServer TransactionInMariaDb,
}

/// A request at its step.
struct Held {
    process: Process,
    step: Step,
    first: JoinHandle<Reply>,
}

impl Held {
    async fn at(environment: &Environment, step: Step) -> Self {
        let mut process = environment.start_holding(step);
        let first = tokio::spawn(process.post("/transaction").key("k").send());
        process.holds();
        Self { process, step, first }
    }

    /// The run goes on to its end without the database.
    async fn go_on(mut self) -> Broken {
        self.process.go_on();
        let first = self.first.await.expect("no panic");
        // No client gets a success that may not be committed.
        let status = if self.step == Step::BeforeResponse { 201 } else { 503 };
        assert_eq!(first.status, status, "{} {first:?}", self.step);
        Broken { process: self.process, step: self.step }
    }
}

/// A process whose database was down for a while.
struct Broken {
    process: Process,
    step: Step,
}

impl Broken {
    async fn is_asked_again(&self, environment: &Environment, expected: Answer) {
        let kept = i64::from(expected == Answer::Replayed);
        assert_eq!(environment.effects("k").await, kept, "{}", self.step);
        for expected in [expected, Answer::Replayed] {
            let again = self.process.post("/transaction").key("k").send().await;
            assert_eq!(answer(&again), expected, "{}", self.step);
        }
        assert_eq!(environment.effects("k").await, 1, "{}", self.step);
    }
}

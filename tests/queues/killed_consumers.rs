//! Consumers are killed in the middle of a message, and the next consumer settles it (invariants S4, S14).

use crate::queue_under_test::QueueUnderTest;
use crate::rabbitmq_queue::Queue;
use crate::redis_stream::Stream;
use sqlx::SqlitePool;
use sqlx::sqlite::SqliteConnectOptions;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use tempfile::TempDir;
use tests::eventually;

/// A consumer; it is killed when it is dropped.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn start(
        kind: &str,
        queue: &impl QueueUnderTest,
        database: PathBuf,
        step: Option<&str>,
    ) -> Self {
        Self::start_at(kind, &queue.arguments(), database, step)
    }

    /// Starts a consumer with these arguments.
    pub(crate) fn start_at(
        kind: &str,
        arguments: &[String; 3],
        database: PathBuf,
        step: Option<&str>,
    ) -> Self {
        let child = Command::new(env!("CARGO_BIN_EXE_consuming"))
            .arg(kind)
            .args(arguments)
            .arg(database)
            .args(step)
            .stdout(Stdio::piped())
            .spawn();
        Self(child.expect("what was built can be started"))
    }

    /// Its exit status, if it ended by itself.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.0.try_wait().expect("our child")
    }

    /// Waits until it stands still.
    fn reaches(&mut self) {
        let said = self.0.stdout.take().expect("it is piped");
        let mut line = String::new();
        let read = || BufReader::new(said).read_line(&mut line);
        tokio::task::block_in_place(read).expect("it says something");
        assert_eq!(line, "reached\n");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.0.kill().and_then(|()| self.0.wait()).expect("our child");
    }
}

/// The database with the consumers' effects.
pub(crate) struct Effects {
    directory: TempDir,
    pool: SqlitePool,
}

impl Effects {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let file = directory.path().join("shop.db");
        let options = SqliteConnectOptions::new().filename(&file).create_if_missing(true);
        let pool = SqlitePool::connect_with(options).await.expect("it opens");
        let create = sqlx::raw_sql("CREATE TABLE effects (id TEXT NOT NULL)");
        create.execute(&pool).await.expect("a table");
        Self { directory, pool }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("shop.db")
    }

    /// The messages that had an effect, each as often as it had one.
    pub(crate) async fn of(&self) -> Vec<String> {
        let effects = sqlx::query_scalar("SELECT id FROM effects ORDER BY id");
        effects.fetch_all(&self.pool).await.expect("text")
    }

    pub(crate) async fn count(&self) -> i64 {
        let count = sqlx::query_scalar("SELECT COUNT(*) FROM effects");
        count.fetch_one(&self.pool).await.expect("a number")
    }
}

async fn once<P: QueueUnderTest>(kind: &str, step: &str, effects_before: i64) {
    let queue = P::new().await;
    let effects = Effects::new().await;
    let mut dying = Process::start(kind, &queue, effects.file(), Some(step));
    queue.publish("a").await;
    dying.reaches();
    drop(dying);
    eventually("it is there again", async || (!queue.is_settled().await).then_some(())).await;
    assert_eq!(effects.count().await, effects_before);
    let _next = Process::start(kind, &queue, effects.file(), None);
    eventually("the next one settles it", async || {
        (queue.is_settled().await && effects.count().await == 1).then_some(())
    })
    .await;
    assert_eq!((effects.count().await, queue.dead().await), (1, vec![]));
}

macro_rules! once {
    ($($name:ident: $queue:ty, $kind:literal;)*) => {
        $(
            mod $name {
                use super::*;

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn before_its_record_is_committed_the_next_one_runs_it() {
                    once::<$queue>($kind, "before the record", 0).await;
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn before_its_acknowledgement_the_next_one_finds_it_done() {
                    once::<$queue>($kind, "before the acknowledgement", 1).await;
                }
            }
        )*
    };
}

once! {
    on_a_stream: Stream, "stream";
    on_a_queue: Queue, "queue";
}

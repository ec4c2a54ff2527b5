//! Progress that is written after its task is over.

use crate::engine::Admission;
use crate::engine::task::progress::{self, ProgressRecord};
use crate::engine::task::tests::{TTL, ask, claim, engine, input, key, new_tasks};
use crate::outcome::Outcome;
use crate::store::MemoryStore;
use std::time::Duration;

#[tokio::test]
async fn progress_that_comes_late_leaves_no_record_behind() {
    let (tasks, engine, task) = (new_tasks(), engine(MemoryStore::new()), key(1));
    let place = progress::place(&task);
    tasks.submit(&engine, &claim(task), &input()).await.unwrap();
    let Ok(Admission::Run(run)) = engine.begin(&ask(task)).await else { panic!("it waits") };
    let far = ProgressRecord { attempt: 1, done: 1, total: 2 };
    far.write(&engine, &task, TTL).await.unwrap();
    assert_eq!(ProgressRecord::read(&engine, &place, 1).await.unwrap(), Some(far));
    run.complete(Outcome::Tombstone, TTL).await;
    tasks.finished(&engine, &task).await;
    far.write(&engine, &task, TTL).await.unwrap();
    let is_gone = async {
        while engine.core().read(&place).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), is_gone).await.expect("its life is over");
}

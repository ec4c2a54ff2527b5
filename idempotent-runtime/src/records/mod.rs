//! Looks for records, for operators: shows who holds a key and how its run ended, and forgets a record.
//!
//! `Idempotency` and [`Messages`](crate::message::Messages) both have these methods.
//!
//! ```
//! use idempotent_runtime::MemoryStore;
//! use idempotent_runtime::key::KeyParts;
//! use idempotent_runtime::message::Messages;
//! use idempotent_runtime::policy::Strategy;
//! use idempotent_runtime::records::{Force, Forgotten, RecordStage, Target};
//! # use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let messages = Messages::builder(MemoryStore::new()).scope("billing").build()?;
//!
//! // One record, by the facts that a support team knows.
//! let target = Target::operation(Strategy::Message, "book");
//! let (scope, key) = (KeyParts::new().value("billing"), KeyParts::new().value("p-1"));
//! if let Some(record) = messages.find(&target, &scope, &key).await? {
//!     println!("{} {:?}", record.key(), record.state());
//!     // Only if it is still the record that was seen, and its run does not go on.
//!     let forgotten = messages.forget(&record, Force::No).await?;
//!     assert_eq!(forgotten, Forgotten::Yes);
//! }
//!
//! // All records that wait for a person, page by page.
//! let held = messages.records().stage(RecordStage::Abandoned).older_than(Duration::from_mins(5));
//! let mut after = None;
//! loop {
//!     let page = held.page(100, after.as_ref()).await?;
//!     for record in page.records {
//!         println!("{} {} {}", record.key(), record.operation(), record.label());
//!     }
//!     after = page.next;
//!     if after.is_none() {
//!         break;
//!     }
//! }
//! # Ok(())
//! # }
//! ```

// Files import downwards, in this order: `query`, `steps`, `page`.
mod page;
mod query;
mod steps;

pub use crate::engine::{Force, Forgotten, Resolution, Resolved};
pub use crate::engine::{KeptIn, KeptOutcome, RecordStage, RecordState, RecordView};
pub use crate::strategy::{Target, TargetError};
pub use page::{ParseRecordCursorError, RecordCursor, RecordPage};
pub use query::Records;
pub use steps::FindError;
pub(crate) use steps::{find, forget, record, resolve};

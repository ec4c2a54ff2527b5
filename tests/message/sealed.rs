//! Values of functions, sealed.

use crate::RunCounter;
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::policy::Strategy;
use idempotent_runtime::records::{KeptOutcome, RecordState, Target};
use idempotent_runtime::seal::Keys;
use idempotent_runtime::store::StoreErrorKind;
use idempotent_runtime::{MemoryStore, key::KeyParts};

fn sealed(store: &MemoryStore, keys: Keys) -> RunCounter {
    let messages = Messages::builder(store.clone()).scope("tests").seal(keys).build();
    RunCounter::of(messages.expect("it fits together"))
}

#[tokio::test]
async fn a_sealed_value_is_returned_again_to_who_has_its_key_alone() {
    let store = MemoryStore::new();
    let counter = sealed(&store, Keys::new("now", [1; 32]));
    assert_eq!((counter.at_once("k").await.unwrap(), counter.at_once("k").await.unwrap()), (1, 1));
    let other = sealed(&store, Keys::new("now", [2; 32]));
    match other.at_once("k").await {
        Err(error @ MessageError::Store(_)) => {
            assert!(error.is_transient(), "the message stays in its queue");
            let MessageError::Store(cause) = error else { unreachable!() };
            assert_eq!(cause.kind(), StoreErrorKind::Unopened);
            assert!(cause.to_string().contains("`now`"), "{cause}");
        }
        told => panic!("{told:?}"),
    }
    assert_eq!((other.ran(), other.messages.counts().unopened), (0, 1));
    let renewed = sealed(&store, Keys::new("later", [2; 32]).previous("now", [1; 32]));
    assert_eq!((renewed.at_once("k").await.unwrap(), renewed.ran()), (1, 0));

    let (target, part) = (Target::operation(Strategy::Message, "held"), KeyParts::new);
    let found = async |messages: &Messages| {
        let found = messages.find(&target, &part().value("tests"), &part().value("k")).await;
        found.unwrap().expect("a record").state()
    };
    assert_eq!(
        found(&counter.messages).await,
        RecordState::Completed(KeptOutcome::Value { bytes: 1 })
    );
    let state = found(&other.messages).await;
    assert!(matches!(state, RecordState::Completed(KeptOutcome::Sealed { .. })), "{state:?}");
}

#[test]
fn keys_that_records_cannot_tell_apart_build_nothing() {
    let keys = Keys::new("a", [1; 32]).previous("a", [2; 32]);
    let built = Messages::builder(MemoryStore::new()).scope("tests").seal(keys).build();
    assert_eq!(built.unwrap_err().to_string(), "two keys have the id `a`: give each its own");
}

//! Sealed content opens only in its own record, and none of it is readable.

use super::beside::{read as read_beside, write as write_beside};
use super::layout::{CUT_RESPONSE, IDENTITY_PLACE, RESPONSE, SEALED, VALUE};
use super::sealed::{completed, labelled, opened, opened_label, with_outcome};
use super::*;
use crate::error::{StoreError, StoreErrorKind};
use crate::key::Guard;
use crate::outcome::{Outcome, StoredResponse};
use crate::policy::DefinitionId;
use crate::seal::{Keys, Seal};
use proptest::prelude::*;
use proptest::sample::Index;
use std::time::Duration;

const KEY: StorageKey = StorageKey::from_bytes([7; 32]);
const OTHER: StorageKey = StorageKey::from_bytes([8; 32]);
const SECRET: &str = "4242-4242";

fn seal() -> Seal {
    Seal::new(Keys::new("now", [1; 32]).previous("before", [2; 32]).labels())
}

fn outcomes() -> [Outcome; 3] {
    let response = |is_cut| {
        let headers = vec![(Bytes::from_static(b"x-card"), Bytes::from_static(SECRET.as_bytes()))];
        let body = Bytes::from_static(SECRET.as_bytes());
        Outcome::Response(StoredResponse { status: 201, headers, body, is_cut })
    };
    let value = Outcome::Value(Bytes::from_static(SECRET.as_bytes()));
    [response(false), response(true), value]
}

fn running() -> Record {
    let origin = Origin {
        definition: DefinitionId::of("shop::order"),
        claimed_at: Duration::from_millis(1_234),
        taken_over: true,
    };
    let label = labelled(&seal(), &KEY, Guard::Handler, "shop::order", SECRET);
    let fingerprint = Fingerprint::from_bytes([3; 16]);
    Record { attempt: 5, origin, fingerprint, label, state: State::Issued }
}

fn shows(bytes: &[u8], secret: &[u8]) -> bool {
    bytes.windows(secret.len()).any(|part| part == secret)
}

/// The opened outcome of the record with these bytes.
fn read(seal: &Seal, key: &StorageKey, bytes: &Bytes) -> Result<Outcome, StoreErrorKind> {
    let record = Record::decode(key, bytes).map_err(|_| StoreErrorKind::Corrupt)?;
    let State::Completed(outcome) = record.state else { return Err(StoreErrorKind::Corrupt) };
    opened(seal, outcome, "read").map_err(|error| error.kind())
}

/// The same bytes after a change, with a right checksum.
fn forged(bytes: &Bytes, key: &StorageKey, change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut bytes = bytes[..bytes.len() - CHECKSUM_LENGTH].to_vec();
    change(&mut bytes);
    append_checksum(key, bytes)
}

#[test]
fn a_sealed_outcome_shows_nothing_and_comes_back_as_it_was() {
    let seal = seal();
    for outcome in outcomes() {
        let bytes = completed(&seal, &KEY, running(), outcome.clone()).encode(&KEY);
        assert!(!shows(&bytes, SECRET.as_bytes()));
        assert_eq!(read(&seal, &KEY, &bytes), Ok(outcome.clone()));
        let record = Record::decode(&KEY, &bytes).unwrap();
        assert_eq!(record.encode(&KEY), bytes, "one spelling");
        let summary = Summary::of(&bytes);
        assert_eq!((summary.state, &*summary.label), ("completed", "(sealed)"));
        // The same, made in the way in which a run ends.
        let put = running();
        let (head, ours) = (head_length(&put.label, put.attempt), put.encode(&KEY));
        let bytes = with_outcome(&seal, &KEY, (&ours, put.attempt), head, outcome.clone());
        assert_eq!(read(&seal, &KEY, &bytes), Ok(outcome));
    }
}

#[test]
fn a_tombstone_has_nothing_to_seal_and_counts_as_it_is() {
    let seal = seal();
    let record = completed(&seal, &KEY, running(), Outcome::Tombstone);
    assert_eq!(record.state, State::Completed(Outcome::Tombstone));
    assert_eq!(read(&seal, &KEY, &record.encode(&KEY)), Ok(Outcome::Tombstone));
}

#[test]
fn an_outcome_that_is_not_sealed_is_refused_unless_the_keys_accept_it() {
    for outcome in outcomes() {
        let plain = completed(&Seal::default(), &KEY, running(), outcome.clone()).encode(&KEY);
        assert_eq!(read(&seal(), &KEY, &plain), Err(StoreErrorKind::Unopened));
        let keys = || Keys::new("now", [1; 32]);
        for taken in [keys().accept_unsealed(), keys().write_unsealed()] {
            assert_eq!(read(&Seal::new(taken), &KEY, &plain), Ok(outcome.clone()));
        }
        let unsealed = Seal::new(keys().write_unsealed());
        let record = completed(&unsealed, &KEY, running(), outcome.clone());
        assert_eq!(record.state, State::Completed(outcome));
    }
}

#[test]
fn without_its_key_a_sealed_outcome_is_known_and_does_not_open() {
    let [outcome, ..] = outcomes();
    let bytes = completed(&seal(), &KEY, running(), outcome.clone()).encode(&KEY);
    for (other, opens) in [
        (Seal::default(), false),
        (Seal::new(Keys::new("now", [9; 32])), false),
        (Seal::new(Keys::new("later", [1; 32])), false),
        (Seal::new(Keys::new("later", [9; 32]).previous("now", [1; 32])), true),
    ] {
        let expected = if opens { Ok(outcome.clone()) } else { Err(StoreErrorKind::Unopened) };
        assert_eq!(read(&other, &KEY, &bytes), expected);
    }
    let record = Record::decode(&KEY, &bytes).unwrap();
    let State::Completed(Outcome::Sealed(sealed)) = record.state else { panic!("{record:?}") };
    assert_eq!(sealed.key_id(), Some("now"));
}

/// A record in the place of another request's, or with another attempt, function or fingerprint.
#[test]
fn a_sealed_outcome_opens_only_in_its_own_record() {
    let (seal, [outcome, ..]) = (seal(), outcomes());
    let record = completed(&seal, &KEY, running(), outcome);
    let moved = |record: &Record, key| read(&seal, key, &record.encode(key));
    assert!(moved(&record, &KEY).is_ok());
    assert_eq!(moved(&record, &OTHER), Err(StoreErrorKind::Unopened), "another key");
    let later = Record { attempt: 6, ..record.clone() };
    assert_eq!(moved(&later, &KEY), Err(StoreErrorKind::Unopened), "another attempt");
    let (mut function, mut request) = (record.clone(), record);
    function.origin.definition = DefinitionId::of("shop::refund");
    request.fingerprint = Fingerprint::from_bytes([4; 16]);
    for other in [function, request] {
        assert_eq!(moved(&other, &KEY), Err(StoreErrorKind::Unopened), "{other:?}");
    }
}

/// The input of a task in the place of an outcome, and the reverse.
#[test]
fn content_of_one_kind_is_refused_as_another_kind() {
    let seal = seal();
    let numbers = [1, 2, 3].map(u64::to_le_bytes);
    let beside = write_beside(&seal, &KEY, [PROGRESS, 1], &[], numbers.as_flattened()).unwrap();
    let ([], fields) = read_beside(&seal, &KEY, [PROGRESS, 1], &beside).unwrap();
    assert_eq!(fields.left(), numbers.as_flattened());
    let as_input = forged(&beside, &KEY, |bytes| bytes[0] = INPUT);
    let refused = |read: Result<([u8; 0], _), StoreError>| read.err().map(|error| error.kind());
    let read_input = read_beside(&seal, &KEY, [INPUT, 1], &as_input);
    assert_eq!(refused(read_input), Some(StoreErrorKind::Unopened));

    let outcome = Outcome::Value(Bytes::copy_from_slice(numbers.as_flattened()));
    let outcome = completed(&seal, &KEY, running(), outcome);
    let State::Completed(Outcome::Sealed(sealed)) = outcome.state else { panic!("{outcome:?}") };
    let as_progress = append_checksum(&KEY, [&[PROGRESS, 0x81][..], &sealed.bytes].concat());
    let read_progress = read_beside(&seal, &KEY, [PROGRESS, 1], &as_progress);
    assert_eq!(refused(read_progress), Some(StoreErrorKind::Unopened));
}

#[test]
fn a_value_beside_a_record_is_bound_to_its_place_and_its_head() {
    let seal = seal();
    let bytes = write_beside(&seal, &KEY, [INPUT, 4], b"head", SECRET.as_bytes()).unwrap();
    assert!(!shows(&bytes, SECRET.as_bytes()) && shows(&bytes, b"head"));
    let read = |seal: &Seal, key, bytes: &Bytes| {
        let read = read_beside::<4>(seal, key, [INPUT, 4], bytes);
        read.map(|(head, fields)| (head, Bytes::copy_from_slice(fields.left())))
            .map_err(|error| error.kind())
    };
    assert_eq!(read(&seal, &KEY, &bytes), Ok((*b"head", Bytes::from_static(SECRET.as_bytes()))));
    assert_eq!(read(&Seal::default(), &KEY, &bytes), Err(StoreErrorKind::Unopened));
    let elsewhere = forged(&bytes, &OTHER, |_| {});
    assert_eq!(read(&seal, &OTHER, &elsewhere), Err(StoreErrorKind::Unopened));
    for at in 0..bytes.len() - CHECKSUM_LENGTH {
        let changed = forged(&bytes, &KEY, |bytes| bytes[at] ^= 1);
        assert!(read(&seal, &KEY, &changed).is_err(), "byte {at}");
    }
    let plain = write_beside(&Seal::default(), &KEY, [INPUT, 4], b"head", b"text").unwrap();
    assert_eq!(read(&seal, &KEY, &plain), Err(StoreErrorKind::Unopened), "it is not sealed");
    let accepting = Seal::new(Keys::new("now", [1; 32]).accept_unsealed());
    assert!(read(&accepting, &KEY, &plain).is_ok());
}

#[test]
fn a_sealed_label_opens_only_under_its_own_key() {
    let (seal, label) = (seal(), running().label);
    assert_eq!((label.operation(), &*label.key()), ("shop::order", "(sealed)"));
    assert_eq!(opened_label(&seal, &KEY, &label).as_deref(), Some(SECRET));
    assert_eq!(opened_label(&seal, &OTHER, &label), None);
    assert_eq!(opened_label(&Seal::default(), &KEY, &label), None);
    let readable = Seal::new(Keys::new("now", [1; 32]));
    let label = labelled(&readable, &KEY, Guard::Handler, "shop::order", SECRET);
    assert_eq!(label, Label::new(Guard::Handler, "shop::order", SECRET), "nobody asked for it");
}

proptest! {
    /// A record that was changed in the store gives no outcome, or the one that its run stored.
    #[test]
    fn no_change_of_a_record_changes_its_outcome(
        which in 0..3_usize, at in any::<Index>(), bit in 0..8_u32,
    ) {
        let (seal, outcome) = (seal(), outcomes()[which].clone());
        let bytes = completed(&seal, &KEY, running(), outcome.clone()).encode(&KEY);
        let at = at.index(bytes.len() - CHECKSUM_LENGTH);
        let changed = forged(&bytes, &KEY, |bytes| bytes[at] ^= 1 << bit);
        let read = read(&seal, &KEY, &changed);
        let head = head_length(&running().label, running().attempt);
        // These bytes are the outcome itself, or are bound to it.
        if IDENTITY_PLACE.contains(&at) || at >= head {
            prop_assert!(read.is_err(), "byte {}", at);
        }
        prop_assert!(read.is_err() || read == Ok(outcome));
    }

    #[test]
    fn no_sealed_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let mut record = running();
        let write = |out: &mut Vec<u8>| out.extend_from_slice(&bytes);
        let binding = state::outcome_binding(&KEY, record.attempt, &running().encode(&KEY)[IDENTITY_PLACE]);
        let sealed = seal().close(binding, bytes.len(), write).unwrap().unwrap();
        record.state = State::Completed(Outcome::Sealed(Box::new(sealed)));
        let read = read(&seal(), &KEY, &record.encode(&KEY));
        let is_kind = |tag| [RESPONSE, CUT_RESPONSE, VALUE].contains(tag);
        prop_assert!(read.is_err() || bytes.first().is_some_and(is_kind));
    }

    #[test]
    fn no_bytes_in_place_of_what_is_sealed_make_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let record = running();
        let head = head_length(&record.label, record.attempt);
        let bytes = forged(&record.encode(&KEY), &KEY, |out| {
            out.truncate(head);
            out[1] = SEALED;
            crate::store::bytes::write_field(out, &bytes);
        });
        prop_assert!(read(&seal(), &KEY, &bytes).is_err());
    }
}

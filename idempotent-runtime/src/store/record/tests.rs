//! A record comes back as it was put, and no other bytes are taken for a record.

use super::layout::{MOMENT, SEALED};
use super::*;
use crate::key::Guard;
use crate::outcome::{Outcome, StoredResponse};
use crate::policy::DefinitionId;
use proptest::prelude::*;
use proptest::sample::Index;
use std::time::Duration;

const KEY: StorageKey = StorageKey::from_bytes([7; 32]);

fn blob(longest: usize) -> impl Strategy<Value = Bytes> {
    prop::collection::vec(any::<u8>(), 0..longest).prop_map(Bytes::from)
}

fn response() -> impl Strategy<Value = StoredResponse> {
    let known = prop::sample::select(vec!["content-type", "access-control-expose-headers"]);
    let name = prop_oneof![blob(20), known.prop_map(|name| Bytes::from_static(name.as_bytes()))];
    let value = prop_oneof![blob(40), Just(Bytes::from_static(b"application/json"))];
    let headers = prop::collection::vec((name, value), 0..5);
    let parts = (100_u16..=999, headers, blob(300), any::<bool>());
    parts.prop_map(|(status, headers, body, is_cut)| StoredResponse {
        status,
        headers,
        body,
        is_cut,
    })
}

fn state() -> impl Strategy<Value = State> {
    let running =
        any::<([u8; 16], u32, u64)>().prop_map(|(owner, renewals, retention)| State::InProgress {
            owner: Owner::from_bytes(owner),
            renewals,
            retention: Duration::from_millis(retention),
        });
    prop_oneof![
        Just(State::Issued),
        Just(State::Cancelled),
        running,
        Just(State::Completed(Outcome::Tombstone)),
        response().prop_map(|response| State::Completed(Outcome::Response(response))),
        blob(300).prop_map(|value| State::Completed(Outcome::Value(value))),
    ]
}

fn origin() -> impl Strategy<Value = Origin> {
    any::<([u8; 8], [u8; MOMENT], bool)>().prop_map(|(definition, moment, taken_over)| {
        let millis = moment.iter().rev().fold(0, |millis, byte| millis << 8 | u64::from(*byte));
        let definition = DefinitionId::from_bytes(definition);
        Origin { definition, claimed_at: Duration::from_millis(millis), taken_over }
    })
}

fn guard() -> impl Strategy<Value = Guard> {
    any::<[u8; 2]>().prop_filter_map("no guard", |[guard, depth]| {
        Guard::from_bytes([guard % 7, if guard % 7 == 1 { depth } else { 0 }])
    })
}

fn record() -> impl Strategy<Value = Record> {
    let label = (guard(), ".{0,40}", ".{0,40}")
        .prop_map(|(guard, operation, key)| Label::new(guard, &operation, &key));
    let parts = (any::<u64>(), origin(), any::<[u8; 16]>(), label, state());
    parts.prop_map(|(attempt, origin, fingerprint, label, state)| Record {
        attempt,
        origin,
        fingerprint: Fingerprint::from_bytes(fingerprint),
        label,
        state,
    })
}

/// Any bytes with a right checksum, so that the code after its check runs.
fn with_checksum(bytes: Vec<u8>) -> Bytes {
    append_checksum(&KEY, bytes)
}

/// The bytes of a record after this change, with a right checksum.
fn forged(record: &Record, change: impl FnOnce(&mut Vec<u8>)) -> Bytes {
    let mut bytes = record.encode(&KEY).to_vec();
    bytes.truncate(bytes.len() - CHECKSUM_LENGTH);
    change(&mut bytes);
    with_checksum(bytes)
}

proptest! {
    #[test]
    fn a_record_comes_back_as_it_was_put(record in record(), key in any::<[u8; 32]>()) {
        let key = StorageKey::from_bytes(key);
        let bytes = record.encode(&key);
        prop_assert_eq!(Record::decode(&key, &bytes), Ok(record));
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Record::decode(&KEY, &Bytes::from(bytes.clone()));
        let _ = Summary::of(&bytes);
    }

    #[test]
    fn no_bytes_behind_a_fitting_checksum_make_it_panic(
        tag in 0..=SEALED + 1, bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let bytes = with_checksum([&[VERSION, tag], &bytes[..]].concat());
        let _ = Record::decode(&KEY, &bytes);
        let _ = Summary::of(&bytes);
    }

    #[test]
    fn bytes_that_are_read_as_a_record_are_its_only_spelling(
        record in record(), at in any::<Index>(), with in any::<u8>(),
    ) {
        let bytes = forged(&record, |bytes| *at.get_mut(bytes) = with);
        if let Ok(read) = Record::decode(&KEY, &bytes) {
            prop_assert_eq!(read.encode(&KEY), bytes);
        }
    }

    #[test]
    fn a_flipped_bit_is_noticed_wherever_it_is(record in record()) {
        let whole = record.encode(&KEY).to_vec();
        for bit in 0..whole.len() * 8 {
            let mut bytes = whole.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(Record::decode(&KEY, &bytes.into()), Err(Undecodable), "bit {}", bit);
        }
    }

    #[test]
    fn a_record_cut_short_anywhere_is_noticed(record in record()) {
        let whole = record.encode(&KEY);
        for length in 0..whole.len() {
            let read = Record::decode(&KEY, &whole.slice(..length));
            prop_assert_eq!(read, Err(Undecodable), "{} bytes", length);
        }
    }

    /// If a byte is missing, the lengths exceed the bytes that are left, even if the checksum is right.
    #[test]
    fn a_record_cut_short_behind_a_fitting_checksum_is_noticed(record in record()) {
        let whole = record.encode(&KEY);
        for length in 0..whole.len() - CHECKSUM_LENGTH {
            let read = Record::decode(&KEY, &with_checksum(whole[..length].to_vec()));
            prop_assert_eq!(read, Err(Undecodable), "{} bytes", length);
        }
        prop_assert!(Record::decode(&KEY, &forged(&record, |bytes| bytes.push(0))).is_err());
    }

    #[test]
    fn a_record_copied_to_another_key_is_noticed(record in record(), bit in 0_usize..256) {
        let mut other = *KEY.as_bytes();
        other[bit / 8] ^= 1 << (bit % 8);
        let read = Record::decode(&StorageKey::from_bytes(other), &record.encode(&KEY));
        prop_assert_eq!(read, Err(Undecodable));
    }

    #[test]
    fn a_record_of_another_version_or_state_is_refused(record in record(), other: u8) {
        let version = forged(&record, |bytes| bytes[0] = other);
        prop_assert_eq!(Record::decode(&KEY, &version).is_ok(), other == VERSION);
        let state = forged(&record, |bytes| bytes[1] = other);
        prop_assert!(other <= SEALED || Record::decode(&KEY, &state).is_err());
    }
}

fn completed(status: u16) -> Record {
    let headers = vec![("n".into(), "v".into())];
    let response = StoredResponse { status, headers, body: "b".into(), is_cut: false };
    Record {
        attempt: 1,
        origin: Origin::default(),
        fingerprint: Fingerprint::NONE,
        label: Label::new(Guard::Handler, "op", "key"),
        state: State::Completed(Outcome::Response(response)),
    }
}

#[test]
fn a_record_with_an_impossible_status_is_refused() {
    for status in 0..=u16::MAX {
        let is_read = Record::decode(&KEY, &completed(status).encode(&KEY)).is_ok();
        assert_eq!(is_read, (100..=999).contains(&status), "{status}");
    }
}

#[test]
fn a_record_with_an_unknown_flag_is_refused() {
    for flags in 0..=u8::MAX {
        let flagged = forged(&completed(200), |bytes| bytes[2] = flags);
        assert_eq!(Record::decode(&KEY, &flagged).is_ok(), flags < 2, "{flags}");
    }
}

#[test]
fn a_label_over_its_limit_is_cut_between_characters() {
    for shift in 0..4 {
        let long = format!("{}{}", "x".repeat(shift), "𝄞".repeat(20_000));
        let label = Label::new(Guard::Handler, &long, &long);
        let record = Record { label, ..completed(200) };
        let read = Record::decode(&KEY, &record.encode(&KEY)).expect("a record of ours");
        assert!(long.starts_with(&*read.label.key()) && read.label.key().len() > 65_000);
        assert_eq!(read.label.operation(), read.label.key());
    }
}

/// The most address space that this process ever had, in bytes. An allocation counts even if its memory is
/// not used.
#[cfg(target_os = "linux")]
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") << 10
}

/// Whether this process runs only this test. If not, the test is run in another process that does, so that no
/// other test adds to the peak.
#[cfg(target_os = "linux")]
fn is_alone(test: &str) -> bool {
    const ALONE: &str = "MEASURED_ALONE";
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let mut child = std::process::Command::new(std::env::current_exe().expect("these tests"));
    let child = child.args([test, "--exact", "--test-threads=1"]).env(ALONE, "");
    let done = child.output().expect("it runs");
    let told = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success() && told.contains("1 passed"), "{told}");
    false
}

#[cfg(target_os = "linux")]
#[test]
fn a_length_of_four_gigabytes_is_refused_before_anything_is_allocated() {
    // The place of each length in a response's record. A length is one byte here, and a greater one is put in
    // its place.
    const TEXTS: usize = VERSION_AND_TAG + BEFORE_LABEL + 2;
    const STATUS: usize = TEXTS + 3 + 4 + 1;
    const LENGTHS: [usize; 6] = [
        TEXTS,      // the operation's
        TEXTS + 3,  // the label's
        STATUS + 2, // how many headers
        STATUS + 4, // a name's, behind the mark of one that is spelled out
        STATUS + 6, // a value's
        STATUS + 8, // the body's
    ];
    if !is_alone(concat!(
        "store::record::tests::",
        "a_length_of_four_gigabytes_is_refused_before_anything_is_allocated",
    )) {
        return;
    }
    let record = completed(200);
    assert_eq!(
        record.encode(&KEY).len() - CHECKSUM_LENGTH,
        LENGTHS[5] + 1 + 1,
        "the last length is the body's"
    );
    let before = peak();
    let mut four_gigabytes = Vec::new();
    write_number(&mut four_gigabytes, u32::MAX.into());
    for at in LENGTHS {
        let lying = forged(&record, |bytes| drop(bytes.splice(at..=at, four_gigabytes.clone())));
        assert_eq!(Record::decode(&KEY, &lying), Err(Undecodable), "at {at}");
        let _ = Summary::of(&lying);
    }
    assert!(peak() - before < 1 << 30, "{} bytes", peak() - before);
}

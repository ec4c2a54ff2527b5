//! Functions that read bytes from outsiders, for a fuzzer. None may panic, and accepted bytes must have one meaning.
//!
//! `fuzz/` drives them by coverage. A test replays the inputs that are kept there: inputs that once broke a
//! promise, under the name of that promise, and inputs that cover code.

use crate::clock::{Clock, ManualClock};
use crate::fingerprint::Fingerprint;
use crate::key::{Guard, KeyParts, StorageKey};
use crate::outcome::Outcome;
use crate::policy::{Definition, Policy, Strategy};
use crate::store::record::{Record, State, Summary};
use crate::strategy::{self, RequestIdentity, Settings, TokenSecrets};
use bytes::Bytes;

pub use crate::http::fuzz::{key_header, request};

const KEY: StorageKey = StorageKey::from_bytes([7; 32]);

/// Bytes that were found in a store, without and with a right checksum.
pub fn record(found: &[u8]) {
    let mut with_checksum = found.to_vec();
    let mut sum = crc32fast::Hasher::new();
    sum.update(KEY.as_bytes());
    sum.update(found);
    with_checksum.extend_from_slice(&sum.finalize().to_le_bytes());
    for bytes in [Bytes::copy_from_slice(found), Bytes::from(with_checksum)] {
        let summary = Summary::of(&bytes);
        let Ok(record) = Record::decode(&KEY, &bytes) else { continue };
        assert_eq!(record.encode(&KEY), bytes, "one record has one form");
        let shown = (record.label.operation(), record.label.key());
        assert_eq!((summary.operation, summary.label), shown, "people see the parts of the record");
        if let State::Completed(Outcome::Response(response)) = record.state {
            crate::http::fuzz::replay(response);
        }
    }
}

/// A token as a client sends it.
pub fn token(sent: &[u8]) {
    let Ok(value) = std::str::from_utf8(sent) else { return };
    let clock = ManualClock::new();
    let policy = Policy::new(Definition::new("op", "op", ""), Strategy::Token).operation("op");
    let (scope, key) = (KeyParts::new().value("alice"), KeyParts::new().value(value));
    let (route, fingerprint) = (("POST", "/"), Fingerprint::NONE);
    let read = RequestIdentity {
        guard: Guard::Handler,
        operation: Some("op"),
        shown: "op",
        scope: &scope,
        key: &key,
        route,
        fingerprint,
        clock: &clock,
    };
    let stored = Settings::default();
    if let Ok(request) = strategy::token::claim_request(&policy, &stored, &read) {
        assert_eq!(value.len(), ulid::ULID_LEN, "a stored token is an ULID and nothing more");
        assert!(value.as_bytes()[0] <= b'7', "its 26 digits are no more than 128 bits");
        let upper = value.to_uppercase();
        let upper = KeyParts::new().value(&upper);
        let again = RequestIdentity { key: &upper, ..read };
        let again = strategy::token::claim_request(&policy, &stored, &again)
            .map(|request| request.claim.key);
        assert_eq!(again.ok(), Some(request.claim.key), "its spellings are one token");
    }
    let current = b"a secret that no input knows".to_vec();
    let signed =
        Settings { secrets: Some(TokenSecrets { current, previous: None }), ..Settings::default() };
    assert!(
        strategy::token::claim_request(&policy, &signed, &read).is_err(),
        "a forged token at {:?}",
        clock.wall()
    );
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use std::fs;
    use std::path::Path;

    /// All inputs that are kept for a target.
    fn inputs(target: &str) -> Vec<Vec<u8>> {
        let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        let corpus = fuzz.join("corpus").join(target).with_extension("base64");
        let corpus = fs::read_to_string(corpus).unwrap();
        let covers = corpus.lines().map(|input| BASE64_STANDARD.decode(input).unwrap());
        // A target that never broke a promise has no folder.
        let broke = fs::read_dir(fuzz.join("regressions").join(target)).into_iter().flatten();
        let broke = broke.map(|input| fs::read(input.unwrap().path()).unwrap());
        covers.chain(broke).collect()
    }

    /// Replays each input unchanged, cut short, and with one byte changed.
    fn replayed(target: &str, at_least: usize, takes: fn(&[u8])) {
        let inputs = inputs(target);
        assert!(inputs.len() >= at_least, "{target} lost inputs: {} are left", inputs.len());
        for input in inputs {
            takes(&input);
            takes(&input[..input.len() / 2]);
            for place in 0..input.len().min(64) {
                let mut other = input.clone();
                other[place] ^= 1 << (place % 8);
                takes(&other);
            }
        }
    }

    #[test]
    fn what_was_found_for_key_header_holds() {
        replayed("key_header", 96, super::key_header);
    }

    #[test]
    fn what_was_found_for_request_holds() {
        replayed("request", 591, super::request);
    }

    #[test]
    fn what_was_found_for_record_holds() {
        replayed("record", 329, super::record);
    }

    #[test]
    fn what_was_found_for_token_holds() {
        replayed("token", 91, super::token);
    }
}

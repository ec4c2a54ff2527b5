//! A token, issued beforehand for one scope and operation, is used up by the request.
//!
//! A stored token is an ULID with a record that waits for it. A signed token is an ULID with an
//! HMAC-SHA-256 over everything it is bound to: issuing it writes nothing, and its use makes the
//! record. Either way the claim is what uses it up, in one atomic step.

use crate::engine::{ClaimRequest, Claimable, Engine, ReclaimWindow, Refusal};
use crate::error::StoreError;
use crate::key::{Address, Guard, KeyParts, StorageKey};
use crate::policy::{CLOCK_SKEW, Policy};
use crate::store::Label;
use crate::strategy::settings::{RequestIdentity, Settings, TokenSecrets, addressed};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::time::Duration;
use ulid::Ulid;

/// The app, scope and operation of a token; tokens of one ULID elsewhere are other tokens.
struct TokenBinding<'a> {
    settings: &'a Settings,
    scope: &'a KeyParts,
    operation: &'a str,
}

/// Issues a token for an operation.
pub(crate) async fn issue(
    engine: &Engine,
    settings: &Settings,
    scope: &KeyParts,
    operation: &str,
) -> Result<String, StoreError> {
    let now = crate::clock::millis(engine.clock().wall());
    // Every token with 80 random bits of its own; a monotonic generator's can be guessed.
    let ulid = Ulid::from_parts(now, rand::random());
    let binding = TokenBinding { settings, scope, operation };
    let key = binding.storage_key(ulid);
    if let Some(secrets) = &settings.secrets {
        let mac = signer(&secrets.current, &key).finalize().into_bytes();
        return Ok(format!("{ulid}.{}", BASE64_URL_SAFE_NO_PAD.encode(mac)));
    }
    engine.issue(&key, &binding.label(ulid), settings.token_ttl).await?;
    Ok(ulid.to_string())
}

/// The claim request that uses a token up.
pub(crate) fn claim_request(
    policy: &Policy,
    settings: &Settings,
    request: &RequestIdentity<'_>,
) -> Result<ClaimRequest, Refusal> {
    // Whatever takes tokens names its operation: nothing is issued for what does not.
    let operation = request.operation.ok_or(Refusal::TokenInvalid)?;
    let binding = TokenBinding { settings, scope: request.scope, operation };
    let (ulid, signature) = parts(request.key.last_value());
    // Told apart from an unknown token by nothing, whatever is wrong with it.
    let ulid = read(ulid).ok_or(Refusal::TokenInvalid)?;
    let issued = Duration::from_millis(ulid.timestamp_ms());
    let now = request.clock.wall();
    let mut claim_request = addressed(
        policy,
        settings,
        request.fingerprint,
        operation,
        &binding.address(&secret(ulid)),
    );
    // A host whose clock is behind must not lengthen a token's life.
    claim_request.reclaim = ReclaimWindow::Until(issued.min(now) + settings.token_ttl);
    claim_request.claim.claimable = match (&settings.secrets, signature) {
        (None, None) => Claimable::Issued,
        (Some(secrets), Some(signature))
            if issued <= now + CLOCK_SKEW
                && is_signed(secrets, &claim_request.claim.key, signature) =>
        {
            // One that is over uses nothing up, and still finds what it was used for.
            if now < issued + settings.token_ttl { Claimable::Any } else { Claimable::Issued }
        }
        _ => return Err(Refusal::TokenInvalid),
    };
    Ok(claim_request)
}

/// The key of the record of a token, if it is one; whether it is signed as it should be does not count.
pub(super) fn storage_key(
    settings: &Settings,
    scope: &KeyParts,
    operation: &str,
    token: &str,
) -> Option<StorageKey> {
    let ulid = read(parts(token).0)?;
    Some(TokenBinding { settings, scope, operation }.storage_key(ulid))
}

/// The ULID of a token, and the signature of one that has one.
fn parts(token: &str) -> (&str, Option<&str>) {
    match token.split_once('.') {
        Some((ulid, signature)) => (ulid, Some(signature)),
        None => (token, None),
    }
}

/// A ULID whose 26 digits are no more than its 128 bits: of more, the highest would be lost.
fn read(digits: &str) -> Option<Ulid> {
    let fits = digits.as_bytes().first().is_some_and(|digit| (b'0'..=b'7').contains(digit));
    Ulid::from_string(digits).ok().filter(|_| fits)
}

fn is_signed(secrets: &TokenSecrets, key: &StorageKey, signature: &str) -> bool {
    let Ok(mac) = BASE64_URL_SAFE_NO_PAD.decode(signature) else { return false };
    // `verify_slice` compares in constant time.
    [Some(&secrets.current), secrets.previous.as_ref()]
        .into_iter()
        .flatten()
        .any(|secret| signer(secret, key).verify_slice(&mac).is_ok())
}

/// The storage key binds namespace, scope, operation and ULID, so it is what is signed.
fn signer(secret: &[u8], key: &StorageKey) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length");
    mac.update(key.as_bytes());
    mac
}

/// The ULID in its canonical form: spellings of one token must not be two.
fn secret(ulid: Ulid) -> KeyParts {
    KeyParts::new().secret(ulid.array_to_str(&mut [0; ulid::ULID_LEN]))
}

impl TokenBinding<'_> {
    fn address<'a>(&'a self, key: &'a KeyParts) -> Address<'a> {
        Address {
            namespace: &self.settings.namespace,
            guard: Guard::Token,
            scope: self.scope,
            route: None,
            operation: Some(self.operation),
            key,
        }
    }

    fn storage_key(&self, ulid: Ulid) -> StorageKey {
        StorageKey::of(&self.address(&secret(ulid)))
    }

    /// Equal when issued and when claimed: the record that waits is compared byte for byte.
    fn label(&self, ulid: Ulid) -> Label {
        Label::new(Guard::Token, self.operation, &secret(ulid).label())
    }
}

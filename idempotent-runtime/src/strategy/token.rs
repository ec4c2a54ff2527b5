//! A token that was issued beforehand for one scope and operation. One request uses it up.
//!
//! A stored token is a ULID whose record waits for it. A signed token is a ULID with an HMAC-SHA-256 over
//! everything to which it is bound: issuing it writes nothing, and its use makes the record. In both cases
//! the claim uses it up, in one atomic step.

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

/// The app, scope and operation of a token. The same ULID with other ones is another token.
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
    // Every token has 80 random bits of its own, since those of a monotonic generator can be guessed.
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
    // A handler of tokens names its operation. Without one no token was issued.
    let operation = request.operation.ok_or(Refusal::TokenInvalid)?;
    let binding = TokenBinding { settings, scope: request.scope, operation };
    let (ulid, signature) = parts(request.key.last_value());
    // Whatever is wrong with a token, the answer is that of an unknown one.
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
            // An expired token cannot be used any more, but it still finds the record of its use.
            if now < issued + settings.token_ttl { Claimable::Any } else { Claimable::Issued }
        }
        _ => return Err(Refusal::TokenInvalid),
    };
    Ok(claim_request)
}

/// The key of the record of a token; `None` if the text is not a token. The signature is not checked.
pub(super) fn storage_key(
    settings: &Settings,
    scope: &KeyParts,
    operation: &str,
    token: &str,
) -> Option<StorageKey> {
    let ulid = read(parts(token).0)?;
    Some(TokenBinding { settings, scope, operation }.storage_key(ulid))
}

/// The ULID of a token, and its signature if it has one.
fn parts(token: &str) -> (&str, Option<&str>) {
    match token.split_once('.') {
        Some((ulid, signature)) => (ulid, Some(signature)),
        None => (token, None),
    }
}

/// A ULID of 26 digits, if they fit 128 bits. Otherwise the highest bits would be lost.
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

/// The storage key depends on namespace, scope, operation and ULID, so it is what is signed.
fn signer(secret: &[u8], key: &StorageKey) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length (RFC 2104)")]
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("a key of any length");
    mac.update(key.as_bytes());
    mac
}

/// The ULID in its canonical spelling, so that two spellings of a token are not two tokens.
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

//! The check in front of the inspector: an operator's credential, which no customer has.

use actix_web::error::InternalError;
use actix_web::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use actix_web::{Error, HttpRequest, HttpResponse};
use anyhow::{Context, ensure};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use idempotent_runtime::inspector::Operator;
use sha2::{Digest, Sha256};
use std::env;
use std::fs;
use std::path::Path;
use subtle::ConstantTimeEq;

/// The environment variable with the credential. Every process of the host could read an option.
const VARIABLE: &str = "ORDERS_OPERATOR_TOKEN";

/// The fewest bytes of a credential.
const SHORTEST: usize = 16;

/// The operator's credential, as its hash.
#[derive(Clone)]
pub(crate) struct OperatorCredential([u8; 32]);

impl OperatorCredential {
    /// The credential in a file, or else in the environment, if there is one.
    pub(crate) fn given(file: Option<&Path>) -> anyhow::Result<Option<Self>> {
        let text = match file {
            Some(file) => {
                let name = || format!("--operator-token-file {}", file.display());
                Some(fs::read_to_string(file).with_context(name)?)
            }
            None => env::var(VARIABLE).ok(),
        };
        let Some(text) = text else { return Ok(None) };
        let token = text.trim();
        ensure!(token.len() >= SHORTEST, "the operator's token has fewer than {SHORTEST} bytes");
        Ok(Some(Self(hash(token))))
    }

    /// The operator that sends a request, with the credential as a password or as a bearer token.
    pub(crate) fn check(&self, request: &HttpRequest) -> Result<Operator, Error> {
        let mut lines = request.headers().get_all(AUTHORIZATION);
        // A header that is sent twice names nobody.
        let line = lines.next().filter(|_| lines.next().is_none());
        let sent = line.and_then(|line| sent(line.to_str().ok()?));
        match sent {
            Some((name, token)) if bool::from(hash(&token).ct_eq(&self.0)) => {
                Ok(Operator::new(name))
            }
            _ => {
                let asks = (WWW_AUTHENTICATE, r#"Basic realm="operators", charset="UTF-8""#);
                let refusal = HttpResponse::Unauthorized().insert_header(asks).finish();
                Err(InternalError::from_response("not the operator's credential", refusal).into())
            }
        }
    }
}

/// The name and the credential in a header.
fn sent(header: &str) -> Option<(String, String)> {
    let (kind, value) = header.split_once(' ')?;
    if kind.eq_ignore_ascii_case("bearer") {
        return Some(("operator".to_owned(), value.trim().to_owned()));
    }
    let value = kind.eq_ignore_ascii_case("basic").then(|| BASE64_STANDARD.decode(value.trim()))?;
    let value = String::from_utf8(value.ok()?).ok()?;
    let (name, password) = value.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

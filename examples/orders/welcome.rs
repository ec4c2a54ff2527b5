//! The text at the start: the address, the stores, and requests to try.

use crate::options::Options;
use idempotent_runtime::Idempotency;
use idempotent_runtime::store::Finding;
use std::net::SocketAddr;
use ulid::Ulid;

/// Prints the address, the stores, and three requests to paste.
pub(crate) fn print(
    addresses: &[SocketAddr],
    options: &Options,
    idempotency: &Idempotency,
    findings: &[Finding],
    has_inspector: bool,
) {
    let addresses: Vec<_> = addresses.iter().map(|address| format!("http://{address}")).collect();
    let Some(address) = addresses.first() else { return };
    // Each start has a new key, so that the first request is not a replay of an earlier start's.
    let key = Ulid::generate();
    let curl = |order: &str| {
        format!(
            "curl -i {address}/orders -H 'Authorization: Bearer alice' \
             -H 'Idempotency-Key: {key}' --json '{order}'"
        )
    };
    let book = curl(r#"{"sku":"book","quantity":1}"#);
    let tokens = if options.secret().is_some() { "signed" } else { "stored" };
    println!("orders is listening on {}", addresses.join(", "));
    println!("  page      {address}/");
    if has_inspector {
        println!("  operators {address}/inspector/");
    }
    println!("  records   {}", idempotency.describe_store());
    for finding in findings {
        println!("    note    {finding}");
    }
    if let Some(locks) = idempotency.describe_locks() {
        println!("  locks     {locks}");
    }
    println!("  business  {}", idempotency.describe_database().unwrap_or_default());
    println!("  tokens    {tokens}");
    println!();
    println!("Try it from another terminal:");
    println!();
    println!("# the first request runs");
    println!("{book}");
    println!("# the same request again gets the same answer, and does not run");
    println!("{book}");
    println!("# the same key with another order is refused");
    println!("{}", curl(r#"{"sku":"book","quantity":2}"#));
    println!();
}

//! The exchange of a record: by the native command, or by a script if the server does not know that command.

use crate::store::contract::Swap;
use crate::store::redis::command::{string, with_life};
use crate::store::redis::connections::RedisConnections;
use crate::store::redis::errors::{is_unknown_script, is_unknown_syntax};
use bytes::Bytes;
use redis::{Cmd, RedisResult, Script, Value};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Replaces a value by another, if it is as expected.
const SWAP: &str = include_str!("swap.lua");

/// The ways to exchange a record of one store.
pub(super) struct Exchanges {
    script: Script,
    /// Whether to try `SET … IFEQ`; false after the server did not know it.
    native: AtomicBool,
}

/// A record to exchange.
#[derive(Clone, Copy)]
pub(super) struct Exchange<'a> {
    pub(super) name: &'a str,
    pub(super) expected: &'a Bytes,
    pub(super) value: &'a Bytes,
    pub(super) life: Duration,
}

/// The way of an exchange.
#[derive(Clone, Copy)]
enum ExchangeBy {
    Native,
    ScriptByHash,
    Script,
}

impl Exchanges {
    pub(super) fn new() -> Self {
        Self { script: Script::new(SWAP), native: AtomicBool::new(true) }
    }

    /// Exchanges a record in the first of the ways that the server knows.
    pub(super) async fn exchange(
        &self,
        connections: &RedisConnections,
        what: Exchange<'_>,
    ) -> RedisResult<Swap> {
        let is_native = self.native.load(Ordering::Relaxed);
        let mut way = if is_native { ExchangeBy::Native } else { ExchangeBy::ScriptByHash };
        loop {
            // The command is dropped before the answer is handled: otherwise every request's future would be larger.
            let answer = {
                let command = self.command(way, what);
                connections.send(&command).await
            };
            way = match (way, answer) {
                (ExchangeBy::Native, Err(error)) if is_unknown_syntax(&error) => {
                    self.native.store(false, Ordering::Relaxed);
                    ExchangeBy::ScriptByHash
                }
                // After this the server has the script.
                (ExchangeBy::ScriptByHash, Err(error)) if is_unknown_script(&error) => {
                    ExchangeBy::Script
                }
                (_, answer) => return swapped(way, what.expected, answer?),
            };
        }
    }

    fn command(&self, way: ExchangeBy, what: Exchange<'_>) -> Cmd {
        let Exchange { name, expected, value, life } = what;
        let name = name.as_bytes();
        let script = |by, script: &str| {
            with_life([by, script.as_bytes(), b"1", name, expected, value], life)
        };
        match way {
            ExchangeBy::Native => {
                with_life([b"SET", name, value, b"IFEQ", expected, b"GET", b"PX"], life)
            }
            ExchangeBy::ScriptByHash => script(b"EVALSHA", self.script.get_hash()),
            ExchangeBy::Script => script(b"EVAL", SWAP),
        }
    }
}

fn swapped(way: ExchangeBy, expected: &Bytes, answer: Value) -> RedisResult<Swap> {
    Ok(match (way, answer) {
        (ExchangeBy::ScriptByHash | ExchangeBy::Script, Value::Int(_)) => Swap::Done,
        // The native command returns the value that was there before, whether it was the expected one or not.
        (ExchangeBy::Native, before) => {
            let before = string(before)?;
            if before.as_ref() == Some(expected) { Swap::Done } else { Swap::Differs(before) }
        }
        (ExchangeBy::ScriptByHash | ExchangeBy::Script, there) => Swap::Differs(string(there)?),
    })
}

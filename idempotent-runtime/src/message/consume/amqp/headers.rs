//! The headers of a message: its history, and the headers that a handler can read.

use crate::clock::millis;
use crate::message::consume::history::History;
use lapin::BasicProperties;
use lapin::types::{AMQPValue, FieldTable};
use std::collections::BTreeMap;
use std::time::Duration;

/// The number of attempts before this delivery.
const ATTEMPTS: &str = "idempotency-attempts";

/// The number of processes that died while they had the message.
const DEATHS: &str = "idempotency-deaths";

/// The time of its first delivery, in milliseconds since 1970.
const FIRST: &str = "idempotency-first";

/// The end of its life, in milliseconds since 1970.
const DEADLINE: &str = "idempotency-deadline";

/// Whether one of its guarded calls claimed its key.
const CLAIMED: &str = "idempotency-claimed";

/// The reason why it is given up, once its last look has begun.
const GIVEN_UP: &str = "idempotency-given-up";

/// The reason why it is a dead letter.
const REASON: &str = "idempotency-reason";

/// The reason why it was a dead letter before it was put back, and the number of times that it was put back.
const LAST_REASON: &str = "idempotency-last-reason";
const ROUND: &str = "idempotency-round";

/// Headers that hold a message's history. They are written anew each time.
const OF_THE_PAST: [&str; 7] = [ATTEMPTS, DEATHS, FIRST, DEADLINE, CLAIMED, GIVEN_UP, REASON];

/// Headers of the broker. It does not write them into a message that has them already.
const OF_THE_BROKER: [&str; 4] = ["x-delivery-count", "x-death", "x-first-death-", "x-last-death-"];

/// Headers that the broker obeys whenever a message is published, and the names under which they are kept.
/// The message already went to those queues when its publisher sent it.
const OBEYED: [(&str, &str); 2] = [("CC", "idempotency-cc"), ("BCC", "idempotency-bcc")];

/// Whether a message is a dead letter of a consumer. If it is in the consumer's queue, a person put it back.
pub(super) fn is_dead_letter(properties: &BasicProperties) -> bool {
    properties.headers().as_ref().is_some_and(|headers| headers.inner().contains_key(REASON))
}

/// The history of a message before this delivery.
pub(super) fn history_of(properties: &BasicProperties, now: Duration) -> History {
    let headers = properties.headers().as_ref();
    let header = |name| headers.and_then(|headers| headers.inner().get(name));
    let count = |name| header(name).and_then(integer).map_or(0, count_of);
    let time = |name| header(name).and_then(integer).map(time_of);
    let deaths = count(DEATHS);
    History {
        failures: count(ATTEMPTS).saturating_sub(deaths),
        deaths,
        first: time(FIRST).unwrap_or(now).min(now),
        deadline: time(DEADLINE).or_else(|| deadline_of(properties, now)),
        claimed: header(CLAIMED) == Some(&AMQPValue::Boolean(true)),
        given_up: header(GIVEN_UP).and_then(text),
    }
}

/// The end of a message's life, since 1970: its timestamp plus its expiration, or its first delivery plus that.
///
/// A timestamp has whole seconds, and must not end a life earlier because of that. A timestamp in the future
/// is ignored.
fn deadline_of(of: &BasicProperties, now: Duration) -> Option<Duration> {
    let life = of.expiration().as_ref()?.as_str().parse().ok().map(Duration::from_millis)?;
    let sent = of.timestamp().map(|second| Duration::from_secs(second.saturating_add(1)));
    Some(sent.map_or(now, |sent| sent.min(now)) + life)
}

/// The headers with which a message with this history is published again, with the reason if it goes to the
/// dead letters.
pub(super) fn headers_to_republish(
    of: &BasicProperties,
    history: &History,
    reason: Option<String>,
) -> FieldTable {
    let mut headers = kept_headers(of);
    let mut insert = |name: &str, value| {
        headers.insert(name.into(), value);
    };
    let count = |count: u32| AMQPValue::LongLongInt(count.into());
    let time = |time| AMQPValue::LongLongInt(i64::try_from(millis(time)).unwrap_or(i64::MAX));
    insert(ATTEMPTS, count(history.attempts()));
    insert(FIRST, time(history.first));
    if history.deaths > 0 {
        insert(DEATHS, count(history.deaths));
    }
    if let Some(deadline) = history.deadline {
        insert(DEADLINE, time(deadline));
    }
    if history.claimed {
        insert(CLAIMED, AMQPValue::Boolean(true));
    }
    if let (Some(why), None) = (&history.given_up, &reason) {
        insert(GIVEN_UP, AMQPValue::LongString(why.as_str().into()));
    }
    if let Some(reason) = reason {
        insert(REASON, AMQPValue::LongString(reason.into()));
    }
    headers
}

/// The headers with which a dead letter begins anew, without its reason and its counts. It keeps the end of
/// its life, which its publisher set.
pub(super) fn headers_to_begin_anew(
    of: &BasicProperties,
    deadline: Option<Duration>,
) -> FieldTable {
    let mut headers = kept_headers(of);
    let old = |name| of.headers().as_ref().and_then(|headers| headers.inner().get(name));
    let round = old(ROUND).and_then(integer).map_or(0, count_of).saturating_add(1);
    headers.insert(ROUND.into(), AMQPValue::LongLongInt(round.into()));
    if let Some(reason) = old(REASON) {
        headers.insert(LAST_REASON.into(), reason.clone());
    }
    if let Some(deadline) = deadline {
        let deadline = i64::try_from(millis(deadline)).unwrap_or(i64::MAX);
        headers.insert(DEADLINE.into(), AMQPValue::LongLongInt(deadline));
    }
    headers
}

/// The headers that a message keeps each time it is published.
fn kept_headers(of: &BasicProperties) -> FieldTable {
    let mut headers = FieldTable::default();
    for (name, value) in of.headers().iter().flatten() {
        let is_dropped = OF_THE_PAST.contains(&name.as_str())
            || OF_THE_BROKER.iter().any(|of_the_broker| name.as_str().starts_with(of_the_broker));
        if !is_dropped {
            let kept = OBEYED.iter().find(|(obeyed, _)| *obeyed == name.as_str());
            let name = kept.map_or_else(|| name.clone(), |(_, kept)| (*kept).into());
            headers.insert(name, value.clone());
        }
    }
    headers
}

/// The headers whose values are text or numbers.
pub(super) fn readable_headers(headers: &FieldTable) -> BTreeMap<String, String> {
    let readable =
        headers.into_iter().filter_map(|(name, value)| Some((name.to_string(), text(value)?)));
    readable.collect()
}

fn text(value: &AMQPValue) -> Option<String> {
    match value {
        AMQPValue::LongString(text) => str::from_utf8(text.as_bytes()).ok().map(str::to_owned),
        AMQPValue::ShortString(text) => Some(text.to_string()),
        AMQPValue::Boolean(value) => Some(value.to_string()),
        AMQPValue::Double(value) => Some(value.to_string()),
        other => integer(other).map(|number| number.to_string()),
    }
}

fn integer(value: &AMQPValue) -> Option<i64> {
    match *value {
        AMQPValue::ShortShortInt(number) => Some(number.into()),
        AMQPValue::ShortShortUInt(number) => Some(number.into()),
        AMQPValue::ShortInt(number) => Some(number.into()),
        AMQPValue::ShortUInt(number) => Some(number.into()),
        AMQPValue::LongInt(number) => Some(number.into()),
        AMQPValue::LongUInt(number) => Some(number.into()),
        AMQPValue::LongLongInt(number) => Some(number),
        _ => None,
    }
}

/// A count, zero if it is negative, since anybody can send a negative one.
fn count_of(number: i64) -> u32 {
    u32::try_from(number.max(0)).unwrap_or(u32::MAX)
}

fn time_of(millis: i64) -> Duration {
    Duration::from_millis(millis.max(0).unsigned_abs())
}

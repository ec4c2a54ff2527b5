//! Values as the page shows them. Only here a text from outside becomes HTML.

use crate::http::answer::html::Escaped;
use crate::key::{Guard, StorageKey};
use crate::records::{KeptOutcome, RecordState};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::fmt::{self, Display};
use std::time::{Duration, SystemTime};

/// The most characters that are shown of a request's key.
const OF_A_KEY: usize = 8;

/// A text from outside. Characters that control a line or its direction are replaced, and HTML is escaped.
pub(super) fn shown(text: &str) -> String {
    let seen = |one: char| if is_seen(one) { one } else { char::REPLACEMENT_CHARACTER };
    let text: String = text.chars().map(seen).collect();
    Escaped(&text).to_string()
}

/// Whether a character is shown in its place.
fn is_seen(one: char) -> bool {
    let turns = matches!(one, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(one, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
    !one.is_control() && !turns
}

/// The beginning of a request's key: enough to tell it from others, and never all of it.
pub(super) fn shortened(label: &str) -> String {
    let half = label.chars().count() / 2;
    let first: String = label.chars().take(half.min(OF_A_KEY)).collect();
    if label.is_empty() { String::new() } else { shown(&format!("{first}…")) }
}

/// A storage key by its first digits.
pub(super) fn short(key: &StorageKey) -> String {
    format!("<code>{}…</code>", key.short())
}

/// A count of seconds, minutes, hours or days.
pub(super) fn age(age: Duration) -> String {
    match age.as_secs() {
        seconds @ ..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds @ 3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        seconds => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

/// A measured time in seconds, to three digits.
pub(super) fn took(seconds: f64) -> String {
    match seconds {
        ..0.000_1 => "under 0.1 ms".to_owned(),
        ..0.01 => format!("{:.1} ms", seconds * 1000.0),
        ..1.0 => format!("{:.0} ms", seconds * 1000.0),
        _ => format!("{seconds:.1} s"),
    }
}

/// A moment, to the second, in UTC.
pub(super) fn moment(at: SystemTime) -> String {
    let Ok(at) = Timestamp::try_from(at) else { return "at no time".to_owned() };
    let utc = at.to_zoned(TimeZone::UTC);
    let (day, hour) = (utc.strftime("%Y-%m-%d"), utc.strftime("%H:%M:%S"));
    format!("<time datetime=\"{day}T{hour}Z\">{day} {hour} UTC</time>")
}

/// The state of a record.
pub(super) fn state(state: RecordState) -> String {
    match state {
        RecordState::Running { lease_left } => {
            format!("running, {} left of its lease", age(lease_left))
        }
        RecordState::Completed(KeptOutcome::Response { status, is_cut: true, .. }) => {
            format!("completed: {status}, its body is not kept")
        }
        RecordState::Completed(KeptOutcome::Response { status, bytes, .. }) => {
            format!("completed: {status}, {bytes} bytes")
        }
        RecordState::Completed(KeptOutcome::Value { bytes }) => {
            format!("completed: a value, {bytes} bytes")
        }
        RecordState::Completed(KeptOutcome::NotReplayable) => "completed: not replayable".into(),
        other => other.stage().to_string(),
    }
}

/// The guard of a record.
pub(super) const fn guard(guard: Guard) -> &'static str {
    match guard {
        Guard::Handler => "handler",
        Guard::Middleware { .. } => "middleware",
        Guard::Token => "token",
        Guard::Task => "task",
        Guard::Cache => "cache",
        Guard::Message => "message",
        Guard::Lock => "lock",
    }
}

/// Items without a separator.
pub(super) fn joined(items: impl Iterator<Item = String>) -> String {
    items.fold(String::new(), |all, one| all + &one)
}

/// The first items of a list, at most this many, and the number of those that are left out.
pub(super) struct Cut<T>(pub(super) Vec<T>, pub(super) usize);

impl<T: Display> Display for Cut<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(all, most) = self;
        all.iter().take(*most).try_for_each(|one| write!(f, "{one}"))?;
        match all.len().saturating_sub(*most) {
            0 => Ok(()),
            more => write!(f, "<li class=\"empty\">and {more} more</li>"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_never_shown_in_full() {
        for (key, first) in [("", ""), ("a", "…"), ("abc", "a…"), ("7f9c2ba4-e88f", "7f9c2b…")]
        {
            assert_eq!(shortened(key), first);
        }
        assert_eq!(shortened("7f9c2ba4-e88f-4d4c-a7a5-000000000001"), "7f9c2ba4…");
        assert_eq!(shortened("<b>ü<b>ü"), "&lt;b&gt;ü…");
    }

    #[test]
    fn nothing_from_outside_is_html_or_turns_a_line_around() {
        assert_eq!(shown("<b a=\"'&\n\u{202e}"), "&lt;b a=&quot;&#39;&amp;\u{fffd}\u{fffd}");
    }

    #[test]
    fn times_are_in_units_that_fit() {
        let ages = [0, 59, 61, 3_660, 90_000].map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(ages, ["0 s", "59 s", "1 min 1 s", "1 h 1 min", "1 d 1 h"]);
        let took = [0.0, 0.0012, 0.0123, 0.5, 2.04].map(took);
        assert_eq!(took, ["under 0.1 ms", "1.2 ms", "12 ms", "500 ms", "2.0 s"]);
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let shown = "<time datetime=\"2001-09-09T01:46:40Z\">2001-09-09 01:46:40 UTC</time>";
        assert_eq!(moment(at), shown);
    }
}

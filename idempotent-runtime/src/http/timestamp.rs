//! `within`: requests whose own timestamp is too far from now are refused.
//!
//! A help against replays from long ago, and no guarantee: clocks differ, and a client can lie.

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use std::time::Duration;

/// Checks that a timestamp is at most `window` from now, earlier or later.
pub(super) fn check(text: &str, now: Duration, window: Duration) -> Result<(), String> {
    let sent = read(text).ok_or_else(|| {
        "the request's timestamp cannot be read; send RFC 3339 text or seconds or milliseconds \
         since 1970"
            .to_owned()
    })?;
    if sent.abs_diff(now) > window {
        return Err(format!(
            "the request's timestamp is more than {} seconds from the server's time",
            window.as_secs()
        ));
    }
    Ok(())
}

/// RFC 3339, the date of HTTP (RFC 9110, section 5.6.7), or a number of seconds or milliseconds.
fn read(text: &str) -> Option<Duration> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: u64 = text.parse().ok()?;
        // Ten digits of seconds last until 2286; with more they are milliseconds.
        return Some(if text.len() <= 10 {
            Duration::from_secs(number)
        } else {
            Duration::from_millis(number)
        });
    }
    let timestamp: Timestamp =
        text.parse().ok().or_else(|| Some(rfc2822::parse(text).ok()?.timestamp()))?;
    Duration::try_from(timestamp.as_duration()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_hours(490_896); // 2026-01-01T00:00:00Z

    #[test]
    fn every_form_of_one_moment_reads_alike() {
        for text in [
            "2026-01-01T00:00:00Z",
            "2026-01-01T01:00:00+01:00",
            "Thu, 01 Jan 2026 00:00:00 GMT",
            "1767225600",
            "1767225600000",
        ] {
            assert_eq!(read(text), Some(NOW), "{text}");
        }
    }

    #[test]
    fn the_window_is_open_on_both_sides_and_ends_exactly() {
        let window = Duration::from_mins(5);
        for (offset, fits) in [(-301, false), (-300, true), (0, true), (300, true), (301, false)] {
            let sent = NOW.as_secs().checked_add_signed(offset).unwrap().to_string();
            assert_eq!(check(&sent, NOW, window).is_ok(), fits, "{offset}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "yesterday", "-5", "99999999999999999999999", "2026-13-01T00:00:00Z"] {
            assert!(check(text, NOW, Duration::MAX).is_err(), "{text}");
        }
    }
}

//! The times that a request states.
//!
//! `within` refuses requests whose timestamp is too far from now. It helps against old requests that an
//! attacker sends again, but it is not a guarantee, since clocks differ and a client can lie. `first_sent`
//! refuses a retry that comes when its record may be forgotten.

use crate::policy::CLOCK_SKEW;
use jiff::Timestamp;
use jiff::fmt::rfc2822;
use std::time::Duration;

const UNREADABLE: &str = "the request's timestamp cannot be read; send RFC 3339 text, a date as in \
                          HTTP, or seconds or milliseconds since 1970";

/// The reason why a request is refused because of the time when it was sent first.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Untimely {
    /// The time is missing, cannot be read, or is in the future, so that retries could outlive the record.
    Unusable(String),
    /// The record may be forgotten by now.
    TooLate(String),
}

/// Checks that the record of a request that was sent first at this time, if it has one, still lives.
///
/// The record is stored after the request was sent, and lives at least for `life`.
pub(crate) fn check_first(text: &str, now: Duration, life: Duration) -> Result<(), Untimely> {
    let sent = read(text).ok_or_else(|| Untimely::Unusable(UNREADABLE.to_owned()))?;
    if sent > now + CLOCK_SKEW {
        let why = format!(
            "the request was first sent more than {} seconds ahead of the server's time",
            CLOCK_SKEW.as_secs()
        );
        return Err(Untimely::Unusable(why));
    }
    let late = life.saturating_sub(CLOCK_SKEW);
    if now.saturating_sub(sent) > late {
        return Err(Untimely::TooLate(format!(
            "the request was first sent more than {} seconds ago, and its record may be \
             forgotten, so it did not run now; find out whether it ran before you send it with a \
             new key",
            late.as_secs()
        )));
    }
    Ok(())
}

/// Checks that a timestamp is at most `window` from now, earlier or later.
pub(crate) fn check(text: &str, now: Duration, window: Duration) -> Result<(), String> {
    let sent = read(text).ok_or_else(|| UNREADABLE.to_owned())?;
    if sent.abs_diff(now) > window {
        return Err(format!(
            "the request's timestamp is more than {} seconds from the server's time",
            window.as_secs()
        ));
    }
    Ok(())
}

/// Reads RFC 3339, the date of HTTP (RFC 9110, section 5.6.7), or a number of seconds or milliseconds.
fn read(text: &str) -> Option<Duration> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let number: u64 = text.parse().ok()?;
        // Ten digits of seconds last until 2286. A longer number is milliseconds.
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
    fn a_request_is_first_sent_no_earlier_than_its_record_lives_and_no_later_than_now() {
        let life = Duration::from_hours(1);
        let on = |offset: i64| {
            let sent = NOW.as_secs().checked_add_signed(offset).unwrap().to_string();
            check_first(&sent, NOW, life)
        };
        for (offset, fits) in [(-3571, false), (-3570, true), (0, true), (30, true), (31, false)] {
            assert_eq!(on(offset).is_ok(), fits, "{offset}");
        }
        assert!(matches!(on(-3571), Err(Untimely::TooLate(_))));
        assert!(matches!(on(31), Err(Untimely::Unusable(_))));
        assert!(matches!(check_first("soon", NOW, life), Err(Untimely::Unusable(_))));
        // The shortest life that is longer than the possible difference of clocks.
        let shortest = CLOCK_SKEW + Duration::from_secs(1);
        let sent = |ago: u64| check_first(&(NOW.as_secs() - ago).to_string(), NOW, shortest);
        assert_eq!(sent(1), Ok(()));
        assert!(matches!(sent(2), Err(Untimely::TooLate(_))));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "yesterday", "-5", "99999999999999999999999", "2026-13-01T00:00:00Z"] {
            assert!(check(text, NOW, Duration::MAX).is_err(), "{text}");
        }
    }
}

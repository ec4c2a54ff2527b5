//! Which responses are stored.

/// The responses that are stored. After any other response the key is free again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statuses(&'static [(u16, u16)]);

impl Statuses {
    /// 2xx, 3xx, and every 4xx that the same request would get again.
    ///
    /// Without 401 and 403 (credentials change), 408, 425 and 429 (time passes), and all 5xx.
    pub const DEFAULT: Self =
        Self(&[(200, 400), (402, 402), (404, 407), (409, 424), (426, 428), (430, 499)]);

    /// 2xx without 206, since a part does not answer a request for another part.
    pub const ANSWERS: Self = Self(&[(200, 205), (207, 299)]);

    /// Only these ranges, whose ends are included.
    #[must_use]
    pub const fn ranges(ranges: &'static [(u16, u16)]) -> Self {
        Self(ranges)
    }

    /// Whether a response with this status is stored.
    #[must_use]
    pub fn contain(self, status: u16) -> bool {
        self.0.iter().any(|(first, last)| (*first..=*last).contains(&status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_statuses_are_those_that_a_repeated_request_would_get_again() {
        let never = [401, 403, 408, 425, 429];
        for status in 200..=599 {
            let expected = status < 500 && !never.contains(&status);
            assert_eq!(Statuses::DEFAULT.contain(status), expected, "{status}");
        }
        assert!(!Statuses::DEFAULT.contain(101));
    }
}

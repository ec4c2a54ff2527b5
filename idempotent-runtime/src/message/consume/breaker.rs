//! The pause that a consumer makes while everything fails.

use std::collections::HashSet;
use std::time::{Duration, Instant};

/// The breaker opens after failures of this many different messages in a row.
const IN_A_ROW: usize = 10;

/// The first and the longest pause. Each pause is twice the one before.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_mins(1);

/// The end of an attempt, as a sign whether the systems behind the handler work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// The message was done.
    Works,
    /// The attempt failed, and a later one may work.
    Fails,
    /// The handler asks for a pause of this length.
    Pause(Duration),
    /// No sign: the message itself was at fault, or nobody worked on it.
    Nothing,
}

/// While it is closed, messages are taken. When it opens, none is taken for a pause; after that, one at a
/// time, until one is done.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// The messages that failed since the last one that was done.
    failed: HashSet<u64>,
    open: Option<Pause>,
    /// The factor by which this consumer's pauses are longer than usual.
    longer: f64,
}

#[derive(Debug)]
struct Pause {
    until: Instant,
    /// The length of the next pause.
    next: Duration,
}

impl Breaker {
    /// A breaker whose pauses are up to a half longer than usual, so that many consumers do not try at the
    /// same time.
    pub(super) fn out_of_step() -> Self {
        Self { longer: rand::random::<f64>() / 2.0, ..Self::default() }
    }

    /// The time that is left in which no message is taken.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        let left = self.open.as_ref()?.until.saturating_duration_since(now);
        (!left.is_zero()).then_some(left)
    }

    /// Whether it is open, or lets one message through at a time.
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// The number of messages that may be taken while `at_work` are worked on.
    pub(super) fn places(&self, free: usize, at_work: usize, now: Instant) -> usize {
        match &self.open {
            None => free,
            Some(pause) if now < pause.until || at_work > 0 => 0,
            Some(_) => free.min(1),
        }
    }

    /// Takes the end of a message into account.
    pub(super) fn saw(&mut self, sign: Sign, message: u64, now: Instant) {
        match (sign, &mut self.open) {
            (Sign::Nothing, _) => {}
            (Sign::Works, open) => {
                self.failed.clear();
                if open.take().is_some() {
                    tracing::warn!("a message was done: the consumer goes on");
                }
            }
            (Sign::Pause(time), open) => {
                if open.is_none() {
                    tracing::warn!(?time, "a handler asked for a pause: the consumer makes one");
                }
                *open = Some(Pause { until: now + time, next: FIRST });
            }
            // It was taken before the pause, so its failure is no new sign.
            (Sign::Fails, Some(pause)) if now < pause.until => {}
            (Sign::Fails, Some(pause)) => {
                let until = now + pause.next.mul_f64(1.0 + self.longer);
                *pause = Pause { until, next: (pause.next * 2).min(LONGEST) };
            }
            (Sign::Fails, open @ None) => {
                self.failed.insert(message);
                if self.failed.len() >= IN_A_ROW {
                    tracing::warn!(
                        messages = IN_A_ROW,
                        "different messages failed one after the other: the consumer pauses, and \
                         lets one through now and then"
                    );
                    let until = now + FIRST.mul_f64(1.0 + self.longer);
                    *open = Some(Pause { until, next: FIRST * 2 });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for message in 0..10 {
            assert_eq!(breaker.places(4, 0, now), 4);
            breaker.saw(Sign::Fails, message, now);
        }
        breaker
    }

    #[test]
    fn one_message_that_fails_and_a_few_between_others_are_no_outage() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        for _ in 0..100 {
            breaker.saw(Sign::Fails, 1, now);
        }
        for message in 2..100 {
            breaker.saw(Sign::Fails, message, now);
            breaker.saw(Sign::Nothing, message, now);
            if message % 9 == 0 {
                breaker.saw(Sign::Works, message, now);
            }
        }
        assert_eq!(breaker.places(4, 2, now), 4);
    }

    #[test]
    fn after_pauses_that_double_one_is_let_through() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(breaker.places(4, 0, now), 0);
            assert_eq!(breaker.pause(now), Some(Duration::from_secs(seconds)));
            // A message that was taken before the pause changes nothing.
            breaker.saw(Sign::Fails, 100, now);
            now += Duration::from_secs(seconds);
            assert_eq!((breaker.pause(now), breaker.places(4, 0, now)), (None, 1));
            assert_eq!(breaker.places(4, 1, now), 0, "one at a time");
            breaker.saw(Sign::Fails, seconds, now);
        }
        breaker.saw(Sign::Works, 1, now);
        assert_eq!((breaker.pause(now), breaker.places(4, 0, now)), (None, 4));
    }

    #[test]
    fn consumers_that_pause_together_do_not_try_together() {
        let now = Instant::now();
        let pauses: HashSet<_> = (0..100)
            .map(|_| {
                let mut breaker = Breaker::out_of_step();
                (0..10).for_each(|message| breaker.saw(Sign::Fails, message, now));
                breaker.pause(now).expect("it is open")
            })
            .collect();
        assert!(pauses.len() > 50, "{pauses:?}");
        assert!(pauses.iter().all(|pause| (FIRST..=FIRST * 3 / 2).contains(pause)), "{pauses:?}");
    }

    #[test]
    fn a_handler_may_ask_for_a_pause() {
        let (mut breaker, now) = (Breaker::default(), Instant::now());
        breaker.saw(Sign::Pause(Duration::from_secs(7)), 1, now);
        assert_eq!(breaker.pause(now), Some(Duration::from_secs(7)));
    }
}

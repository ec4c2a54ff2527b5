//! All checks, one after the other.

use crate::check::checks::{ACCEPTED, CHECKS, Check, accepted};
use crate::check::finding::{Seen, Verdict};
use crate::check::trial::Trial;
use crate::check::wire::NoAnswer;

/// The checks that were chosen.
pub(crate) struct Chosen {
    pub(crate) checks: Vec<&'static Check>,
}

/// A name that no check has.
#[derive(Debug, thiserror::Error)]
#[error("there is no check `{name}`; the checks are {}", names())]
pub(crate) struct UnknownCheck {
    name: String,
}

/// The result of a check.
pub(crate) struct Outcome {
    pub(crate) check: &'static Check,
    pub(crate) seen: Seen,
}

/// The results of all checks.
pub(crate) struct Outcomes {
    pub(crate) all: Vec<Outcome>,
    /// The reason why not all was tried.
    pub(crate) cut_short: Option<NoAnswer>,
}

impl Chosen {
    pub(crate) fn of(only: &[String], skip: &[String]) -> Result<Self, UnknownCheck> {
        for name in only.iter().chain(skip) {
            if name != ACCEPTED.name && CHECKS.iter().all(|check| check.name != name) {
                return Err(UnknownCheck { name: name.clone() });
            }
        }
        let has = |names: &[String], check: &Check| names.iter().any(|name| name == check.name);
        let is_chosen = |check: &&Check| (only.is_empty() || has(only, check)) && !has(skip, check);
        Ok(Self { checks: CHECKS.iter().filter(is_chosen).collect() })
    }

    /// About how many requests it takes.
    pub(crate) fn requests(&self, concurrency: u32) -> u32 {
        let many = self.checks.iter().filter(|check| check.name == "concurrency").count();
        let many = if many > 0 { concurrency } else { 0 };
        let rest: u32 = self.checks.iter().map(|check| check.requests).sum();
        ACCEPTED.requests + rest + many
    }

    /// Runs the chosen checks.
    pub(crate) async fn run(&self, trial: &Trial) -> Result<Outcomes, NoAnswer> {
        let (seen, known) = accepted(trial).await?;
        let mut all = vec![Outcome { check: &ACCEPTED, seen }];
        let mut cut_short = None;
        for check in &self.checks {
            let seen = match &known {
                None => Seen::skipped("the request is not accepted"),
                Some(_) if cut_short.is_some() => Seen::cannot_tell("it was not tried"),
                Some(known) => match (check.run)(trial, known).await {
                    Ok(seen) => seen,
                    Err(error @ NoAnswer::TooMuch(_)) => Seen::cannot_tell(error.to_string()),
                    Err(error) if !error.is_ours() && still_answers(trial).await => {
                        Seen::does_not_hold(format!("{error}, and other requests are answered"))
                    }
                    Err(error) => {
                        let seen = Seen::cannot_tell(error.to_string());
                        cut_short = Some(error);
                        seen
                    }
                },
            };
            all.push(Outcome { check, seen });
        }
        Ok(Outcomes { all, cut_short })
    }
}

impl Outcomes {
    /// The number of checks with this verdict.
    pub(crate) fn count(&self, verdict: Verdict) -> usize {
        self.all.iter().filter(|outcome| outcome.seen.verdict == verdict).count()
    }
}

/// Whether the usual request is still answered, after another one was not.
async fn still_answers(trial: &Trial) -> bool {
    trial.send(&trial.fresh()).await.is_ok()
}

fn names() -> String {
    let names: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::wire::MOST_REQUESTS;

    fn chosen(only: &[&str], skip: &[&str]) -> Result<Chosen, UnknownCheck> {
        let owned =
            |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Chosen::of(&owned(only), &owned(skip))
    }

    #[test]
    fn checks_are_chosen_by_name() {
        let names =
            |chosen: &Chosen| chosen.checks.iter().map(|check| check.name).collect::<Vec<_>>();
        let two = chosen(&["mismatch", "replay", "scope"], &["scope"]).expect("names of checks");
        assert_eq!(names(&two), ["replay", "mismatch"]);
        assert_eq!(two.requests(50), 5);
        let all = chosen(&[], &[]).expect("no names");
        assert_eq!(all.checks.len(), CHECKS.len());
        assert!(all.requests(50) < MOST_REQUESTS / 4, "{}", all.requests(50));
        let unknown = chosen(&[], &["scopes"]).err().expect("no such name").to_string();
        assert!(unknown.contains("`scopes`") && unknown.contains("scope, "), "{unknown}");
    }

    #[test]
    fn every_check_says_what_it_tests_and_costs() {
        for (at, check) in CHECKS.iter().enumerate() {
            assert!(CHECKS[..at].iter().all(|other| other.name != check.name), "{}", check.name);
            for text in [check.tests, check.rests_on, check.cost] {
                assert!(text.len() >= 10, "{}: {text}", check.name);
            }
        }
    }
}

//! The definitions that claim an operation: of two for one, the second is refused.
//!
//! Records are found by route or operation and not by the name of a function, so that a function can be
//! renamed. Two functions at one route, or of one operation, would answer for each other.

use crate::key::Guard;
use crate::policy::{Definition, Policy, Sharing};
use foldhash::fast::FixedState;
use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;
use std::ptr;
use std::sync::{PoisonError, RwLock};

/// The definitions that one engine has seen, by what their records are found by.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    by_operation: RwLock<HashMap<(u8, String), (Definition, Sharing)>>,
    /// Hashes of the uses that were found in order: every later one costs a look here.
    settled: RwLock<HashSet<u64, FixedState>>,
}

/// The number of settled uses that are remembered; an app has as many handlers and routes.
const MOST_SETTLED: usize = 16_384;

/// Another definition has the operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OperationTaken {
    /// The definition that was seen first.
    pub(crate) by: Definition,
}

impl Definitions {
    /// Sees a definition at work; `found_by` is the route or the operation that its records are found
    /// by.
    ///
    /// # Errors
    /// When another definition has it, and not both say that they share it.
    pub(crate) fn claim(
        &self,
        guard: Guard,
        found_by: String,
        policy: &Policy,
    ) -> Result<(), OperationTaken> {
        let place = (guard.number(), found_by);
        let judge = |(first, sharing): &(Definition, Sharing)| {
            let shared = (*sharing, policy.sharing) == (Sharing::Allowed, Sharing::Allowed);
            if *first == policy.definition || shared {
                Ok(())
            } else {
                Err(OperationTaken { by: *first })
            }
        };
        let mut all = self.by_operation.write().unwrap_or_else(PoisonError::into_inner);
        judge(all.entry(place).or_insert((policy.definition, policy.sharing)))
    }

    /// The hash of a use: a policy at a method and a route or operation.
    pub(crate) fn hash_of(policy: &'static Policy, method: &str, found_by: &str) -> u64 {
        FixedState::default().hash_one((ptr::from_ref(policy), method, found_by))
    }

    /// Whether a use with this hash was found in order before.
    pub(crate) fn is_settled(&self, hash: u64) -> bool {
        self.settled.read().unwrap_or_else(PoisonError::into_inner).contains(&hash)
    }

    /// Remembers that a use with this hash is in order.
    pub(crate) fn settle(&self, hash: u64) {
        let mut settled = self.settled.write().unwrap_or_else(PoisonError::into_inner);
        if settled.len() < MOST_SETTLED {
            settled.insert(hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Strategy;

    #[test]
    fn the_second_definition_of_an_operation_is_refused_unless_both_share_it() {
        let policy = |module| Policy::new(Definition::new(module, "f"), Strategy::Message);
        let claimed = |first: Policy, second: Policy| {
            let all = Definitions::default();
            let first = all.claim(Guard::Message, "op".to_owned(), &first);
            (first.is_ok(), all.claim(Guard::Message, "op".to_owned(), &second).is_ok())
        };
        assert_eq!(claimed(policy("a"), policy("a")), (true, true));
        assert_eq!(claimed(policy("a"), policy("b")), (true, false));
        assert_eq!(claimed(policy("a").shared_operation(), policy("b")), (true, false));
        let both = (policy("a").shared_operation(), policy("b").shared_operation());
        assert_eq!(claimed(both.0, both.1), (true, true));
    }
}

//! The definitions that claim an operation: of two for one, the second is refused.
//!
//! Records are found by route or operation and not by the name of a function, so that a function can be
//! renamed. Two functions at one route, or of one operation, would answer for each other.

use crate::key::Guard;
use crate::policy::{Definition, Policy, Sharing};
use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// The definitions that one engine has seen, by what their records are found by.
#[derive(Debug, Default)]
pub(crate) struct Definitions(RwLock<HashMap<(u8, String), (Definition, Sharing)>>);

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
        if let Some(seen) = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&place) {
            return judge(seen);
        }
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        judge(all.entry(place).or_insert((policy.definition, policy.sharing)))
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

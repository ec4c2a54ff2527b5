//! The definitions that are at work, by the place of their records: two of them cannot have one place.
//!
//! A record is found by route or operation and not by the name of a function, so that a function can be
//! renamed. Two functions with one route or one operation would answer for each other, so the second
//! one is refused.

use crate::key::Guard;
use crate::policy::{Definition, DefinitionId, Policy, Sharing};
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::ptr;
use std::sync::{PoisonError, RwLock, RwLockReadGuard};

/// The definitions that one engine has seen, by the hash of their place.
///
/// The hash is keyed, so a client that invents methods cannot make two places collide.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    hasher: RandomState,
    seen: RwLock<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    first: HashMap<u64, &'static Policy, foldhash::fast::RandomState>,
    /// Functions that share their operation with no other.
    alone: HashSet<DefinitionId, foldhash::fast::RandomState>,
    /// The paths of all functions.
    paths: HashMap<DefinitionId, &'static str, foldhash::fast::RandomState>,
}

/// The most places that are remembered for methods that clients may invent.
const MOST_MADE_UP: usize = 16_384;

/// A place where records are found.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct RecordPlace<'a> {
    /// The guard that keeps the records.
    pub(crate) guard: Guard,
    /// The method of the route; none if the place is the same for all methods.
    pub(crate) method: Option<&'a str>,
    /// The pattern of the route, or the operation.
    pub(crate) found_by: &'a str,
}

/// The place belongs to another definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OperationTaken {
    /// The definition that was seen first.
    pub(crate) by: Definition,
}

impl Definitions {
    /// Notes that a definition is at work at this place.
    ///
    /// # Errors
    /// When the place belongs to another definition, unless both share their operation.
    pub(crate) fn claim(
        &self,
        place: RecordPlace<'_>,
        policy: &'static Policy,
    ) -> Result<(), OperationTaken> {
        let hash = self.hasher.hash_one(place);
        let known = self.read().first.get(&hash).copied();
        let first = match known {
            Some(first) => first,
            None => self.remember(hash, place, policy),
        };
        let share = (first.sharing, policy.sharing) == (Sharing::Allowed, Sharing::Allowed);
        if ptr::eq(first, policy) || share {
            Ok(())
        } else {
            Err(OperationTaken { by: first.definition })
        }
    }

    /// Whether the function with this id is at work in this process and shares its operation with no other.
    pub(crate) fn knows(&self, id: DefinitionId) -> bool {
        self.read().alone.contains(&id)
    }

    /// The path of the function with this id, if this process has seen it at work.
    pub(crate) fn path(&self, id: DefinitionId) -> Option<&'static str> {
        self.read().paths.get(&id).copied()
    }

    fn read(&self) -> RwLockReadGuard<'_, Seen> {
        self.seen.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first definition at a place: this one, unless another one came first.
    fn remember(
        &self,
        hash: u64,
        place: RecordPlace<'_>,
        policy: &'static Policy,
    ) -> &'static Policy {
        let mut seen = self.seen.write().unwrap_or_else(PoisonError::into_inner);
        let id = policy.definition.id();
        if policy.sharing == Sharing::Refused && id != DefinitionId::NONE {
            seen.alone.insert(id);
        }
        if id != DefinitionId::NONE {
            seen.paths.insert(id, policy.definition.path());
        }
        let first = &mut seen.first;
        if first.len() >= MOST_MADE_UP && place.method.is_some_and(|method| !is_standard(method)) {
            return first.get(&hash).copied().unwrap_or(policy);
        }
        first.entry(hash).or_insert(policy)
    }
}

/// Whether a method is defined by RFC 9110 or RFC 5789.
fn is_standard(method: &str) -> bool {
    matches!(
        method,
        "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE" | "OPTIONS" | "TRACE" | "CONNECT"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Strategy;

    const PLACE: RecordPlace<'_> =
        RecordPlace { guard: Guard::Message, method: None, found_by: "op" };

    const fn at(method: &str) -> RecordPlace<'_> {
        RecordPlace { guard: Guard::Handler, method: Some(method), found_by: "/{id}" }
    }

    const fn policy(path: &'static str) -> Policy {
        Policy::new(Definition::new(path, "f", ""), Strategy::Message)
    }

    static A: Policy = policy("a::f");
    static OF_ITS_NAME: Policy = policy("a::f");
    static B: Policy = policy("b::f");
    static A_SHARED: Policy = policy("a::f").shared_operation();
    static B_SHARED: Policy = policy("b::f").shared_operation();

    #[test]
    fn the_second_definition_of_an_operation_is_refused_unless_both_share_it() {
        let claimed = |first, second| {
            let all = Definitions::default();
            (all.claim(PLACE, first).is_ok(), all.claim(PLACE, second).is_ok())
        };
        assert_eq!(claimed(&A, &A), (true, true));
        assert_eq!(claimed(&A, &B), (true, false));
        assert_eq!(claimed(&A, &OF_ITS_NAME), (true, false));
        assert_eq!(claimed(&A_SHARED, &B), (true, false));
        assert_eq!(claimed(&A_SHARED, &B_SHARED), (true, true));
    }

    #[test]
    fn methods_that_clients_invent_fill_no_memory_and_hide_no_second_definition() {
        let all = Definitions::default();
        for number in 0..2 * MOST_MADE_UP {
            all.claim(at(&format!("M{number}")), &A).unwrap();
        }
        assert_eq!(all.read().first.len(), MOST_MADE_UP);
        all.claim(at("POST"), &A).unwrap();
        assert_eq!(all.claim(at("POST"), &B), Err(OperationTaken { by: A.definition }));
        assert_eq!(all.claim(at("M0"), &B), Err(OperationTaken { by: A.definition }));
    }
}

//! Which leases are due, and when.
//!
//! Leases that are due at nearly the same moment stand together. So a new lease costs no look at another, and
//! taking out those that are due costs no look at the others, however many there are.

use crate::clock::millis;
use crate::engine::lease::Lease;
use slab::Slab;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A renewal may be sent early by this part of a lease at most, together with others that are due at nearly
/// the same moment.
const EARLY_PART: u32 = 24;

/// The precision in milliseconds with which the start of a run is remembered.
#[cfg(feature = "metrics")]
const TENTH: u64 = 100;

/// The leases of some runs. Moments are milliseconds since this was made.
#[derive(Debug)]
pub(super) struct Renewals {
    made: Instant,
    all: Slab<Renewal>,
    /// The first lease of those that are due at a moment; `None` if all of them have ended.
    due: BTreeMap<u64, Option<usize>>,
    /// The moment when the thread looks next: never after the first lease is due.
    wakes: Option<u64>,
    /// The number of runs under way that began in each tenth of a second.
    #[cfg(feature = "metrics")]
    began: BTreeMap<u64, usize>,
    /// The number of leases that were looked at to find those that are due.
    #[cfg(test)]
    looks: usize,
}

#[derive(Debug)]
struct Renewal {
    lease: Arc<Lease>,
    #[cfg(feature = "metrics")]
    began: u64,
    /// `None` while a renewal is under way.
    place: Option<DuePlace>,
}

/// A place among those that are due at one moment.
#[derive(Clone, Copy, Debug)]
struct DuePlace {
    due: u64,
    before: Option<usize>,
    after: Option<usize>,
}

impl Renewals {
    /// An empty queue that is made at this moment.
    pub(super) fn made(made: Instant) -> Self {
        Self {
            made,
            all: Slab::new(),
            due: BTreeMap::new(),
            wakes: None,
            #[cfg(feature = "metrics")]
            began: BTreeMap::new(),
            #[cfg(test)]
            looks: 0,
        }
    }

    /// Adds a lease. Its first renewal is due at this moment.
    pub(super) fn insert(&mut self, lease: &Arc<Lease>, due: Instant) -> usize {
        #[cfg(feature = "metrics")]
        let began = self.begins();
        let id = self.all.insert(Renewal {
            lease: Arc::clone(lease),
            #[cfg(feature = "metrics")]
            began,
            place: None,
        });
        self.link(id, due);
        id
    }

    /// Removes a lease whose run has ended.
    pub(super) fn remove(&mut self, id: usize) {
        self.unlink(id);
        #[cfg(feature = "metrics")]
        self.ends(self.all[id].began);
        self.all.remove(id);
    }

    /// Whether the run with this lease goes on, and no other lease has its place.
    pub(super) fn is_wanted(&self, id: usize, lease: &Arc<Lease>) -> bool {
        self.all.get(id).is_some_and(|renewal| Arc::ptr_eq(&renewal.lease, lease))
    }

    /// Makes a renewal due again, if its run goes on.
    pub(super) fn again(&mut self, id: usize, lease: &Arc<Lease>, due: Instant) {
        if self.is_wanted(id, lease) {
            self.link(id, due);
        }
    }

    /// The moment when the thread looks next.
    pub(super) fn wakes(&self) -> Option<Instant> {
        self.wakes.map(|moment| self.at(moment))
    }

    /// The leases of the runs under way.
    pub(super) fn leases(&self) -> impl Iterator<Item = &Arc<Lease>> {
        self.all.iter().map(|(_, renewal)| &renewal.lease)
    }

    /// Takes out the leases that are due. A moment at which none is due any more costs one look.
    pub(super) fn take(&mut self, now: Instant) -> Vec<(usize, Arc<Lease>)> {
        let (now, mut taken) = (self.moment(now), Vec::new());
        while let Some((&due, &first)) = self.due.first_key_value() {
            if first.is_some() && due > now {
                break;
            }
            self.due.remove(&due);
            let mut next = first;
            while let Some(id) = next {
                #[cfg(test)]
                {
                    self.looks += 1;
                }
                let renewal = &mut self.all[id];
                next = renewal.place.take().and_then(|place| place.after);
                taken.push((id, Arc::clone(&renewal.lease)));
            }
        }
        self.wakes = self.due.first_key_value().map(|(due, _)| *due);
        taken
    }

    /// Puts a lease with those that are due at nearly the same moment.
    fn link(&mut self, id: usize, due: Instant) {
        let early = millis(self.all[id].lease.length() / EARLY_PART).max(1);
        // Moments are powers of two apart, so leases of all lengths have few different ones.
        let apart = 1 << early.ilog2();
        let due = self.moment(due) / apart * apart;
        let first = self.due.entry(due).or_default();
        let after = first.replace(id);
        if let Some(place) = after.and_then(|after| self.all[after].place.as_mut()) {
            place.before = Some(id);
        }
        self.all[id].place = Some(DuePlace { due, before: None, after });
        if self.wakes.is_none_or(|wakes| due < wakes) {
            self.wakes = Some(due);
        }
    }

    fn unlink(&mut self, id: usize) {
        let Some(DuePlace { due, before, after }) = self.all[id].place.take() else { return };
        if let Some(place) = after.and_then(|after| self.all[after].place.as_mut()) {
            place.before = before;
        }
        match before.and_then(|before| self.all[before].place.as_mut()) {
            Some(place) => place.after = after,
            // The moment stays, for leases that come next.
            None => drop(self.due.insert(due, after)),
        }
    }

    /// Counts a run that begins, and returns its tenth of a second.
    #[cfg(feature = "metrics")]
    fn begins(&mut self) -> u64 {
        let tenth = self.moment(Instant::now()) / TENTH;
        *self.began.entry(tenth).or_default() += 1;
        tenth
    }

    #[cfg(feature = "metrics")]
    fn ends(&mut self, tenth: u64) {
        let Some(runs) = self.began.get_mut(&tenth) else { return };
        *runs -= 1;
        let is_last = self.began.last_key_value().is_some_and(|(last, _)| *last == tenth);
        // The last tenth stays, for runs that begin next.
        if !is_last && self.began.get(&tenth) == Some(&0) {
            self.began.remove(&tenth);
        }
    }

    /// The moment when the oldest run began.
    #[cfg(feature = "metrics")]
    pub(super) fn oldest(&self) -> Option<Instant> {
        let (tenth, _) = self.began.iter().find(|(_, runs)| **runs > 0)?;
        Some(self.at(tenth * TENTH))
    }

    fn moment(&self, at: Instant) -> u64 {
        millis(at.saturating_duration_since(self.made))
    }

    fn at(&self, moment: u64) -> Instant {
        self.made + Duration::from_millis(moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::claim::{Claim, Claimable};
    use crate::engine::claimer::Claimer;
    use crate::engine::lease::IfForgotten;
    use crate::fingerprint::Fingerprint;
    use crate::key::{Guard, StorageKey};
    use crate::policy::DefinitionId;
    use crate::store::Label;
    use bytes::Bytes;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn lease(length: Duration) -> Arc<Lease> {
        let claim = Claim {
            key: StorageKey::from_bytes([1; 32]),
            label: Label::new(Guard::Handler, "op", "key"),
            definition: DefinitionId::NONE,
            fingerprint: Fingerprint::NONE,
            claimable: Claimable::Any,
            lease: length,
            retention: length * 2,
            if_forgotten: IfForgotten::PutAgain,
        };
        claim.lease(&Claimer::new(1, Duration::ZERO), 1, 0, Bytes::new())
    }

    #[test]
    fn a_wake_looks_at_what_is_due_however_many_runs_go_on() {
        let now = Instant::now();
        let mut renewals = Renewals::made(now);
        let [long, short] = [60, 1].map(|seconds| lease(Duration::from_secs(seconds)));
        let later = now + Duration::from_secs(20);
        let ids: Vec<_> = (0..100_000).map(|_| renewals.insert(&long, later)).collect();
        for _ in 0..3 {
            renewals.insert(&short, now + Duration::from_millis(333));
        }
        assert_eq!(renewals.take(now + Duration::from_millis(333)).len(), 3);
        assert_eq!(renewals.looks, 3);
        // Leases of runs that ended are not looked at, either.
        for id in &ids[10..] {
            renewals.remove(*id);
        }
        assert_eq!((renewals.take(later).len(), renewals.looks), (10, 13));
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Begin(u64),
        End(usize),
        Wake(u64),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (1_u64..100_000).prop_map(Step::Begin),
            any::<usize>().prop_map(Step::End),
            (0_u64..20_000).prop_map(Step::Wake),
        ];
        prop::collection::vec(step, 1..80)
    }

    proptest! {
        #[test]
        fn what_lives_is_renewed_in_time_and_nothing_else(steps in steps()) {
            let mut now = Instant::now();
            let mut renewals = Renewals::made(now);
            let mut lives: HashMap<usize, (Arc<Lease>, Instant)> = HashMap::new();
            for step in steps {
                match step {
                    Step::Begin(millis) => {
                        let lease = lease(Duration::from_millis(millis));
                        let due = now + lease.length() / 3;
                        lives.insert(renewals.insert(&lease, due), (lease, due));
                    }
                    Step::End(any) => {
                        let ids: Vec<_> = lives.keys().copied().collect();
                        if let Some(id) = ids.get(any % ids.len().max(1)) {
                            renewals.remove(*id);
                            lives.remove(id);
                        }
                    }
                    Step::Wake(millis) => {
                        now += Duration::from_millis(millis);
                        for (id, lease) in renewals.take(now) {
                            let (known, due) = lives.get_mut(&id).expect("it lives");
                            prop_assert!(Arc::ptr_eq(known, &lease));
                            prop_assert!(*due <= now + lease.length() / EARLY_PART + MILLISECOND);
                            *due = now + lease.length() / 3;
                            renewals.link(id, *due);
                        }
                    }
                }
                let first = lives.values().map(|(_, due)| *due).min();
                let wakes = renewals.wakes();
                prop_assert!(first.is_none_or(|first| wakes.is_some_and(|wakes| wakes <= first)));
                prop_assert!(first.is_none_or(|first| first + MILLISECOND > now));
            }
        }
    }

    const MILLISECOND: Duration = Duration::from_millis(1);
}

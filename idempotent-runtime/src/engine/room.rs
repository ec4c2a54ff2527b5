//! The knowledge that those share who wait for one key in one process: whether somebody is at work with it,
//! which of them asks the store, and its answer.
//!
//! An answer counts for those who came before it was asked for. Who came meanwhile is told by the next one,
//! so nobody gets an answer that is older than its request.

use crate::engine::claimed::Claimed;
use crate::error::StoreError;
use crate::sync::{Mutex, MutexGuard, PoisonError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};

/// A store's answer to one of them, for all.
pub(super) type SharedAnswer = Arc<Result<Claimed, StoreError>>;

/// Those who wait for one key with one fingerprint.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) news: Notify,
    pub(super) lookout: Semaphore,
    knowledge: Mutex<Knowledge>,
}

/// The knowledge that those in a room share.
#[derive(Debug)]
struct Knowledge {
    /// How many times the store was asked or looked at; each has its number, from 1.
    asked: u64,
    /// The last of them that found somebody at work; 0 before.
    at_work: u64,
    /// How long that one's lease was to hold.
    left: Duration,
    /// Whether that one is in this process, and tells of its end.
    is_here: bool,
    /// The last answer that ended the wait, and its number.
    told: Option<(u64, SharedAnswer)>,
    is_asking: bool,
    /// Whether something changed since the store was asked.
    is_due: bool,
}

/// The next step of one in a room.
#[derive(Debug)]
pub(super) enum NextInRoom {
    /// To ask the store for all, by this number.
    Ask(u64),
    /// To take the answer.
    Told(SharedAnswer),
    /// To wait.
    Wait(Outlook),
}

/// The reason to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Outlook {
    pub(super) is_asking: bool,
    /// How long the lease of the one at work was to hold, if that one is here, or was seen after the one who waits came.
    pub(super) left: Option<Duration>,
}

impl Default for Room {
    fn default() -> Self {
        let knowledge = Knowledge {
            asked: 0,
            at_work: 0,
            left: Duration::ZERO,
            is_here: false,
            told: None,
            is_asking: false,
            is_due: true,
        };
        Self { news: Notify::new(), lookout: Semaphore::new(1), knowledge: Mutex::new(knowledge) }
    }
}

impl Room {
    /// The number of the last question, for one who comes now.
    pub(super) fn asked(&self) -> u64 {
        self.knowledge().asked
    }

    /// The next step of one who came after this question.
    pub(super) fn next(&self, since: u64) -> NextInRoom {
        let mut knowledge = self.knowledge();
        let is_known = knowledge.at_work > since;
        if let Some((number, answer)) = &knowledge.told
            // Who knows that somebody is at work waits on where another could not ask.
            && *number > since && !(is_known && answer.is_err())
        {
            return NextInRoom::Told(Arc::clone(answer));
        }
        if knowledge.is_due && !knowledge.is_asking {
            (knowledge.is_due, knowledge.is_asking) = (false, true);
            knowledge.asked += 1;
            return NextInRoom::Ask(knowledge.asked);
        }
        // One that is here has not ended: it would have told.
        let left = (is_known || knowledge.is_here).then_some(knowledge.left);
        NextInRoom::Wait(Outlook { is_asking: knowledge.is_asking, left })
    }

    /// Something changed: it is worth asking.
    pub(super) fn changed(&self) {
        let mut knowledge = self.knowledge();
        (knowledge.is_due, knowledge.is_here) = (true, false);
        drop(knowledge);
        self.news.notify_one();
    }

    /// The one at work in this process left, whether or not it told of a change.
    pub(super) fn runner_left(&self) {
        if self.lease_here().is_some() {
            self.changed();
        }
    }

    /// How long the lease of the one at work was to hold, if that one is in this process.
    pub(super) fn lease_here(&self) -> Option<Duration> {
        let Knowledge { is_here, left, .. } = *self.knowledge();
        is_here.then_some(left)
    }

    /// Begins a look at the record; its number.
    pub(super) fn looks(&self) -> u64 {
        let mut knowledge = self.knowledge();
        knowledge.asked += 1;
        knowledge.asked
    }

    /// A look found somebody at work.
    pub(super) fn seen_at_work(&self, number: u64, left: Duration) {
        let mut knowledge = self.knowledge();
        if number > knowledge.at_work {
            (knowledge.at_work, knowledge.left) = (number, left);
        }
    }

    /// A look found an outcome: whoever looked tells it, unless somebody is asking for all.
    pub(super) fn may_tell(&self) -> bool {
        !std::mem::replace(&mut self.knowledge().is_asking, true)
    }

    /// The one who asked found somebody at work.
    pub(super) fn found_at_work(&self, number: u64, left: Duration) {
        self.seen_at_work(number, left);
        self.knowledge().is_asking = false;
        self.news.notify_waiters();
    }

    /// The one who asked is at work from now on.
    pub(super) fn runs_here(&self, number: u64, lease: Duration) {
        let mut knowledge = self.knowledge();
        // It may be over already, where something changed meanwhile.
        knowledge.is_here = !knowledge.is_due;
        drop(knowledge);
        self.found_at_work(number, lease);
    }

    /// The one who asked was told this.
    pub(super) fn tell(&self, number: u64, answer: Result<Claimed, StoreError>) {
        let mut knowledge = self.knowledge();
        // A store that failed is asked again when a look says so, where somebody is known to be at work.
        knowledge.is_due |= answer.is_ok() || knowledge.at_work == 0;
        knowledge.told = Some((number, Arc::new(answer)));
        knowledge.is_asking = false;
        drop(knowledge);
        self.news.notify_waiters();
    }

    /// The one who asked left without an answer: another asks.
    pub(super) fn left_unasked(&self) {
        let mut knowledge = self.knowledge();
        (knowledge.is_asking, knowledge.is_due) = (false, true);
        drop(knowledge);
        self.news.notify_waiters();
    }

    fn knowledge(&self) -> MutexGuard<'_, Knowledge> {
        self.knowledge.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(all(test, not(shuttle)))]
mod tests {
    use super::*;
    use crate::error::StoreErrorKind;

    const LEFT: Duration = Duration::from_secs(1);

    fn asks(room: &Room, since: u64) -> u64 {
        match room.next(since) {
            NextInRoom::Ask(number) => number,
            next => panic!("{next:?}"),
        }
    }

    fn waits(room: &Room, since: u64) -> Outlook {
        match room.next(since) {
            NextInRoom::Wait(outlook) => outlook,
            next => panic!("{next:?}"),
        }
    }

    fn is_told(room: &Room, since: u64) -> bool {
        matches!(room.next(since), NextInRoom::Told(_))
    }

    fn failed() -> Result<Claimed, StoreError> {
        Err(StoreError::new(StoreErrorKind::Unavailable, "create"))
    }

    #[test]
    fn one_asks_and_an_answer_is_for_those_who_came_before_it_was_asked_for() {
        let room = Room::default();
        let (first, early) = (room.asked(), room.asked());
        let number = asks(&room, first);
        let late = room.asked();
        assert!(waits(&room, early).is_asking && waits(&room, late).is_asking);
        room.tell(number, Ok(Claimed::NotIssued));
        assert!(is_told(&room, early));
        // Who came meanwhile asks, and so does who comes later, if nobody does yet.
        let number = asks(&room, late);
        let later = room.asked();
        assert!(waits(&room, later).is_asking);
        room.tell(number, Ok(Claimed::NotIssued));
        assert!(is_told(&room, late));
        assert_eq!(asks(&room, later), number + 1);
    }

    #[test]
    fn who_comes_while_somebody_is_at_work_asks_nobody_until_something_changed() {
        let room = Room::default();
        let (first, early) = (room.asked(), room.asked());
        room.found_at_work(asks(&room, first), LEFT);
        let late = room.asked();
        assert_eq!(waits(&room, early), Outlook { is_asking: false, left: Some(LEFT) });
        assert_eq!(waits(&room, late), Outlook { is_asking: false, left: None });
        let look = room.looks();
        room.seen_at_work(look, LEFT);
        assert_eq!(waits(&room, late).left, Some(LEFT));
        assert_eq!(waits(&room, look).left, None);
        room.changed();
        asks(&room, late);
        assert!(waits(&room, early).is_asking);
        room.left_unasked();
        asks(&room, early);
    }

    #[test]
    fn one_at_work_in_this_process_is_known_to_who_comes_later_until_it_tells_of_a_change() {
        let room = Room::default();
        room.runs_here(asks(&room, room.asked()), LEFT);
        let late = room.asked();
        assert_eq!((waits(&room, late).left, room.lease_here()), (Some(LEFT), Some(LEFT)));
        room.changed();
        assert_eq!(room.lease_here(), None);
        room.found_at_work(asks(&room, late), LEFT);
        assert_eq!(room.lease_here(), None, "another has the key");
    }

    #[test]
    fn an_outcome_that_is_seen_is_told_by_whoever_saw_it_unless_one_asks() {
        let room = Room::default();
        let early = room.asked();
        room.found_at_work(asks(&room, early), LEFT);
        let look = room.looks();
        assert!(room.may_tell() && waits(&room, early).is_asking);
        room.tell(look, Ok(Claimed::NotIssued));
        assert!(is_told(&room, early));
        asks(&room, look);
        assert!(!room.may_tell());
    }

    #[test]
    fn a_change_while_one_asks_is_asked_for_afterwards() {
        let room = Room::default();
        let number = asks(&room, room.asked());
        room.changed();
        room.runs_here(number, LEFT);
        assert_eq!(room.lease_here(), None, "it may have ended");
        asks(&room, 0);
    }

    #[test]
    fn a_failure_is_for_those_alone_who_know_of_nobody_at_work() {
        let room = Room::default();
        let early = room.asked();
        room.found_at_work(asks(&room, early), LEFT);
        let late = room.asked();
        room.changed();
        room.tell(asks(&room, early), failed());
        assert!(is_told(&room, late));
        assert!(!waits(&room, early).is_asking, "the store is not asked again at once");
        let empty = Room::default();
        empty.tell(asks(&empty, 0), failed());
        assert!(is_told(&empty, 0));
        asks(&empty, 1);
    }
}

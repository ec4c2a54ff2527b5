//! Owners and one register, with the steps of `engine/claim.rs` and `engine/lease.rs`.

use stateright::{Model, Property};
use std::collections::BTreeSet;

pub(crate) const S1: &str = "S1: nobody runs beside an owner whose lease holds";
pub(crate) const S2: &str = "S2: what was stored stays";
pub(crate) const S3: &str = "S3: at most one owner is told that its outcome is stored";
pub(crate) const S5: &str = "S5: attempts grow";

/// The number of renewals of an owner.
const RENEWALS: u8 = 1;

/// The number of messages that come twice, and that are on the way at once: enough for every race of two.
const REPEATS: u8 = 1;
const ON_THE_WAY: usize = 2;

/// The comparison of an exchange before it writes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compares {
    TheWholeRecord,
    /// The mutation: a store that sets the value without a comparison.
    Nothing,
}

pub(crate) struct Protocol {
    pub(crate) owners: u8,
    pub(crate) compares: Compares,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Record {
    Issued { attempt: u8 },
    InProgress { owner: u8, attempt: u8, renewals: u8 },
    Completed { attempt: u8 },
}

/// A message on its way to the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Message {
    Create { owner: u8 },
    Swap { owner: u8, expected: Record, next: Record },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    Idle,
    /// It asked, and asks again until it is told.
    Asking,
    Running {
        record: Record,
    },
    /// It gave its outcome or its key back, and asks again until it is told.
    Ending {
        record: Record,
        next: Record,
    },
    Stored,
    Released,
    /// Another has the key, or its outcome is there.
    Done,
    Dead,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    register: Option<Record>,
    lease_over: bool,
    owners: Vec<Owner>,
    /// The owners whose lease was over at some time since it was granted.
    lapsed: Vec<bool>,
    on_the_way: BTreeSet<Message>,
    /// The number of messages that came twice.
    repeated: u8,
    last_attempt: u8,
    stored: Option<Record>,
    broken: BTreeSet<&'static str>,
    settled_after_loss: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Action {
    ClaimRequest(u8),
    Renew(u8),
    Complete(u8),
    Release(u8),
    Die(u8),
    LeaseEnds,
    Deliver(Message),
    /// The store does the operation, and its answer is lost.
    DeliverUnheard(Message),
    /// The network delivers the message, and will deliver it again.
    DeliverAndRepeat(Message),
}

/// The answer of the store.
#[derive(Clone, Copy)]
enum Answer {
    Done,
    Differs(Option<Record>),
}

impl State {
    /// The atomic step of the store.
    fn carry_out(&mut self, message: Message, compares: Compares) -> Answer {
        let (expected, next) = match message {
            Message::Create { owner } => {
                (None, Record::InProgress { owner, attempt: 1, renewals: 0 })
            }
            Message::Swap { expected, next, .. } => (Some(expected), next),
        };
        let blind = compares == Compares::Nothing && expected.is_some();
        if self.register != expected && !blind {
            return Answer::Differs(self.register);
        }
        if self.stored.is_some() && self.stored != Some(next) {
            self.broken.insert(S2);
        }
        match next {
            Record::InProgress { owner, attempt, renewals: 0 } => {
                if attempt <= self.last_attempt {
                    self.broken.insert(S5);
                }
                self.last_attempt = attempt;
                self.lapsed[usize::from(owner)] = false;
            }
            Record::Completed { .. } => self.stored = Some(next),
            Record::InProgress { .. } | Record::Issued { .. } => {}
        }
        self.register = Some(next);
        self.lease_over = false;
        Answer::Done
    }

    /// The reaction of an owner to an answer.
    fn hear(&mut self, message: Message, answer: Answer) {
        let (Message::Create { owner: who } | Message::Swap { owner: who, .. }) = message;
        let owner = self.owners[usize::from(who)];
        let ours = |record| matches!(record, Record::InProgress { owner, .. } if owner == who);
        let next = match (owner, message, answer) {
            (Owner::Asking, Message::Create { .. }, Answer::Done) => {
                self.runs(who, Record::InProgress { owner: who, attempt: 1, renewals: 0 })
            }
            (Owner::Asking, Message::Swap { next, .. }, Answer::Done) => self.runs(who, next),
            (Owner::Asking, _, Answer::Differs(Some(there))) if ours(there) => {
                self.settled_after_loss = true;
                self.runs(who, there)
            }
            (Owner::Asking, _, Answer::Differs(Some(there))) => match there {
                Record::Completed { .. } => Owner::Done,
                Record::InProgress { .. } if !self.lease_over => Owner::Idle,
                Record::InProgress { attempt, .. } | Record::Issued { attempt } => {
                    let next = Record::InProgress { owner: who, attempt: attempt + 1, renewals: 0 };
                    let swap = Message::Swap { owner: who, expected: there, next };
                    self.on_the_way.insert(swap);
                    Owner::Asking
                }
            },
            (Owner::Running { record }, Message::Swap { expected, next, .. }, Answer::Done)
                if expected == record =>
            {
                Owner::Running { record: next }
            }
            (Owner::Ending { next, .. }, Message::Swap { next: sent, .. }, answer)
                if sent == next =>
            {
                match answer {
                    Answer::Done => self.ended(next),
                    Answer::Differs(Some(there)) if there == next => self.ended(next),
                    Answer::Differs(Some(there)) if ours(there) => {
                        let again = Message::Swap { owner: who, expected: there, next };
                        self.on_the_way.insert(again);
                        Owner::Ending { record: there, next }
                    }
                    Answer::Differs(_) => Owner::Done,
                }
            }
            (other, ..) => other,
        };
        self.owners[usize::from(who)] = next;
    }

    fn runs(&mut self, who: u8, record: Record) -> Owner {
        let beside = (0u8..).zip(&self.owners).any(|(other, owner)| {
            let runs = matches!(owner, Owner::Running { .. });
            other != who && runs && !self.lapsed[usize::from(other)]
        });
        // A grant whose answer arrives only after the lease no longer counts.
        if beside && self.register == Some(record) {
            self.broken.insert(S1);
        }
        Owner::Running { record }
    }

    fn ended(&mut self, next: Record) -> Owner {
        if !matches!(next, Record::Completed { .. }) {
            return Owner::Released;
        }
        if self.owners.contains(&Owner::Stored) {
            self.broken.insert(S3);
        }
        Owner::Stored
    }
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        let many = usize::from(self.owners);
        vec![State {
            register: None,
            lease_over: false,
            owners: vec![Owner::Idle; many],
            lapsed: vec![false; many],
            on_the_way: BTreeSet::new(),
            repeated: 0,
            last_attempt: 0,
            stored: None,
            broken: BTreeSet::new(),
            settled_after_loss: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for who in 0..self.owners {
            match state.owners[usize::from(who)] {
                Owner::Idle | Owner::Asking | Owner::Ending { .. } => {
                    actions.push(Action::ClaimRequest(who));
                }
                Owner::Running { record } => {
                    let fresh = matches!(record, Record::InProgress { renewals, .. } if renewals < RENEWALS);
                    actions.extend(fresh.then_some(Action::Renew(who)));
                    actions.extend([Action::Complete(who), Action::Release(who), Action::Die(who)]);
                }
                Owner::Stored | Owner::Released | Owner::Done | Owner::Dead => {}
            }
        }
        if matches!(state.register, Some(Record::InProgress { .. })) && !state.lease_over {
            actions.push(Action::LeaseEnds);
        }
        for message in &state.on_the_way {
            actions.extend([Action::Deliver(*message), Action::DeliverUnheard(*message)]);
            if state.repeated < REPEATS {
                actions.push(Action::DeliverAndRepeat(*message));
            }
        }
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::ClaimRequest(who) => {
                let owner = &mut state.owners[usize::from(who)];
                let message = if let Owner::Ending { record, next } = *owner {
                    Message::Swap { owner: who, expected: record, next }
                } else {
                    *owner = Owner::Asking;
                    Message::Create { owner: who }
                };
                state.on_the_way.insert(message);
            }
            Action::Renew(who) | Action::Complete(who) | Action::Release(who) => {
                let Owner::Running { record } = state.owners[usize::from(who)] else { return None };
                let Record::InProgress { owner, attempt, renewals } = record else { return None };
                let next = match action {
                    Action::Renew(_) => {
                        Record::InProgress { owner, attempt, renewals: renewals + 1 }
                    }
                    Action::Complete(_) => Record::Completed { attempt },
                    _ => Record::Issued { attempt },
                };
                if !matches!(action, Action::Renew(_)) {
                    state.owners[usize::from(who)] = Owner::Ending { record, next };
                }
                state.on_the_way.insert(Message::Swap { owner: who, expected: record, next });
            }
            Action::Die(who) => state.owners[usize::from(who)] = Owner::Dead,
            Action::LeaseEnds => {
                state.lease_over = true;
                if let Some(Record::InProgress { owner, .. }) = state.register {
                    state.lapsed[usize::from(owner)] = true;
                }
            }
            Action::Deliver(message) => {
                state.on_the_way.remove(&message);
                let answer = state.carry_out(message, self.compares);
                state.hear(message, answer);
            }
            Action::DeliverUnheard(message) => {
                state.on_the_way.remove(&message);
                state.carry_out(message, self.compares);
            }
            Action::DeliverAndRepeat(message) => {
                state.repeated += 1;
                let answer = state.carry_out(message, self.compares);
                state.hear(message, answer);
            }
        }
        (state != *last).then_some(state)
    }

    fn within_boundary(&self, state: &State) -> bool {
        state.on_the_way.len() <= ON_THE_WAY
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(S1, |_, state: &State| !state.broken.contains(S1)),
            Property::always(S2, |_, state: &State| !state.broken.contains(S2)),
            Property::always(S3, |_, state: &State| !state.broken.contains(S3)),
            Property::always(S5, |_, state: &State| !state.broken.contains(S5)),
            Property::sometimes(
                "S9: a claim whose answer was lost is settled",
                |_, state: &State| state.settled_after_loss,
            ),
            Property::sometimes("a dead owner's key is taken over", |_, state: &State| {
                state.last_attempt > 1
            }),
            Property::sometimes("an outcome is stored", |_, state: &State| state.stored.is_some()),
        ]
    }
}

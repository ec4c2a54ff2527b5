//! The run of a request: where its guard stands, and the state that request and driver share.

use crate::engine::Execution;
use crate::engine::cached::{AnswerLife, CachedAnswer, TurnBeside};
use crate::http::answer::caching::Audience;
use crate::http::call::course::{RequestCourse, RequestOutcome};
use crate::key::{KeyParts, StorageKey};
use crate::store::record::Owner;
use crate::transaction::{TransactionRun, TxSlot};
use actix_web::{HttpMessage, HttpRequest, HttpResponse};
use std::cell::{Cell, OnceCell, RefCell};
use std::iter::successors;
use std::rc::Rc;

/// A run, by where its guard stands.
pub(crate) enum GuardedRun {
    /// In the store, by a lease.
    Leased(Execution),
    /// In the business transaction.
    Transaction(Box<TransactionRun>),
    /// In the store, for a read, which is at worst computed twice.
    Computing(Box<Computation>),
}

/// A computation under way of an answer that many read.
pub(crate) struct Computation {
    pub(crate) turn: ComputingTurn,
    pub(crate) answer: AnswerPlace,
}

/// The right to compute an answer.
pub(crate) enum ComputingTurn {
    /// For the first time: all other readers wait for it.
    First(Execution),
    /// Once more: the other readers get the old answer meanwhile.
    Again(Execution, Box<CachedAnswer>),
    /// Beside its owner, who takes long: the other readers of this process wait for either.
    Beside(TurnBeside, Owner),
}

/// The place of an answer, with its life and its readers.
#[derive(Clone, Copy)]
pub(crate) struct AnswerPlace {
    pub(crate) key: StorageKey,
    pub(crate) life: AnswerLife,
    pub(crate) audience: Audience,
}

/// State that a request and its driver share, because the request may be dropped or panic.
#[derive(Default)]
pub(crate) struct RunState {
    /// Whether its run began: from here on the request must reach its end, with or without its client.
    pub(crate) must_finish: Cell<bool>,
    /// The number of the run among all of its key; 0 before it.
    pub(crate) attempt: Cell<u64>,
    /// The record that tells this request from others.
    pub(crate) record: Cell<Option<StorageKey>>,
    /// Whether it would have a record, and the app turned records off.
    pub(crate) is_unrecorded: Cell<bool>,
    /// Whether the handler, or an extractor of its, takes the business transaction.
    pub(crate) takes_transaction: Cell<bool>,
    /// The owner of the request; empty, as long as nobody asked or if all callers are one.
    pub(crate) scope: RefCell<KeyParts>,
    /// The run under way.
    pub(crate) run: RefCell<Option<GuardedRun>>,
    /// The place of the transaction, while the handler does not have it.
    tx_slot: OnceCell<TxSlot>,
    /// The answer for a client who need not wait; the rest goes on without it.
    pub(crate) early: Cell<Option<HttpResponse>>,
    pub(crate) course: RequestCourse,
    /// The guard around this one.
    around: Option<Rc<RunState>>,
}

impl RunState {
    /// Puts the state of a guard into a request, in front of those of the guards around.
    pub(crate) fn push(request: &HttpRequest) -> Rc<Self> {
        let mut extensions = request.extensions_mut();
        let around = extensions.remove::<Rc<Self>>();
        let state = Rc::new(Self { around, ..Self::default() });
        extensions.insert(Rc::clone(&state));
        state
    }

    /// Takes this state out of the request again, with all that are in front of it.
    pub(crate) fn pop(&self, request: &HttpRequest) {
        let mut extensions = request.extensions_mut();
        match &self.around {
            Some(around) => drop(extensions.insert(Rc::clone(around))),
            None => drop(extensions.remove::<Rc<Self>>()),
        }
    }

    /// The guard around this one.
    pub(crate) fn around(&self) -> Option<&Self> {
        self.around.as_deref()
    }

    /// The number of guards around this one.
    pub(crate) fn depth(&self) -> usize {
        self.outwards().skip(1).count()
    }

    /// This guard and those around it, outwards.
    pub(crate) fn outwards(&self) -> impl Iterator<Item = &Self> {
        successors(Some(self), |state| state.around())
    }

    /// Whether a guard around this one has a run of the request.
    pub(crate) fn is_guarded_around(&self) -> bool {
        self.outwards().skip(1).any(|state| state.run.borrow().is_some())
    }

    /// Forgets the run that was given back to let an inner guard run in its place.
    pub(crate) fn forget_run(&self) {
        self.must_finish.set(false);
        self.is_unrecorded.set(false);
        self.attempt.set(0);
        self.record.set(None);
        self.course.note(RequestOutcome::TakenOver);
    }

    /// The place of the run's transaction, while the handler does not have it.
    pub(crate) fn tx_slot(&self) -> &TxSlot {
        self.tx_slot.get_or_init(TxSlot::default)
    }

    /// Takes the run under way, with its transaction, if the handler has given that back.
    pub(crate) fn take_run(&self) -> Option<GuardedRun> {
        let mut run = self.run.take();
        if let Some(GuardedRun::Transaction(run)) = &mut run {
            run.take_from(self.tx_slot());
        }
        run
    }
}

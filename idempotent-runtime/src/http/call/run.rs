//! The run of a request: the place of its guard, and the state that request and driver share.

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

/// A run, by the place of its guard.
pub(crate) enum GuardedRun {
    /// In the store, by a lease.
    Leased(Execution),
    /// In the business transaction.
    Transaction(Box<TransactionRun>),
    /// In the store, for a read, which may be computed twice without harm.
    Computing(Box<Computation>),
}

/// A computation of an answer that many readers get.
pub(crate) struct Computation {
    pub(crate) turn: ComputingTurn,
    pub(crate) answer: AnswerPlace,
}

/// The right to compute an answer.
pub(crate) enum ComputingTurn {
    /// It is computed for the first time, and all other readers wait for it.
    First(Execution),
    /// It is computed again, and the other readers get the old answer meanwhile.
    Again(Execution, Box<CachedAnswer>),
    /// It is computed beside its owner, who takes long. The other readers of this process wait for one of the two.
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
    /// Whether the run has begun. From here on the request must reach its end, with or without its client.
    pub(crate) must_finish: Cell<bool>,
    /// The attempt of the run; 0 before it.
    pub(crate) attempt: Cell<u64>,
    /// The key of the record that tells this request from others.
    pub(crate) record: Cell<Option<StorageKey>>,
    /// Whether the request would have a record, but the app turned records off.
    pub(crate) is_unrecorded: Cell<bool>,
    /// Whether the handler, or one of its extractors, takes the business transaction.
    pub(crate) takes_transaction: Cell<bool>,
    /// The scope of the request. Empty before it was read, and if all callers share one scope.
    pub(crate) scope: RefCell<KeyParts>,
    /// The run under way.
    pub(crate) run: RefCell<Option<GuardedRun>>,
    /// The place of the transaction, while the handler does not have it.
    tx_slot: OnceCell<TxSlot>,
    /// The answer for a client that need not wait. The rest of the run goes on without the client.
    pub(crate) early: Cell<Option<HttpResponse>>,
    pub(crate) course: RequestCourse,
    /// The guard around this one.
    around: Option<Rc<RunState>>,
}

impl RunState {
    /// Puts the state of a guard into a request, in front of the states of the outer guards.
    pub(crate) fn push(request: &HttpRequest) -> Rc<Self> {
        let mut extensions = request.extensions_mut();
        let around = extensions.remove::<Rc<Self>>();
        let state = Rc::new(Self { around, ..Self::default() });
        extensions.insert(Rc::clone(&state));
        state
    }

    /// Takes this state out of the request again, with all states in front of it.
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

    /// Forgets the run, which was given back so that an inner guard can run in its place.
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

    /// Takes the run under way, and its transaction if the handler has given that back.
    pub(crate) fn take_run(&self) -> Option<GuardedRun> {
        let mut run = self.run.take();
        if let Some(GuardedRun::Transaction(run)) = &mut run {
            run.take_from(self.tx_slot());
        }
        run
    }
}

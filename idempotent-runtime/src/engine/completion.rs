//! The end of a run, for its caller and for the counters.

use crate::observe::Counters;

/// Whether a run's outcome will be found by its duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// It is in the store.
    Yes,
    /// It is not in the store now, or another owner has the key.
    ///
    /// A store that did not take it within the engine's patience is asked again, and may have it later.
    No,
}

/// The record that a run leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaves {
    /// Its outcome.
    Outcome,
    /// The fact that it ran: the store does not take its outcome.
    FactAlone,
    /// A key that is not its own any more.
    FreeKey,
}

/// The end of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Stored,
    NotStored,
    GivenBack,
    NotGivenBack,
    Lost,
}

impl Leaves {
    /// A sentence for when it cannot be left.
    pub(super) const fn failed(self) -> &'static str {
        match self {
            Self::Outcome | Self::FactAlone => "an outcome could not be stored",
            Self::FreeKey => "a key could not be given back",
        }
    }
}

impl End {
    /// The end of a run that left this record behind.
    pub(super) const fn leaving(leaves: Leaves) -> Self {
        match leaves {
            Leaves::Outcome => Self::Stored,
            Leaves::FactAlone => Self::NotStored,
            Leaves::FreeKey => Self::GivenBack,
        }
    }

    /// The end of a run that could not leave this record behind.
    pub(super) const fn without(leaves: Leaves) -> Self {
        match leaves {
            Leaves::Outcome | Leaves::FactAlone => Self::NotStored,
            Leaves::FreeKey => Self::NotGivenBack,
        }
    }

    /// Counts it, and tells the caller; none is an outcome that is not stored yet.
    pub(super) fn told(end: Option<Self>, counters: &Counters) -> Completion {
        match end {
            Some(Self::Stored) => return Completion::Yes,
            None | Some(Self::NotStored) => counters.not_stored.count(),
            Some(Self::Lost) => counters.lost.count(),
            Some(Self::GivenBack | Self::NotGivenBack) => {}
        }
        Completion::No
    }

    /// Counts the end of a run whose caller heard nothing, or was told that it is not stored yet.
    pub(super) fn unheard(self, was_told: bool, counters: &Counters) {
        match self {
            Self::Stored => counters.stored_late.count(),
            Self::NotStored if was_told => {}
            end => drop(Self::told(Some(end), counters)),
        }
    }
}

//! The end of a run, for its caller and for the counters.

use crate::observe::Counters;

/// Whether duplicates will find the outcome of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// The outcome is in the store.
    Yes,
    /// The outcome is not in the store now, or another owner has the key.
    ///
    /// If the store did not take it within the engine's patience, the engine asks again, so it may be
    /// stored later.
    No,
}

/// The record that a run leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leaves {
    /// Its outcome.
    Outcome,
    /// The fact alone that it ran: the store does not take its outcome.
    FactAlone,
    /// Its key, given back.
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
    /// The start of a log line for when this record could not be stored.
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

    /// Counts the end, and tells the caller about it. `None` means that the outcome is not stored yet.
    pub(super) fn told(end: Option<Self>, counters: &Counters) -> Completion {
        match end {
            Some(Self::Stored) => return Completion::Yes,
            None | Some(Self::NotStored) => counters.not_stored.count(),
            Some(Self::Lost) => counters.lost.count(),
            Some(Self::GivenBack | Self::NotGivenBack) => {}
        }
        Completion::No
    }

    /// Counts the end of a run whose caller went away, or was told that the outcome is not stored yet.
    pub(super) fn unheard(self, was_told: bool, counters: &Counters) {
        match self {
            Self::Stored => counters.stored_late.count(),
            Self::NotStored if was_told => {}
            end => drop(Self::told(Some(end), counters)),
        }
    }
}

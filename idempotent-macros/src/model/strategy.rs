//! The strategies.

/// How a handler is told from its duplicates.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strategy {
    RequestId,
    Token,
    Lock,
    Cache,
    DedupTable,
    RowLock,
    Version,
    State,
    Unique,
    Async,
    Message,
}

impl Strategy {
    /// Whether its guard stands in the business transaction; for `unique` and `message`, if the
    /// function takes it.
    pub(crate) const fn is_transactional(self) -> bool {
        matches!(
            self,
            Self::DedupTable
                | Self::RowLock
                | Self::Version
                | Self::State
                | Self::Unique
                | Self::Message
        )
    }
}

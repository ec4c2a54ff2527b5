//! The bounds of what an engine holds in memory.

/// The most requests of one process that wait for one key, where nobody says how many.
pub(crate) const WAITERS: usize = 10_240;

/// The bounds of one engine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EngineBounds {
    /// The most requests that wait for one key; one at least.
    pub(crate) waiters: usize,
    /// The bytes of finished records that are remembered.
    pub(crate) remembered: usize,
}

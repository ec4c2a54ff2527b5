//! The servers that are compared.

use crate::{by_hand, on_actix, on_axum, on_engine};

/// A server, and the form of its answers.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    /// Serves until it is killed, on this address, with its records on this Redis.
    pub(crate) serve: fn(&str, &str),
    /// The header that a repeated answer carries, and a first one does not.
    pub(crate) replay_header: Option<&'static str>,
    pub(crate) place: Place,
    /// Whether a client must fetch a session before it sends requests.
    pub(crate) needs_session: bool,
}

/// The place of a target's records.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Nowhere,
    Memory,
    Redis,
}

const fn target(name: &'static str, place: Place, serve: fn(&str, &str)) -> Target {
    Target { name, serve, replay_header: None, place, needs_session: false }
}

impl Target {
    const fn marks_replays(mut self, header: &'static str) -> Self {
        self.replay_header = Some(header);
        self
    }

    const fn needs_session(mut self) -> Self {
        self.needs_session = true;
        self
    }

    pub(crate) const ALL: [Self; 15] = [
        target("bare actix-web", Place::Nowhere, on_actix::bare),
        target("bare axum", Place::Nowhere, on_axum::bare),
        target("by hand: SET NX GET, then SET", Place::Redis, by_hand::plain),
        target("by hand: the owner compared", Place::Redis, by_hand::compared),
        target("by hand: the same promises", Place::Redis, by_hand::careful)
            .marks_replays("idempotency-replayed"),
        target("ours on Redis", Place::Redis, on_actix::ours_on_redis)
            .marks_replays("idempotency-replayed"),
        target("ours on Redis, nothing remembered", Place::Redis, on_actix::ours_unremembered)
            .marks_replays("idempotency-replayed"),
        target("by hand on our engine and Redis", Place::Redis, on_engine::on_redis)
            .marks_replays("idempotency-replayed"),
        target("by hand in memory: the same promises", Place::Memory, by_hand::careful_in_memory)
            .marks_replays("idempotency-replayed"),
        target("by hand on our engine in memory", Place::Memory, on_engine::in_memory)
            .marks_replays("idempotency-replayed"),
        target("ours in memory", Place::Memory, on_actix::ours_in_memory)
            .marks_replays("idempotency-replayed"),
        target("idempotent 2 on Redis", Place::Redis, on_axum::idempotent_on_redis)
            .marks_replays("idempotent-replayed"),
        target("idempotent 2 in memory", Place::Memory, on_axum::idempotent_in_memory)
            .marks_replays("idempotent-replayed"),
        target("axum-idempotent 0.6 on Redis", Place::Redis, on_axum::axum_idempotent_on_redis)
            .marks_replays("idempotency-replayed")
            .needs_session(),
        target("axum-idempotent 0.6 in memory", Place::Memory, on_axum::axum_idempotent_in_memory)
            .marks_replays("idempotency-replayed")
            .needs_session(),
    ];
}

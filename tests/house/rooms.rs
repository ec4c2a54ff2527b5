//! The order of rooms: each imports only itself and rooms below it, and every room has its place.

use crate::assert_none;
use crate::imports::Arrows;
use crate::sources::{Sources, sources};
use std::collections::BTreeSet;

/// The rooms of a folder, from the top. A room is a file or a folder of files. Rooms on one floor
/// do not import each other.
struct Order {
    of: &'static str,
    inside: &'static str,
    floors: &'static [&'static str],
}

/// The last ones, from `template_value` on, may be imported by every room.
const RUNTIME: Order = Order {
    of: "idempotent-runtime/src",
    inside: "",
    floors: &[
        "lib private fuzz",
        "http",
        "message",
        "shared_methods",
        "records",
        "setup",
        "readiness",
        "transaction",
        "book",
        "strategies",
        "strategy",
        "engine",
        "store",
        "template_value fingerprint policy observe",
        "clock credential error key outcome stripes switch sync",
        "seal",
    ],
};

const HTTP: Order = Order {
    of: "idempotent-runtime/src",
    inside: "http/",
    floors: &[
        "methods",
        "browser fuzz health inspector openapi serve testing",
        "guard",
        "task",
        "extract",
        "call",
        "app",
        "answer",
        "request",
        "header_names",
    ],
};

const STORE: Order = Order {
    of: "idempotent-runtime/src",
    inside: "store/",
    floors: &[
        "open conformance",
        "faulty memory redis sql zookeeper",
        "trial",
        "doctor life metered own_thread patience tls",
        "record",
        "contract locks",
        "browse finding future label",
        "bytes",
    ],
};

const ENGINE: Order = Order {
    of: "idempotent-runtime/src",
    inside: "engine/",
    floors: &[
        "task",
        "cached",
        "inspect",
        "engine",
        "recall",
        "contend",
        "told",
        "drain external_lock resolve settle",
        "admission",
        "execution",
        "unlock",
        "ending",
        "completion refusals run_context",
        "seat",
        "core",
        "purge remembered",
        "heartbeat wait fair_queue fences in_flight",
        "renewal_queue",
        "renewals",
        "lookout question",
        "room",
        "bounds claim_request",
        "decide",
        "claim",
        "claimed claimer definitions",
        "lease deadline",
        "pause detached",
        "succession",
    ],
};

const TRANSACTION: Order = Order {
    of: "idempotent-runtime/src",
    inside: "transaction/",
    floors: &[
        "begin forget resolve",
        "run",
        "dedup_table row turn",
        "mysql postgres sqlite",
        "mysql_row pooled postgres_row",
        "active_tx",
        "sqlx_tx",
        "dialect tx",
        "tx_connection",
        "in_runtime",
        "database",
        "steps",
        "plan tx_slot tx_watch unique",
    ],
};

const MACROS: Order = Order {
    of: "idempotent-macros/src",
    inside: "",
    floors: &[
        "lib",
        "expand validate",
        "parse states",
        "column_values",
        "diagnostics model",
        "strategy limits renamed",
    ],
};

const VALIDATE: Order = Order {
    of: "idempotent-macros/src",
    inside: "validate/",
    floors: &[
        "mod",
        "policy rules",
        "answer_paths engine identity methods row strategy unique uses window",
        "reader",
        "signature template",
        "attributes tx values",
    ],
};

impl Order {
    /// Every arrow that leads up or along a floor, every room without a place, and every place
    /// without a room.
    fn broken(&self, sources: &Sources) -> Vec<String> {
        let arrows = Arrows::of(sources);
        let mut broken = BTreeSet::new();
        for (from, to, _) in arrows.all() {
            let (Some(room), Some(other)) = (self.room(from), self.room(to)) else { continue };
            let (floor, below) = (self.floor(room), self.floor(other));
            if room != other && floor.is_some() && below.is_some() && floor >= below {
                broken.insert(format!("it runs up: {}", arrows.told(from, to)));
            }
        }
        let tied: BTreeSet<_> = arrows.all().flat_map(|(from, to, _)| [from, to]).collect();
        let rooms: BTreeSet<_> = sources
            .keys()
            // A `mod.rs` that only re-exports names is not a room.
            .filter(|file| !file.ends_with("mod.rs") || tied.contains(file.as_str()))
            .filter(|file| !file.ends_with("tests.rs"))
            .filter_map(|file| self.room(file))
            .collect();
        let placed: BTreeSet<_> =
            self.floors.iter().flat_map(|floor| floor.split_whitespace()).collect();
        broken.extend(rooms.difference(&placed).map(|room| format!("it has no place: {room}")));
        broken.extend(placed.difference(&rooms).map(|room| format!("it is no more: {room}")));
        broken.into_iter().collect()
    }

    /// The room of a file, if it is inside.
    fn room<'a>(&self, file: &'a str) -> Option<&'a str> {
        let room = file.strip_prefix(self.inside)?.split('/').next()?;
        Some(room.trim_end_matches(".rs"))
    }

    /// The number of the floor of a room, counted from the top.
    fn floor(&self, room: &str) -> Option<usize> {
        self.floors.iter().position(|floor| floor.split_whitespace().any(|name| name == room))
    }

    fn holds(&self) {
        let folder = format!("{}/{}", self.of, self.inside);
        assert_none(&folder, self.broken(&sources(self.of)));
    }
}

#[test]
fn the_rooms_of_the_runtime_are_in_order() {
    RUNTIME.holds();
}

#[test]
fn the_rooms_of_http_are_in_order() {
    HTTP.holds();
}

#[test]
fn the_rooms_of_the_store_are_in_order() {
    STORE.holds();
}

#[test]
fn the_rooms_of_transactions_are_in_order() {
    TRANSACTION.holds();
}

#[test]
fn the_rooms_of_the_engine_are_in_order() {
    ENGINE.holds();
}

#[test]
fn the_rooms_of_the_macros_are_in_order() {
    MACROS.holds();
}

#[test]
fn the_rooms_of_validation_are_in_order() {
    VALIDATE.holds();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::made_up;

    const HOUSE: Order =
        Order { of: "", inside: "a/", floors: &["mod", "top", "left right", "low"] };

    fn broken(top: &str, left: &str, low: &str) -> Vec<String> {
        HOUSE.broken(&made_up(&[
            ("a/mod.rs", "mod low; use low::Low; pub struct A(Low);"),
            ("a/top/mod.rs", "mod inner; pub use inner::Top;"),
            ("a/top/inner.rs", &format!("pub struct Top; {top}")),
            ("a/left.rs", &format!("pub struct Left; {left}")),
            ("a/right.rs", "pub struct Right;"),
            ("a/low.rs", &format!("pub struct Low; {low} #[cfg(test)] mod tests;")),
            ("a/low/tests.rs", "use crate::a::top::Top;"),
            ("b.rs", "use crate::a::top::Top; pub struct B;"),
        ]))
    }

    #[test]
    fn imports_may_run_down_and_out() {
        let top = "use crate::a::left::Left; use super::super::low::Low; use crate::b::B;";
        assert_eq!(broken(top, "use super::low::Low;", ""), [""; 0]);
    }

    #[test]
    fn none_runs_up() {
        let up = "it runs up: a/low.rs -> a/top/inner.rs: Top";
        assert_eq!(broken("", "", "use crate::a::top::Top;"), [up]);
        let up = "it runs up: a/low.rs -> a/mod.rs: A";
        assert_eq!(broken("", "", "fn f(_: super::A) {}"), [up]);
    }

    #[test]
    fn none_runs_along_a_floor() {
        let along = "it runs up: a/left.rs -> a/right.rs: Right";
        assert_eq!(broken("", "use super::right::Right;", ""), [along]);
    }

    #[test]
    fn every_room_has_a_place_and_every_place_a_room() {
        let files =
            ["top", "left", "low", "new/inner"].map(|room| (format!("a/{room}.rs"), String::new()));
        let broken = HOUSE.broken(&files.into());
        assert_eq!(broken, ["it has no place: new", "it is no more: mod", "it is no more: right"]);
    }
}

//! The table of strategies: a new strategy is a new row.

use crate::strategy::columns::{
    DefaultKey, Execution, GuardPlace, KeyForm, Need, RowCondition, Strategy, Subject, TtlOf,
};

/// The columns that a row does not fill in.
const USUAL: Strategy = Strategy {
    name: "",
    variant: "",
    subject: Subject::Handler,
    guard: GuardPlace::Lease,
    default_key: DefaultKey::Header,
    key_form: KeyForm::Varies,
    ttl: TtlOf::Record,
    row: RowCondition::NoRow,
    execution: Execution::AtOnce,
    adds: &[],
    refuses: &[],
    needs: &[],
};

/// Every strategy, in the order in which they are documented. The first one is the default.
pub(crate) static STRATEGIES: [Strategy; 11] = [
    Strategy { name: "request_id", variant: "RequestId", ..USUAL },
    Strategy {
        name: "token",
        variant: "Token",
        default_key: DefaultKey::Given,
        key_form: KeyForm::Token,
        needs: &[
            Need::new(
                "key",
                "to know where the token is",
                "add `key = \"{header.token}\"`, or `key = \"{form.token}\"` for a form",
            ),
            Need::new(
                "operation",
                "the operation that its tokens are issued for",
                "add `operation = \"createOrder\"`, which `issue_token(\"createOrder\")` repeats",
            ),
        ],
        ..USUAL
    },
    Strategy {
        name: "lock",
        variant: "Lock",
        default_key: DefaultKey::Given,
        key_form: KeyForm::MayBeConstant,
        // A lock stores no answer, and does not tell requests apart.
        refuses: &[
            "operation",
            "shared_operation",
            "ttl",
            "on_duplicate",
            "on_in_flight",
            "on_abandoned",
            "on_store_error",
            "fingerprint",
            "store",
            "headers",
            "drop_headers",
            "max_body",
            "required",
            "within",
            "timestamp",
            "first_sent",
        ],
        needs: &[Need::new(
            "key",
            "a name for what it locks",
            "add `key = \"account:{path.id}\"`, or a constant for one lock of all requests",
        )],
        ..USUAL
    },
    Strategy {
        name: "cache",
        variant: "Cache",
        default_key: DefaultKey::PathAndQuery,
        key_form: KeyForm::MayBeConstant,
        ttl: TtlOf::Answer,
        adds: &["stale"],
        // A read is never a duplicate, and may be computed again at any time.
        refuses: &[
            "on_duplicate",
            "on_in_flight",
            "on_abandoned",
            "on_store_error",
            "fingerprint",
            "message",
            "required",
            "within",
            "timestamp",
            "first_sent",
        ],
        // Only the handler's author knows how long an answer is good for.
        needs: &[Need::new(
            "ttl",
            "to know how long an answer is read",
            "add `ttl = \"30s\"`, and `stale = \"30s\"` to read it while a new one is computed",
        )],
        ..USUAL
    },
    Strategy {
        name: "dedup_table",
        variant: "DedupTable",
        guard: GuardPlace::Transaction,
        ..USUAL
    },
    Strategy {
        name: "row_lock",
        variant: "RowLock",
        guard: GuardPlace::Transaction,
        default_key: DefaultKey::Unkeyed,
        row: RowCondition::Exists,
        adds: &["table", "id", "id_column", "owner", "owner_column"],
        needs: &[TABLE, ID],
        ..USUAL
    },
    Strategy {
        name: "version",
        variant: "Version",
        guard: GuardPlace::Transaction,
        default_key: DefaultKey::Unkeyed,
        row: RowCondition::HasVersion,
        adds: &[
            "table",
            "id",
            "id_column",
            "owner",
            "owner_column",
            "column",
            "version",
            "if_match",
        ],
        needs: &[TABLE, ID],
        ..USUAL
    },
    Strategy {
        name: "state",
        variant: "State",
        guard: GuardPlace::Transaction,
        default_key: DefaultKey::Unkeyed,
        row: RowCondition::InState,
        adds: &["table", "id", "id_column", "owner", "owner_column", "column", "from", "to", "set"],
        needs: &[
            TABLE,
            ID,
            Need::new("from", "`from`", "add `from = OrderStatus::Created`"),
            Need::new("to", "`to`", "add `to = OrderStatus::Created`"),
        ],
        ..USUAL
    },
    Strategy {
        name: "unique",
        variant: "Unique",
        guard: GuardPlace::Insert,
        default_key: DefaultKey::Unkeyed,
        adds: &["existing", "constraint"],
        needs: &[Need::new("existing", "`existing`", "add `existing = find_by_code`")],
        ..USUAL
    },
    Strategy {
        name: "async",
        variant: "Async",
        execution: Execution::AsTask,
        adds: &["task_headers"],
        // A task has one answer, its address, and stores every outcome. Its address finds it by the app's
        // rule of scopes.
        refuses: &[
            "scope",
            "on_duplicate",
            "on_in_flight",
            "wait",
            "on_store_error",
            "store",
            "message",
            "required",
        ],
        ..USUAL
    },
    Strategy {
        name: "message",
        variant: "Message",
        subject: Subject::Function,
        guard: GuardPlace::TransactionIfTaken,
        default_key: DefaultKey::Given,
        adds: &["engine"],
        // A function has no request and no response.
        refuses: &[
            "on_store_error",
            "store",
            "headers",
            "drop_headers",
            "message",
            "required",
            "within",
            "timestamp",
            "first_sent",
        ],
        needs: &[
            Need::new(
                "engine",
                "`engine`",
                "add `engine = \"messages\"`, a parameter, or `engine = \"self.messages\"`",
            ),
            Need::new(
                "key",
                "to know which message it is",
                "add `key = \"{message.id}\"`, with a parameter of the function",
            ),
        ],
        ..USUAL
    },
];

const TABLE: Need = Need::new("table", "`table`", "add `table = \"accounts\"`");
const ID: Need = Need::new("id", "`id`", "add `id = \"{path.id}\"`");

/// Arguments that have an effect only with a lease: in a transaction the locks of the database take
/// its place.
pub(crate) const OF_A_LEASE: [&str; 4] =
    ["lease", "on_in_flight", "on_abandoned", "on_store_error"];

/// Arguments that have an effect only with a key.
pub(crate) const OF_A_KEY: [&str; 8] =
    ["ttl", "fingerprint", "store", "headers", "drop_headers", "required", "scope", "first_sent"];

/// The strategy of a name.
pub(crate) fn named(name: &str) -> Option<&'static Strategy> {
    STRATEGIES.iter().find(|strategy| strategy.name == name)
}

impl Strategy {
    /// The strategy of an attribute that names none.
    pub(crate) fn default() -> &'static Self {
        &STRATEGIES[0]
    }

    /// Whether an argument has an effect with this strategy at some place of its guard.
    pub(crate) fn takes(&self, argument: &str) -> bool {
        let of_some = STRATEGIES.iter().any(|strategy| strategy.adds.contains(&argument));
        self.adds.contains(&argument) || !(of_some || self.refuses.contains(&argument))
    }
}

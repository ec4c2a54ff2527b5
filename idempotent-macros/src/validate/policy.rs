//! The policy: the arguments that are settings.

use crate::model::{
    OnAbandoned, OnDuplicate, OnInFlight, OnStoreError, Policy, Setting, Sharing, Statuses,
};
use crate::validate::reader::Reader;
use crate::validate::{identity, values};
use syn::Ident;

const ON_DUPLICATE: [(&str, OnDuplicate); 3] = [
    ("replay", OnDuplicate::Replay),
    ("reject", OnDuplicate::Reject),
    ("accept", OnDuplicate::Accept),
];
const ON_IN_FLIGHT: [(&str, OnInFlight); 2] =
    [("reject", OnInFlight::Reject), ("wait", OnInFlight::Wait)];
const ON_ABANDONED: [(&str, OnAbandoned); 2] =
    [("retry", OnAbandoned::Retry), ("hold", OnAbandoned::Hold)];
const ON_STORE_ERROR: [(&str, OnStoreError); 2] =
    [("refuse", OnStoreError::Refuse), ("run", OnStoreError::Run)];

/// The policy of a function of this name.
pub(super) fn read(reader: &mut Reader<'_>, function: &Ident) -> Policy {
    Policy {
        function: function.to_string().trim_start_matches("r#").to_owned(),
        operation: reader.setting("operation", values::operation),
        sharing: sharing(reader),
        strategy: reader.strategy,
        on_duplicate: reader.choice("on_duplicate", &ON_DUPLICATE, OnDuplicate::Replay),
        on_in_flight: reader.choice("on_in_flight", &ON_IN_FLIGHT, OnInFlight::Reject),
        on_abandoned: reader.choice("on_abandoned", &ON_ABANDONED, OnAbandoned::Retry),
        on_store_error: reader.choice("on_store_error", &ON_STORE_ERROR, OnStoreError::Refuse),
        key_requirement: identity::key_requirement(reader),
        fingerprint: identity::fingerprint(reader),
        statuses: reader.setting("store", values::statuses).or(Statuses::Default),
        headers: reader.setting("headers", values::headers).or(Vec::new()),
        drop_headers: reader.setting("drop_headers", values::dropped_headers).or(Vec::new()),
        task_headers: reader.setting("task_headers", values::task_headers).or(Vec::new()),
        message: reader.setting("message", values::message),
        max_body: size(reader, "max_body"),
        ttl: reader.duration("ttl"),
        lease: reader.duration("lease"),
        wait: reader.duration("wait"),
        stale: reader.duration("stale"),
        constants: reader.constants(),
    }
}

fn sharing(reader: &mut Reader<'_>) -> Sharing {
    let shared = reader.find("shared_operation").map(values::boolean);
    match shared.and_then(|value| reader.mistakes.keep(value)) {
        Some(true) => Sharing::Allowed,
        Some(false) | None => Sharing::Refused,
    }
}

fn size(reader: &mut Reader<'_>, name: &str) -> Setting<usize> {
    let size = reader.find(name).map(values::size);
    size.and_then(|value| reader.mistakes.keep(value)).map_or(Setting::App, Setting::Own)
}

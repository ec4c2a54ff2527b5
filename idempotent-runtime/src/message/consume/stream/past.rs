//! The history of an entry, stored beside the stream, since an entry itself cannot be changed.

use crate::clock::millis;
use crate::message::consume::history::History;
use std::time::Duration;

/// The prefix of the history of an entry that was given back, and belongs to no consumer until it is taken over.
const BACK: &str = "back:";

/// The key of the hash with the histories of a group's entries. In a cluster it is on the same node as the stream.
pub(super) fn key(stream: &str, group: &str) -> String {
    let has_tag =
        stream.split_once('{').and_then(|(_, rest)| rest.find('}')).is_some_and(|end| end > 0);
    if has_tag { format!("{stream}:{group}:past") } else { format!("{{{stream}}}:{group}:past") }
}

/// The history that is stored when its entry is given back.
pub(super) fn given_back(history: &History) -> String {
    let History { failures, deaths, first, claimed, given_up, .. } = history;
    let (first, claimed) = (millis(*first), u8::from(*claimed));
    // Without a reason the last field is missing, since a reason may be any text.
    let reason = given_up.as_ref().map(|reason| format!(":{reason}")).unwrap_or_default();
    format!("{BACK}{failures}:{deaths}:{first}:{claimed}{reason}")
}

/// The history in this text, if there is one.
pub(super) fn read(past: &str) -> Option<History> {
    let mut fields = past.splitn(5, ':');
    let mut number = || fields.next()?.parse::<u64>().ok();
    let (failures, deaths, first, claimed) = (number()?, number()?, number()?, number()?);
    Some(History {
        failures: u32::try_from(failures).unwrap_or(u32::MAX),
        deaths: u32::try_from(deaths).unwrap_or(u32::MAX),
        first: Duration::from_millis(first),
        deadline: None,
        claimed: claimed > 0,
        given_up: fields.next().map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_read_as_it_was_written() {
        for given_up in [None, Some(String::new()), Some("attempts: a: b".to_owned())] {
            let first = Duration::from_millis(7);
            let (failures, deaths, claimed, deadline) = (3, 4, true, None);
            let history = History { failures, deaths, first, deadline, claimed, given_up };
            let written = given_back(&history);
            assert_eq!(read(written.strip_prefix(BACK).unwrap()), Some(history));
        }
        assert_eq!(read(""), None);
    }

    #[test]
    fn the_hash_is_in_the_slot_of_its_stream() {
        assert_eq!(key("orders", "shop"), "{orders}:shop:past");
        assert_eq!(key("a{b}c", "shop"), "a{b}c:shop:past");
    }
}

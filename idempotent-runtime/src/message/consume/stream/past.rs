//! The past of an entry, as it stands beside the stream: an entry itself cannot be changed.

use crate::clock::millis;
use crate::message::consume::history::History;
use std::time::Duration;

/// The prefix of the past of an entry that was given back, and is nobody's until it is taken over.
const BACK: &str = "back:";

/// The key of the hash beside a stream that holds the pasts of a group's entries: in a cluster, on the same
/// node.
pub(super) fn key(stream: &str, group: &str) -> String {
    let has_tag =
        stream.split_once('{').and_then(|(_, rest)| rest.find('}')).is_some_and(|end| end > 0);
    if has_tag { format!("{stream}:{group}:past") } else { format!("{{{stream}}}:{group}:past") }
}

/// A past that is given back with its entry.
pub(super) fn given_back(history: &History) -> String {
    let History { failures, deaths, first, claimed, given_up, .. } = history;
    let (first, claimed) = (millis(*first), u8::from(*claimed));
    // Without a reason there is no last field: a reason may hold anything.
    let reason = given_up.as_ref().map(|reason| format!(":{reason}")).unwrap_or_default();
    format!("{BACK}{failures}:{deaths}:{first}:{claimed}{reason}")
}

/// The past that was written down, if there is one.
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
    fn a_past_is_read_as_it_was_written() {
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
    fn it_stands_in_the_slot_of_its_stream() {
        assert_eq!(key("orders", "shop"), "{orders}:shop:past");
        assert_eq!(key("a{b}c", "shop"), "a{b}c:shop:past");
    }
}

//! The time within which a request must arrive.

use crate::model::{Setting, Window};
use crate::validate::reader::Reader;
use crate::validate::{template, values};

pub(super) fn read(reader: &mut Reader<'_>) -> Window {
    let within = reader.setting("within", values::duration);
    let timestamp = reader.varying("timestamp").unwrap_or_else(|| template::header("Timestamp"));
    match within {
        Setting::Own(window) => Window::Within(window, timestamp),
        Setting::App => Window::Open,
    }
}

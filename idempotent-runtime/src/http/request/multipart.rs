//! Text fields of `multipart/form-data` (RFC 7578), in a body that was read whole.
//!
//! Stricter than what a handler may read with: what could be read in two ways is malformed here.

use actix_web::{HttpMessage, HttpRequest};

/// The body is no `multipart/form-data` that can be read in one way only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// A form as its parts stand in the body.
#[derive(Debug)]
pub(crate) struct MultipartForm<'a>(Vec<&'a [u8]>);

/// One field of a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Text(&'a str),
    File,
}

impl<'a> MultipartForm<'a> {
    /// The parts of a request's body.
    pub(crate) fn of(request: &HttpRequest, body: &'a [u8]) -> Result<Self, Malformed> {
        let kind = request.mime_type().ok().flatten().ok_or(Malformed)?;
        let boundary = kind.get_param("boundary").ok_or(Malformed)?;
        Self::split(body, boundary.as_str())
    }

    /// RFC 2046, section 5.1.1, with neither preamble nor epilogue.
    fn split(body: &'a [u8], boundary: &str) -> Result<Self, Malformed> {
        if boundary.is_empty() || boundary.len() > 70 {
            return Err(Malformed);
        }
        let delimiter = format!("\r\n--{boundary}").into_bytes();
        let mut rest = body.strip_prefix(&delimiter[2..]).ok_or(Malformed)?;
        let mut parts = Vec::new();
        loop {
            if let Some(end) = rest.strip_prefix(b"--") {
                return if matches!(end, b"" | b"\r\n") { Ok(Self(parts)) } else { Err(Malformed) };
            }
            let part = rest.strip_prefix(b"\r\n").ok_or(Malformed)?;
            let (part, after) = split_once(part, &delimiter).ok_or(Malformed)?;
            parts.push(part);
            rest = after;
        }
    }

    /// The fields of this name, in their order.
    pub(crate) fn named(&self, name: &str) -> Result<Vec<Field<'a>>, Malformed> {
        // As browsers write a name: https://html.spec.whatwg.org/#multipart-form-data
        let name = name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22");
        let mut fields = Vec::new();
        for part in &self.0 {
            let (head, value) = head_and_value(part)?;
            if head.name == name {
                let text = || std::str::from_utf8(value).map(Field::Text).map_err(|_| Malformed);
                fields.push(if head.is_file { Field::File } else { text()? });
            }
        }
        Ok(fields)
    }

    /// The same bytes for the same form, whatever boundary the browser drew this time.
    pub(crate) fn without_boundary(&self) -> Vec<u8> {
        let mut bytes = b"multipart/form-data".to_vec();
        for part in &self.0 {
            bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

struct Head<'a> {
    name: &'a str,
    is_file: bool,
}

fn head_and_value(part: &[u8]) -> Result<(Head<'_>, &[u8]), Malformed> {
    let (head, value) = split_once(part, b"\r\n\r\n").ok_or(Malformed)?;
    let head = std::str::from_utf8(head).map_err(|_| Malformed)?;
    let mut read = None;
    for line in head.split("\r\n") {
        let (field, said) = line.split_once(':').ok_or(Malformed)?;
        if field.eq_ignore_ascii_case("content-disposition") {
            if read.replace(disposition(said.trim())?).is_some() {
                return Err(Malformed);
            }
        } else if field.eq_ignore_ascii_case("content-transfer-encoding") {
            // Deprecated by RFC 7578, section 4.7; some handlers decode it and some do not.
            return Err(Malformed);
        }
    }
    Ok((read.ok_or(Malformed)?, value))
}

/// `form-data; name="token"; filename="a.txt"`
fn disposition(said: &str) -> Result<Head<'_>, Malformed> {
    let mut rest = said.strip_prefix("form-data").ok_or(Malformed)?.trim_start();
    let (mut name, mut is_file) = (None, false);
    while !rest.is_empty() {
        let (key, after) =
            rest.strip_prefix(';').and_then(|r| r.split_once('=')).ok_or(Malformed)?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').ok_or(Malformed)?,
            None => after.split_at(after.find(';').unwrap_or(after.len())),
        };
        match key.trim().to_ascii_lowercase().as_str() {
            "name" if name.is_none() => name = Some(value),
            "name" | "name*" => return Err(Malformed),
            "filename" | "filename*" => is_file = true,
            _ => {}
        }
        rest = after.trim_start();
    }
    Ok(Head { name: name.ok_or(Malformed)?, is_file })
}

fn split_once<'a>(bytes: &'a [u8], by: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let place = bytes.windows(by.len()).position(|window| window == by)?;
    Some((&bytes[..place], &bytes[place + by.len()..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(head: &str, value: &str) -> String {
        format!("--b\r\n{head}\r\n\r\n{value}\r\n")
    }

    fn field(name: &str, value: &str) -> String {
        part(&format!("Content-Disposition: form-data; name=\"{name}\""), value)
    }

    fn named<'a>(body: &'a str, name: &str) -> Result<Vec<Field<'a>>, Malformed> {
        MultipartForm::split(body.as_bytes(), "b")?.named(name)
    }

    #[test]
    fn a_field_is_found_between_others_byte_by_byte() {
        let fields = [field("a", "1"), field("token", "x\r\n--y\r\n\r\nz"), field("tokens", "2")];
        let body = format!("{}--b--\r\n", fields.concat());
        assert_eq!(named(&body, "token"), Ok(vec![Field::Text("x\r\n--y\r\n\r\nz")]));
        assert_eq!(named(&body, "b"), Ok(vec![]));
        assert_eq!(named("--b--", "token"), Ok(vec![]));
    }

    #[test]
    fn a_file_is_told_apart_from_text_of_the_same_name() {
        let file = "content-disposition: form-data; name=token; filename=\"token; name=x\"";
        let file = part(&format!("{file}\r\nContent-Type: text/plain"), "f");
        let body = format!("{file}{}--b--", field("token", ""));
        assert_eq!(named(&body, "token"), Ok(vec![Field::File, Field::Text("")]));
    }

    #[test]
    fn a_name_with_a_quote_is_written_as_browsers_write_it() {
        let body = format!("{}--b--", field("a%22b", "1"));
        assert_eq!(named(&body, "a\"b"), Ok(vec![Field::Text("1")]));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_malformed() {
        let disposition = "Content-Disposition: form-data; name=\"token\"";
        let whole = field("token", "1");
        for body in [
            String::new(),
            "--b".to_owned(),
            whole.clone(),
            format!("preamble\r\n{whole}--b--"),
            format!("{whole}--b--epilogue"),
            format!("{whole}--bc\r\n--b--"),
            format!("{}--b--", part(&format!("{disposition}\r\n{disposition}"), "1")),
            format!("{}--b--", part(&format!("{disposition}; name=x"), "1")),
            format!("{}--b--", part(&format!("{disposition}; name*=UTF-8''x"), "1")),
            format!("{}--b--", part(&format!("{disposition}x"), "1")),
            format!("{}--b--", part("Content-Disposition: attachment; name=token", "1")),
            format!("{}--b--", part("Content-Type: text/plain", "1")),
            format!(
                "{}--b--",
                part(&format!("{disposition}\r\nContent-Transfer-Encoding: base64"), "1")
            ),
            "--b\r\nContent-Disposition: form-data; name=token\r\n--b--".to_owned(),
        ] {
            assert_eq!(named(&body, "token"), Err(Malformed), "{body:?}");
        }
    }

    #[test]
    fn only_the_boundary_makes_no_difference() {
        let of = |body: &str, boundary| {
            MultipartForm::split(body.as_bytes(), boundary).map(|parts| parts.without_boundary())
        };
        let body = format!("{}{}--b--", field("a", "1"), field("b", "2"));
        assert_eq!(of(&body, "b"), of(&body.replace("--b", "--Xy"), "Xy"));
        assert_ne!(of(&body, "b"), of(&body.replace('2', "3"), "b"));
        let one = format!("{}--b--", field("a", &format!("1{}", field("b", "2"))));
        assert_ne!(of(&body, "b"), of(&one, "b"));
    }
}

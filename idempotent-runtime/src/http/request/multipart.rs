//! Fields of `multipart/form-data` (RFC 7578), in a body that was read completely.
//!
//! actix-multipart reads it, as in handlers. Fields for templates are read more strictly: a field that could
//! be read in two ways is malformed.

use actix_multipart::Multipart;
use actix_web::error::PayloadError;
use actix_web::http::header::{
    CONTENT_DISPOSITION, ContentDisposition, DispositionParam, HeaderMap, HeaderName,
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

const TRANSFER_ENCODING: HeaderName = HeaderName::from_static("content-transfer-encoding");

/// The transfer encodings that leave a value as it is (RFC 2045, section 6.2).
const LEAVE_IT: [&str; 3] = ["7bit", "8bit", "binary"];

/// The body is not `multipart/form-data` that can be read in only one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// The parts of a form, in the order of the body.
#[derive(Debug)]
pub(crate) struct MultipartForm(Vec<Part>);

#[derive(Debug)]
struct Part {
    headers: HeaderMap,
    value: Bytes,
}

/// One field of a form.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Field<'a> {
    Text(&'a str),
    File,
}

impl MultipartForm {
    /// The parts of the body of a request with these headers.
    pub(crate) async fn read(request: &HeaderMap, body: Bytes) -> Result<Self, Malformed> {
        // The line end after the last boundary is optional, but the parser needs it.
        let pieces = [body, Bytes::from_static(b"\r\n")].map(Ok::<_, PayloadError>);
        let mut form = Multipart::new(request, stream::iter(pieces));
        let mut parts = Vec::new();
        while let Some(field) = form.next().await {
            let mut field = field.map_err(|_| Malformed)?;
            let value = field.bytes(usize::MAX).await.map_err(|_| Malformed)?;
            let value = value.map_err(|_| Malformed)?;
            parts.push(Part { headers: field.headers().clone(), value });
        }
        Ok(Self(parts))
    }

    /// The fields of this name, in their order.
    pub(crate) fn named(&self, name: &str) -> Result<Vec<Field<'_>>, Malformed> {
        // The name as browsers write it: https://html.spec.whatwg.org/#multipart-form-data
        let written = name.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22");
        let mut fields = Vec::new();
        for part in &self.0 {
            let disposition = part.disposition()?;
            let own = disposition.get_name().ok_or(Malformed)?;
            if own == name || own == written {
                fields.push(part.field(&disposition)?);
            }
        }
        Ok(fields)
    }

    /// The same bytes for the same form, whatever its boundary is this time.
    pub(crate) fn without_boundary(&self) -> Vec<u8> {
        let mut bytes = b"multipart/form-data".to_vec();
        let mut write = |piece: &[u8]| {
            bytes.extend_from_slice(&(piece.len() as u64).to_le_bytes());
            bytes.extend_from_slice(piece);
        };
        for part in &self.0 {
            let mut lines: Vec<_> = part.headers.iter().collect();
            // The values of one name stay in their order.
            lines.sort_by_key(|(name, _)| name.as_str());
            write(&(lines.len() as u64).to_le_bytes());
            for (name, value) in lines {
                write(name.as_str().as_bytes());
                write(value.as_bytes());
            }
            write(&part.value);
        }
        bytes
    }
}

impl Part {
    fn disposition(&self) -> Result<ContentDisposition, Malformed> {
        let mut lines = self.headers.get_all(CONTENT_DISPOSITION);
        let (Some(line), None) = (lines.next(), lines.next()) else { return Err(Malformed) };
        if !ends_where_quotes_do(line.as_bytes()) {
            return Err(Malformed);
        }
        let read = ContentDisposition::from_raw(line).map_err(|_| Malformed)?;
        let names = read.parameters.iter().filter(|parameter| match parameter {
            DispositionParam::Name(_) => true,
            DispositionParam::UnknownExt(name, _) => name.eq_ignore_ascii_case("name"),
            _ => false,
        });
        if names.count() == 1 { Ok(read) } else { Err(Malformed) }
    }

    fn field(&self, disposition: &ContentDisposition) -> Result<Field<'_>, Malformed> {
        // Deprecated by RFC 7578, section 4.7. Some handlers decode it, and some do not.
        let is_coded = self.headers.get_all(TRANSFER_ENCODING).any(|coding| {
            let coding = coding.as_bytes().trim_ascii();
            !LEAVE_IT.iter().any(|plain| coding.eq_ignore_ascii_case(plain.as_bytes()))
        });
        if is_coded {
            return Err(Malformed);
        }
        let is_filename = |parameter: &DispositionParam| {
            matches!(parameter, DispositionParam::Filename(_) | DispositionParam::FilenameExt(_))
        };
        if disposition.parameters.iter().any(is_filename) {
            return Ok(Field::File);
        }
        std::str::from_utf8(&self.value).map(Field::Text).map_err(|_| Malformed)
    }
}

/// Whether every quoted value of a header is followed by the next parameter or by nothing.
fn ends_where_quotes_do(line: &[u8]) -> bool {
    let (mut is_quoted, mut is_escaped, mut is_closed) = (false, false, false);
    for byte in line {
        match (is_quoted, byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (true, b'"') => (is_quoted, is_closed) = (false, true),
            (true, _) | (false, b' ' | b'\t') => {}
            (false, b';') => is_closed = false,
            (false, _) if is_closed => return false,
            (false, b'"') => is_quoted = true,
            (false, _) => {}
        }
    }
    !is_quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{CONTENT_TYPE, HeaderValue};

    fn part(head: &str, value: &str) -> String {
        format!("--b\r\n{head}\r\n\r\n{value}\r\n")
    }

    fn field(name: &str, value: &str) -> String {
        part(&format!("Content-Disposition: form-data; name=\"{name}\""), value)
    }

    async fn read(body: &str, boundary: &str) -> Result<MultipartForm, Malformed> {
        let kind = format!("multipart/form-data; boundary={boundary}");
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::try_from(kind).unwrap());
        MultipartForm::read(&headers, Bytes::copy_from_slice(body.as_bytes())).await
    }

    /// The fields of the name `token`: text as `Some`, a file as `None`.
    async fn tokens(body: &str) -> Result<Vec<Option<String>>, Malformed> {
        named(body, "token").await
    }

    async fn named(body: &str, name: &str) -> Result<Vec<Option<String>>, Malformed> {
        let form = read(body, "b").await?;
        let text = |field| match field {
            Field::Text(text) => Some(str::to_owned(text)),
            Field::File => None,
        };
        Ok(form.named(name)?.into_iter().map(text).collect())
    }

    fn texts(texts: &[&str]) -> Vec<Option<String>> {
        texts.iter().map(|text| Some(str::to_owned(text))).collect()
    }

    #[tokio::test]
    async fn a_field_is_found_between_others_byte_by_byte() {
        let fields = [field("a", "1"), field("token", "x\r\n--y\r\n\r\nz"), field("tokens", "2")];
        let body = format!("{}--b--\r\n", fields.concat());
        assert_eq!(tokens(&body).await, Ok(texts(&["x\r\n--y\r\n\r\nz"])));
        assert_eq!(named(&body, "b").await, Ok(texts(&[])));
        assert_eq!(tokens("--b--").await, Ok(texts(&[])));
        let long = "x".repeat(300_000);
        let body = format!("{}{}--b--\r\n", field("file", &long), field("token", &long));
        assert_eq!(tokens(&body).await, Ok(texts(&[&long])));
    }

    #[tokio::test]
    async fn a_file_is_told_apart_from_text_of_the_same_name() {
        for file in
            ["filename=\"token; name=x\"", "filename=\"a\\\"; name=b\"", "filename*=UTF-8''a"]
        {
            let head = format!("content-disposition: form-data; name=token; {file}");
            let file = part(&format!("{head}\r\nContent-Type: text/plain"), "f");
            let body = format!("{file}{}--b--", field("token", ""));
            assert_eq!(tokens(&body).await, Ok(vec![None, Some(String::new())]), "{body}");
        }
    }

    #[tokio::test]
    async fn a_name_with_a_quote_is_read_as_browsers_and_as_others_write_it() {
        for written in ["a%22b", "a\\\"b"] {
            let body = format!("{}--b--", field(written, "1"));
            assert_eq!(named(&body, "a\"b").await, Ok(texts(&["1"])), "{written}");
        }
    }

    #[tokio::test]
    async fn text_around_the_form_and_a_note_that_it_is_not_encoded_are_allowed() {
        let disposition = "Content-Disposition: form-data; name=\"token\"";
        for body in [
            format!("for old mail readers\r\n{}--b--", field("token", "1")),
            format!("\r\n{}--b--\r\n", field("token", "1")),
            format!("{}--b--\r\nepilogue\r\n--b\r\n", field("token", "1")),
            format!(
                "{}--b--",
                part(&format!("{disposition}\r\nContent-Transfer-Encoding: 8bit"), "1")
            ),
            format!(
                "{}--b--",
                part(&format!("Content-Transfer-Encoding: Binary\r\n{disposition}"), "1")
            ),
        ] {
            assert_eq!(tokens(&body).await, Ok(texts(&["1"])), "{body:?}");
        }
    }

    #[tokio::test]
    async fn a_form_that_could_be_read_in_two_ways_is_malformed() {
        let disposition = "Content-Disposition: form-data; name=\"token\"";
        let whole = field("token", "1");
        for body in [
            String::new(),
            "--b".to_owned(),
            whole.clone(),
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
            assert_eq!(tokens(&body).await, Err(Malformed), "{body:?}");
        }
    }

    #[tokio::test]
    async fn the_boundary_letter_case_and_text_around_the_form_make_no_difference() {
        let of = async |body: &str, boundary| {
            read(body, boundary).await.map(|form| form.without_boundary())
        };
        let body = format!("{}{}--b--", field("a", "1"), field("b", "2"));
        let same = of(&body, "b").await;
        assert!(same.is_ok());
        assert_eq!(same, of(&body.replace("--b", "--Xy"), "Xy").await);
        assert_eq!(same, of(&format!("before\r\n{body}\r\nafter"), "b").await);
        assert_eq!(same, of(&body.replace("Content-D", "content-d"), "b").await);
        assert_ne!(same, of(&body.replace('2', "3"), "b").await);
        assert_ne!(same, of(&body.replace("name=\"b\"", "name=\"c\""), "b").await);
        let one = format!("{}--b--", field("a", &format!("1{}", field("b", "2"))));
        assert_ne!(same, of(&one, "b").await);
    }
}

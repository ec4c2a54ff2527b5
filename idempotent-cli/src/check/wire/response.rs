//! An answer, read from the bytes of a server.

use crate::check::wire::no_answer::NoAnswer;
use std::time::Duration;

/// The longest head, and the longest body.
const LONGEST_HEAD: usize = 64 << 10;
pub(crate) const LONGEST_BODY: usize = 1 << 20;

const MOST_HEADERS: usize = 128;

/// The response that came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    /// Every line, with its name in lower case.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    /// Every line of a header.
    pub(crate) fn lines<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.headers.iter().filter(move |(own, _)| own == name).map(|(_, value)| &value[..])
    }

    /// The first line of a header, where it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(own, _)| own == name)?;
        str::from_utf8(value).ok()
    }

    /// Whether the request was done.
    pub(crate) fn is_success(&self) -> bool {
        // A form that was done is answered with a redirect to the page that shows the result.
        matches!(self.status, 200..=299 | 302 | 303)
    }

    /// The wait that `Retry-After` asks for, in whole seconds; `None` if it is absent or cannot be read.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        let value = self.header("retry-after")?.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = httpdate::parse_http_date(value).ok()?;
        Some(date.duration_since(std::time::SystemTime::now()).unwrap_or_default())
    }
}

/// Where the body of an answer ends.
enum Framing {
    Length(usize),
    Chunks,
    Connection,
}

/// An answer that is still coming.
#[derive(Default)]
pub(crate) struct Incoming {
    bytes: Vec<u8>,
    /// Whether the request was a HEAD, whose answer has no body.
    head_only: bool,
}

impl Incoming {
    pub(crate) fn to(method: &str) -> Self {
        Self { bytes: Vec::new(), head_only: method == "HEAD" }
    }

    /// Takes the bytes that came; `last` says that no more will come. Returns the answer once it is whole.
    pub(crate) fn take(&mut self, came: &[u8], last: bool) -> Result<Option<Reply>, NoAnswer> {
        self.bytes.extend_from_slice(came);
        loop {
            let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
            let mut head = httparse::Response::new(&mut headers);
            let status = head.parse(&self.bytes).map_err(|_| NoAnswer::Garbled)?;
            let httparse::Status::Complete(length) = status else {
                return match self.bytes.len() {
                    length if length > LONGEST_HEAD => Err(NoAnswer::TooLong(LONGEST_HEAD)),
                    _ if last => Err(NoAnswer::Closed),
                    _ => Ok(None),
                };
            };
            let status = head.code.ok_or(NoAnswer::Garbled)?;
            if matches!(status, 100 | 102..=199) {
                // A status below 200 only announces the answer.
                self.bytes.drain(..length);
                continue;
            }
            let headers = head.headers.iter();
            let headers = headers.map(|line| (line.name.to_ascii_lowercase(), line.value.to_vec()));
            let answer = Reply { status, headers: headers.collect(), body: Vec::new() };
            let framing = self.framing(&answer)?;
            let body = body(&self.bytes[length..], &framing, last)?;
            return Ok(body.map(|body| Reply { body, ..answer }));
        }
    }

    fn framing(&self, answer: &Reply) -> Result<Framing, NoAnswer> {
        if self.head_only || matches!(answer.status, 101 | 204 | 304) {
            return Ok(Framing::Length(0));
        }
        if let Some(coding) = answer.lines("transfer-encoding").last() {
            let chunked = coding.trim_ascii().to_ascii_lowercase().ends_with(b"chunked");
            return Ok(if chunked { Framing::Chunks } else { Framing::Connection });
        }
        let mut lengths = answer.lines("content-length");
        let Some(length) = lengths.next() else { return Ok(Framing::Connection) };
        if lengths.any(|other| other != length) {
            return Err(NoAnswer::Garbled);
        }
        let length = str::from_utf8(length).ok().and_then(|length| length.trim().parse().ok());
        Ok(Framing::Length(length.ok_or(NoAnswer::Garbled)?))
    }
}

/// The body, once it is whole.
fn body(bytes: &[u8], framing: &Framing, last: bool) -> Result<Option<Vec<u8>>, NoAnswer> {
    let whole = match framing {
        Framing::Length(length) if *length > LONGEST_BODY => {
            return Err(NoAnswer::TooLong(LONGEST_BODY));
        }
        Framing::Length(length) => bytes.get(..*length).map(<[u8]>::to_vec),
        Framing::Chunks => dechunked(bytes)?,
        Framing::Connection => last.then(|| bytes.to_vec()),
    };
    match whole {
        Some(body) if body.len() > LONGEST_BODY => Err(NoAnswer::TooLong(LONGEST_BODY)),
        // The bytes that frame the chunks count, too: a server may send many small chunks.
        None if bytes.len() > 2 * LONGEST_BODY => Err(NoAnswer::TooLong(LONGEST_BODY)),
        None if last => Err(NoAnswer::Closed),
        whole => Ok(whole),
    }
}

fn dechunked(mut bytes: &[u8]) -> Result<Option<Vec<u8>>, NoAnswer> {
    let mut body = Vec::new();
    loop {
        let (start, size) = match httparse::parse_chunk_size(bytes) {
            Ok(httparse::Status::Complete(chunk)) => chunk,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(_) => return Err(NoAnswer::Garbled),
        };
        let size = usize::try_from(size).ok().filter(|size| *size <= LONGEST_BODY);
        let size = size.ok_or(NoAnswer::TooLong(LONGEST_BODY))?;
        if size == 0 {
            // Trailers are read, and ignored.
            let end = &bytes[start..];
            let ended = end.starts_with(b"\r\n") || end.windows(4).any(|four| four == b"\r\n\r\n");
            return Ok(ended.then_some(body));
        }
        let Some(chunk) = bytes.get(start..start + size) else { return Ok(None) };
        body.extend_from_slice(chunk);
        if body.len() > LONGEST_BODY {
            return Ok(Some(body));
        }
        match bytes.get(start + size..start + size + 2) {
            Some(b"\r\n") => bytes = &bytes[start + size + 2..],
            Some(_) => return Err(NoAnswer::Garbled),
            None => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads it whole, and byte by byte, which must come to the same.
    fn read(method: &str, bytes: &[u8], closed: bool) -> Result<Option<Reply>, NoAnswer> {
        let mut bitwise = Incoming::to(method);
        let mut early = None;
        for byte in bytes {
            match bitwise.take(&[*byte], false) {
                Ok(None) => {}
                Ok(answer) => early = early.or(answer),
                Err(error) => return Err(error),
            }
        }
        let whole = Incoming::to(method).take(bytes, closed);
        if let (Some(early), Ok(whole)) = (early, &whole) {
            assert_eq!(Some(&early), whole.as_ref());
        }
        whole
    }

    fn answer(bytes: &[u8], closed: bool) -> Reply {
        read("POST", bytes, closed).expect("HTTP").expect("whole")
    }

    #[test]
    fn a_body_ends_with_its_length_its_chunks_or_the_connection() {
        let length =
            answer(b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX: a\r\nx:b\r\n\r\nhi!", false);
        assert_eq!((length.status, &length.body[..]), (201, &b"hi"[..]));
        assert_eq!(length.lines("x").collect::<Vec<_>>(), [b"a", b"b"]);
        let chunks = b"HTTP/1.1 200 \r\nTransfer-Encoding: gzip, Chunked\r\n\r\n2;a=b\r\nhi\r\n1\r\n!\r\n0\r\nT: 1\r\n\r\n";
        assert_eq!(answer(chunks, false).body, b"hi!");
        assert_eq!(answer(b"HTTP/1.0 200 OK\r\n\r\nall of it", true).body, b"all of it");
    }

    #[test]
    fn answers_without_a_body_end_with_their_head() {
        for bytes in [
            &b"HTTP/1.1 204 No\r\nContent-Length: 5\r\n\r\n"[..],
            b"HTTP/1.1 304 No\r\n\r\n",
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
        ] {
            assert_eq!(answer(bytes, false).body, b"");
        }
        let head = read("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", false);
        assert!(head.is_ok_and(|head| head.is_some()));
    }

    #[test]
    fn half_an_answer_is_none() {
        for bytes in [
            &b""[..],
            b"HTTP/1.1 20",
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n",
        ] {
            assert!(matches!(read("POST", bytes, false), Ok(None)), "{bytes:?}");
            assert!(matches!(read("POST", bytes, true), Err(NoAnswer::Closed)), "{bytes:?}");
        }
    }

    #[test]
    fn nonsense_is_told_and_nothing_is_read_without_end() {
        for bytes in [
            &b"SSH-2.0-x\r\n"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc",
        ] {
            assert!(matches!(read("POST", bytes, true), Err(NoAnswer::Garbled)), "{bytes:?}");
        }
        let long = [b"HTTP/1.1 200 OK\r\nA: ", &vec![b'a'; LONGEST_HEAD][..]].concat();
        let mut endless = b"HTTP/1.1 200 OK\r\n\r\n".to_vec();
        endless.resize(3 * LONGEST_BODY, b'a');
        let chunk =
            [format!("{LONGEST_BODY:x}\r\n").as_bytes(), &vec![0; LONGEST_BODY], b"\r\n"].concat();
        let chunks =
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", &chunk[..], &chunk].concat();
        let told = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_vec();
        let huge =
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".to_vec();
        for bytes in [long, endless, chunks, told, huge] {
            let read = Incoming::to("POST").take(&bytes, false);
            assert!(matches!(read, Err(NoAnswer::TooLong(_))), "{read:?}");
        }
    }

    #[test]
    fn a_wait_is_seconds_or_a_date() {
        let waits = |value: &str| {
            let head =
                format!("HTTP/1.1 503 No\r\nRetry-After: {value}\r\nContent-Length: 0\r\n\r\n");
            answer(head.as_bytes(), false).retry_after()
        };
        assert_eq!(waits("2"), Some(Duration::from_secs(2)));
        assert_eq!(waits("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert_eq!((waits("soon"), waits("-1"), waits("1.5")), (None, None, None));
    }
}

//! Removes the Content-Encoding of a stored response, for a client that refuses it (RFC 9110, section 12.5.3).
//!
//! The first client may have accepted a coding that the client of the retry does not. A body is sent as it
//! was stored if its coding is not known here, or if its bytes are not in that coding.

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, ContentEncoding, ETAG, HeaderMap, HeaderValue, VARY,
};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use std::io::{self, Cursor, Read};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The most that is decoded at once.
const PIECE: usize = 64 << 10;

/// The greatest zstd window that every HTTP client must support (RFC 9659).
const ZSTD_WINDOW_LOG: u32 = 23;

/// Headers with digests of the coded bytes.
const DIGESTS: [&str; 4] = ["content-digest", "repr-digest", "digest", "content-md5"];

/// The response in its coding if the client accepts that, else decoded.
pub(super) fn acceptable(request: &HttpRequest, response: HttpResponse) -> HttpResponse {
    // A part of a coded body cannot be decoded.
    let is_part = response.status() == StatusCode::PARTIAL_CONTENT;
    let Some(coding) = coding(response.headers()).filter(|_| !is_part) else { return response };
    if !refuses(request.headers(), coding) {
        return response;
    }
    let (head, body) = response.into_parts();
    match body.try_into_bytes() {
        Ok(bytes) => match DecodedBody::new(coding, bytes.clone()) {
            Ok(decoded) => plain(head.set_body(BoxBody::new(decoded))),
            Err(_) => head.set_body(BoxBody::new(bytes)),
        },
        Err(body) => head.set_body(body),
    }
}

/// The coding of a response, if it is known and the only one.
fn coding(headers: &HeaderMap) -> Option<ContentEncoding> {
    let mut lines = headers.get_all(CONTENT_ENCODING);
    let (line, None) = (lines.next()?, lines.next()) else { return None };
    match line.to_str().ok()?.trim() {
        name if name.eq_ignore_ascii_case("x-gzip") => Some(ContentEncoding::Gzip),
        name => name.parse().ok().filter(|coding| *coding != ContentEncoding::Identity),
    }
}

/// Whether a client refuses this coding, and accepts a body without one.
fn refuses(headers: &HeaderMap, coding: ContentEncoding) -> bool {
    let mut lines = headers.get_all(ACCEPT_ENCODING).map(HeaderValue::to_str).peekable();
    if lines.peek().is_none() {
        return false;
    }
    let Ok(lines) = lines.collect::<Result<Vec<_>, _>>() else { return false };
    let quality = |names: &[&str]| {
        let items = lines.iter().flat_map(|line| line.split(','));
        let mut items = items.map(|item| {
            let (name, weight) = item.split_once(';').unwrap_or((item, ""));
            (name.trim(), weight.trim())
        });
        items.find_map(|(name, weight)| {
            let is_named = names.iter().any(|one| one.eq_ignore_ascii_case(name));
            is_named.then(|| weight.trim_start_matches(['q', 'Q', '=', ' ']).parse() != Ok(0.0))
        })
    };
    let any = quality(&["*"]);
    let takes_coding = match coding {
        ContentEncoding::Gzip => quality(&["gzip", "x-gzip"]),
        coding => quality(&[coding.as_str()]),
    };
    !takes_coding.or(any).unwrap_or(false) && quality(&["identity"]).or(any).unwrap_or(true)
}

/// The response without the headers of its coding.
fn plain(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.remove(CONTENT_ENCODING);
    for digest in DIGESTS {
        headers.remove(digest);
    }
    let strong = headers.get(ETAG).filter(|tag| tag.as_bytes().starts_with(b"\""));
    if let Some(strong) = strong
        && let Ok(weak) = HeaderValue::from_bytes(&[b"W/", strong.as_bytes()].concat())
    {
        headers.insert(ETAG, weak);
    }
    let varies = |line: &HeaderValue| {
        line.to_str().is_ok_and(|line| {
            let mut names = line.split(',').map(str::trim);
            names.any(|name| name == "*" || name.eq_ignore_ascii_case(ACCEPT_ENCODING.as_str()))
        })
    };
    if !headers.get_all(VARY).any(varies) {
        headers.append(VARY, HeaderValue::from_static("Accept-Encoding"));
    }
    response
}

/// A body that is decoded while it is sent.
struct DecodedBody {
    decoder: Box<dyn Read>,
    /// The first piece. It was decoded before anything is sent, which shows that the bytes are in this coding.
    first: Option<Bytes>,
}

impl DecodedBody {
    fn new(coding: ContentEncoding, coded: Bytes) -> io::Result<Self> {
        let coded = Cursor::new(coded);
        let decoder: Box<dyn Read> = match coding {
            ContentEncoding::Gzip => Box::new(flate2::read::MultiGzDecoder::new(coded)),
            ContentEncoding::Deflate => Box::new(flate2::read::ZlibDecoder::new(coded)),
            ContentEncoding::Brotli => Box::new(brotli::Decompressor::new(coded, PIECE)),
            ContentEncoding::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::new(coded)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Box::new(decoder)
            }
            _ => return Err(io::Error::from(io::ErrorKind::Unsupported)),
        };
        let mut body = Self { decoder, first: None };
        body.first = Some(body.piece()?);
        Ok(body)
    }

    /// The next piece. An empty one is the end.
    fn piece(&mut self) -> io::Result<Bytes> {
        let mut piece = Vec::new();
        (&mut self.decoder).take(PIECE as u64).read_to_end(&mut piece)?;
        Ok(piece.into())
    }
}

impl MessageBody for DecodedBody {
    type Error = io::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, io::Error>>> {
        let piece = match self.first.take() {
            Some(first) => Ok(first),
            None => self.piece(),
        };
        Poll::Ready(Some(piece).filter(|piece| !piece.as_ref().is_ok_and(Bytes::is_empty)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderName;
    use actix_web::test::TestRequest;
    use futures_util::FutureExt;
    use std::future::poll_fn;
    use std::io::Write;

    const CODINGS: [&str; 5] = ["gzip", "x-gzip", "deflate", "br", "zstd"];

    fn coded(coding: &str, plain: &[u8]) -> Vec<u8> {
        use flate2::{Compression, write};
        match coding {
            "br" => {
                let mut to = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
                to.write_all(plain).unwrap();
                to.into_inner()
            }
            "deflate" => {
                let mut to = write::ZlibEncoder::new(Vec::new(), Compression::best());
                to.write_all(plain).unwrap();
                to.finish().unwrap()
            }
            "zstd" => zstd::encode_all(plain, 3).unwrap(),
            _ => {
                let mut to = write::GzEncoder::new(Vec::new(), Compression::best());
                to.write_all(plain).unwrap();
                to.finish().unwrap()
            }
        }
    }

    fn response(coding: &'static str, body: Vec<u8>) -> HttpResponse {
        let mut response = HttpResponse::Ok();
        response.insert_header((CONTENT_ENCODING, coding)).insert_header((ETAG, "\"7\""));
        response.insert_header(("Content-Digest", "x")).body(body)
    }

    fn acceptable_to(accepted: &str, response: HttpResponse) -> HttpResponse {
        let request = TestRequest::default().insert_header((ACCEPT_ENCODING, accepted));
        acceptable(&request.to_http_request(), response)
    }

    #[test]
    fn a_client_accepts_the_codings_that_its_header_names() {
        let cases = [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("x-gzip", true),
            ("*", true),
            ("br, *;q=0.1", true),
            ("", false),
            ("br", false),
            ("identity", false),
            ("gzip;q=0, br", false),
            ("gzip; q=0.000", false),
            ("*;q=1, gzip;q=0", false),
            // The client accepts no form of the response, so it gets the stored one.
            ("identity;q=0, br", true),
            ("*;q=0", true),
        ];
        for (accepted, as_stored) in cases {
            let sent = acceptable_to(accepted, response("gzip", coded("gzip", b"plain")));
            assert_eq!(sent.headers().contains_key(CONTENT_ENCODING), as_stored, "{accepted:?}");
        }
        let request = TestRequest::default().to_http_request();
        let sent = acceptable(&request, response("gzip", coded("gzip", b"plain")));
        assert!(
            sent.headers().contains_key(CONTENT_ENCODING),
            "it takes all that it does not name"
        );
    }

    /// The pieces that are sent of a body.
    fn pieces(response: HttpResponse) -> Vec<Bytes> {
        let mut body = response.into_body();
        let mut next =
            || poll_fn(|context| Pin::new(&mut body).poll_next(context)).now_or_never().unwrap();
        std::iter::from_fn(|| next().map(Result::unwrap)).collect()
    }

    #[test]
    fn every_coding_is_decoded_piece_by_piece() {
        let plain = b"a line of an export\n".repeat(100_000);
        for coding in CODINGS {
            let sent = acceptable_to("identity", response(coding, coded(coding, &plain)));
            let headers = sent.headers();
            let text = |name: HeaderName| headers.get(name).map(HeaderValue::as_bytes);
            assert_eq!(text(ETAG), Some(&b"W/\"7\""[..]), "{coding}");
            assert_eq!(text(VARY), Some(&b"Accept-Encoding"[..]), "{coding}");
            assert!(!headers.contains_key("content-digest"));
            let pieces = pieces(sent);
            assert!(pieces.iter().all(|piece| piece.len() <= PIECE), "{coding}");
            assert!(pieces.concat() == plain, "{coding}");
        }
        let empty = acceptable_to("identity", response("gzip", coded("gzip", b"")));
        assert_eq!(pieces(empty), [""; 0]);
    }

    #[test]
    fn a_body_that_cannot_be_decoded_is_sent_as_it_was_stored() {
        let mut part = response("gzip", coded("gzip", b"plain"));
        *part.status_mut() = StatusCode::PARTIAL_CONTENT;
        let mut twice = response("gzip", coded("gzip", b"plain"));
        twice.headers_mut().append(CONTENT_ENCODING, HeaderValue::from_static("br"));
        let stored = [
            response("gzip", b"plain".to_vec()),
            response("x-ours", b"plain".to_vec()),
            part,
            twice,
        ];
        for stored in stored {
            let sent = acceptable_to("identity", stored);
            assert!(sent.headers().contains_key(CONTENT_ENCODING));
            assert_eq!(sent.headers().get(ETAG), Some(&HeaderValue::from_static("\"7\"")));
        }
    }
}

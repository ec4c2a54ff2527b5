//! Bodies with a `Content-Encoding` (RFC 9110, section 8.4), read as the extractors of actix-web read them.

use actix_web::HttpRequest;
use actix_web::http::header::{CONTENT_ENCODING, ContentEncoding};
use bytes::Bytes;

/// The contents of a body.
#[derive(Debug)]
pub(crate) enum Contents {
    /// Its bytes without any coding.
    Plain(Bytes),
    /// The body has a coding that is not known here, or its bytes are not in that coding.
    Coded,
    /// The decoded bytes are more than the buffer holds.
    #[cfg_attr(not(feature = "compress"), expect(dead_code, reason = "nothing is decoded"))]
    TooLong,
}

/// The contents of a body, of at most `longest` bytes.
pub(crate) async fn contents(request: &HttpRequest, sent: Bytes, longest: usize) -> Contents {
    match coding(request) {
        _ if sent.is_empty() => Contents::Plain(sent),
        Some(ContentEncoding::Identity) => Contents::Plain(sent),
        Some(coding) => decoded(coding, sent, longest).await,
        None => Contents::Coded,
    }
}

/// The coding of a request's body, if it is known and the only one.
fn coding(request: &HttpRequest) -> Option<ContentEncoding> {
    let mut lines = request.headers().get_all(CONTENT_ENCODING);
    match (lines.next(), lines.next()) {
        (None, _) => Some(ContentEncoding::Identity),
        (Some(line), None) => line.to_str().ok()?.parse().ok(),
        (Some(_), Some(_)) => None,
    }
}

#[cfg(not(feature = "compress"))]
async fn decoded(_: ContentEncoding, _: Bytes, _: usize) -> Contents {
    Contents::Coded
}

/// Decodes on a thread that may be blocked, since a body that grows much takes long.
#[cfg(feature = "compress")]
async fn decoded(coding: ContentEncoding, sent: Bytes, longest: usize) -> Contents {
    let work = move || decode(coding, &sent, longest);
    actix_web::rt::task::spawn_blocking(work).await.unwrap_or(Contents::Coded)
}

/// Decodes one complete stream of this coding, with nothing after it.
#[cfg(feature = "compress")]
fn decode(coding: ContentEncoding, sent: &[u8], longest: usize) -> Contents {
    use flate2::bufread::{GzDecoder, ZlibDecoder};
    use std::io::Read;
    use zstd::stream::read::Decoder;

    /// Bytes that the decoder of brotli reads at a time.
    const PIECE: usize = 4096;

    let (mut rest, mut plain) = (sent, Vec::new());
    let at_most = (longest as u64).saturating_add(1);
    let read = match coding {
        ContentEncoding::Gzip => GzDecoder::new(&mut rest).take(at_most).read_to_end(&mut plain),
        ContentEncoding::Deflate => {
            ZlibDecoder::new(&mut rest).take(at_most).read_to_end(&mut plain)
        }
        ContentEncoding::Brotli => {
            let mut decoder = brotli::Decompressor::new(&mut rest, PIECE);
            let read = decoder.by_ref().take(at_most).read_to_end(&mut plain);
            // The decoder reports bytes after its stream only if it is read once more.
            read.and_then(|_| decoder.read(&mut [0]))
        }
        ContentEncoding::Zstd => Decoder::with_buffer(&mut rest)
            .and_then(|decoder| decoder.single_frame().take(at_most).read_to_end(&mut plain)),
        _ => return Contents::Coded,
    };
    if plain.len() > longest {
        return Contents::TooLong;
    }
    if read.is_ok() && rest.is_empty() { Contents::Plain(plain.into()) } else { Contents::Coded }
}

#[cfg(all(test, feature = "compress"))]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{GzEncoder, ZlibEncoder};
    use std::io::Write;

    const CODINGS: [ContentEncoding; 4] = [
        ContentEncoding::Brotli,
        ContentEncoding::Deflate,
        ContentEncoding::Gzip,
        ContentEncoding::Zstd,
    ];

    fn coded(coding: ContentEncoding, plain: &[u8]) -> Vec<u8> {
        match coding {
            ContentEncoding::Brotli => {
                let mut to = brotli::CompressorWriter::new(Vec::new(), 4096, 5, 20);
                to.write_all(plain).unwrap();
                to.into_inner()
            }
            ContentEncoding::Deflate => {
                let mut to = ZlibEncoder::new(Vec::new(), Compression::best());
                to.write_all(plain).unwrap();
                to.finish().unwrap()
            }
            ContentEncoding::Gzip => {
                let mut to = GzEncoder::new(Vec::new(), Compression::best());
                to.write_all(plain).unwrap();
                to.finish().unwrap()
            }
            _ => zstd::encode_all(plain, 3).unwrap(),
        }
    }

    #[test]
    fn every_coding_is_decoded_up_to_the_longest_body() {
        let plain = b"an order of three books ".repeat(1_000);
        for coding in CODINGS {
            let sent = coded(coding, &plain);
            assert!(sent.len() < plain.len() / 10);
            let whole = decode(coding, &sent, plain.len());
            assert!(matches!(whole, Contents::Plain(read) if read == plain), "{coding:?}");
            let longer = decode(coding, &sent, plain.len() - 1);
            assert!(matches!(longer, Contents::TooLong), "{coding:?}: {longer:?}");
        }
    }

    #[test]
    fn a_bomb_is_not_decoded_to_its_end() {
        let zeros = vec![0; 64 << 20];
        for coding in CODINGS {
            let bomb = coded(coding, &zeros);
            let cut = &bomb[..bomb.len() - 1];
            for sent in [&bomb[..], cut] {
                let read = decode(coding, sent, 1 << 10);
                assert!(matches!(read, Contents::TooLong), "{coding:?}: {read:?}");
            }
        }
    }

    #[test]
    fn a_body_that_is_not_one_complete_stream_is_compared_as_it_was_sent() {
        for coding in CODINGS {
            let sent = coded(coding, b"an order");
            let not_it = [b"an order".to_vec(), [&sent[..], &sent[..]].concat()];
            for sent in not_it {
                let read = decode(coding, &sent, 1 << 10);
                assert!(matches!(read, Contents::Coded), "{coding:?}: {read:?}");
            }
        }
    }
}

//! A body that is copied while it is sent to its client.
//!
//! The reader takes bytes at the pace of the body's producer, and the client gets them at its own pace. The
//! reader is ahead of the client by no more than the longest copy, and holds the end of the body back until
//! it is told to let go. A longer body is handed over to the client, and is read at the client's pace from
//! then on.

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use std::cell::RefCell;
use std::error::Error as StdError;
use std::future::poll_fn;
use std::io;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// The most bytes that the client is given at once.
const PIECE: usize = 64 << 10;

type BodyError = Box<dyn StdError>;

/// Splits a body into its reader and the body that its client gets.
pub(super) fn copied(body: BoxBody, longest: usize) -> (BodyReader, SentBody) {
    let (size, shared) = (body.size(), Rc::<RefCell<SharedCopy>>::default());
    let sent = SentBody { size, shared: Rc::clone(&shared), sent: 0 };
    (BodyReader { body, size, longest, shared, follows: Follows::Rest(Bytes::new()) }, sent)
}

/// The part of the copy that was read so far.
#[derive(Default)]
struct SharedCopy {
    bytes: BytesMut,
    /// The part of the body after the copy, once the client may have it.
    after: Option<After>,
    client: Option<Waker>,
    has_left: bool,
    reader: Option<Waker>,
}

/// The part of the body after the copy.
enum After {
    End,
    Rest(Bytes, BoxBody),
    Error(BodyError),
}

/// The reader of a body.
pub(super) struct BodyReader {
    body: BoxBody,
    size: BodySize,
    longest: usize,
    shared: Rc<RefCell<SharedCopy>>,
    follows: Follows,
}

/// The part of the body that comes after the copied bytes.
enum Follows {
    Nothing,
    /// The rest of the body, and the piece of it that made the copy too long.
    Rest(Bytes),
    Error(BodyError),
}

/// The end of reading a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ReadEnd {
    Whole(Bytes),
    TooLong,
    Broken,
}

impl BodyReader {
    /// Reads the body to its end, or until it is too long. If the future is dropped, nothing is lost.
    pub(super) async fn read(&mut self) -> ReadEnd {
        while !self.is_complete() {
            let next = poll_fn(|context| Pin::new(&mut self.body).poll_next(context));
            match AssertUnwindSafe(next).catch_unwind().await {
                // With HTTP/1.1's chunked encoding an empty piece would end the body.
                Ok(Some(Ok(piece))) if piece.is_empty() => tokio::task::yield_now().await,
                Ok(Some(Ok(piece))) => {
                    if let Some(over) = self.copy(piece) {
                        self.follows = Follows::Rest(over);
                        return ReadEnd::TooLong;
                    }
                }
                Ok(None) if self.size == BodySize::Stream => break,
                Ok(None) => return self.broken(io::Error::from(io::ErrorKind::UnexpectedEof)),
                Ok(Some(Err(error))) => return self.broken(error),
                Err(_panic) => return self.broken("the body of a response panicked"),
            }
        }
        self.follows = Follows::Nothing;
        ReadEnd::Whole(self.shared.borrow().bytes.clone().freeze())
    }

    /// Ends when the client has left.
    pub(super) fn left(&self) -> impl Future<Output = ()> + use<> {
        let shared = Rc::clone(&self.shared);
        poll_fn(move |context| {
            let mut shared = shared.borrow_mut();
            if shared.has_left {
                return Poll::Ready(());
            }
            shared.reader = Some(context.waker().clone());
            Poll::Pending
        })
    }

    /// Gives the client the part after the copy: the end, an error, or the rest of the body.
    pub(super) fn let_go(mut self) {
        let body = std::mem::replace(&mut self.body, BoxBody::new(()));
        let after = match std::mem::replace(&mut self.follows, Follows::Nothing) {
            Follows::Nothing => After::End,
            Follows::Rest(over) => After::Rest(over, body),
            Follows::Error(error) => After::Error(error),
        };
        self.shared.borrow_mut().goes_on(after);
    }

    /// Whether the body was read to the length that it declared.
    fn is_complete(&self) -> bool {
        let length = self.shared.borrow().bytes.len() as u64;
        matches!(self.size, BodySize::Sized(size) if length >= size)
    }

    /// Copies a piece, unless it is too long.
    fn copy(&self, mut piece: Bytes) -> Option<Bytes> {
        let mut shared = self.shared.borrow_mut();
        if let BodySize::Sized(size) = self.size {
            let left = size.saturating_sub(shared.bytes.len() as u64);
            piece.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        }
        if piece.len() > self.longest.saturating_sub(shared.bytes.len()) {
            return Some(piece);
        }
        shared.bytes.extend_from_slice(&piece);
        shared.wake_client();
        None
    }

    fn broken(&mut self, error: impl Into<BodyError>) -> ReadEnd {
        self.follows = Follows::Error(error.into());
        ReadEnd::Broken
    }
}

impl Drop for BodyReader {
    /// A body that nobody reads any more must not look complete.
    fn drop(&mut self) {
        let mut shared = self.shared.borrow_mut();
        if shared.after.is_none() {
            shared.goes_on(After::Error("the body of a response was not read to its end".into()));
        }
    }
}

impl SharedCopy {
    fn goes_on(&mut self, after: After) {
        self.after = Some(after);
        self.wake_client();
    }

    fn wake_client(&mut self) {
        if let Some(client) = self.client.take() {
            client.wake();
        }
    }

    /// The number of bytes that the client may have. The last byte of a body with a declared length is held
    /// back until the reader lets go.
    fn given(&self, size: BodySize) -> usize {
        match size {
            BodySize::Sized(size) if self.after.is_none() && self.bytes.len() as u64 >= size => {
                self.bytes.len().saturating_sub(1)
            }
            _ => self.bytes.len(),
        }
    }
}

/// The body that the client gets: first the copied bytes, then the part after them.
pub(super) struct SentBody {
    size: BodySize,
    shared: Rc<RefCell<SharedCopy>>,
    sent: usize,
}

impl MessageBody for SentBody {
    type Error = BodyError;

    fn size(&self) -> BodySize {
        self.size
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, BodyError>>> {
        let shared = Rc::clone(&self.shared);
        let mut shared = shared.borrow_mut();
        let given = shared.given(self.size);
        if self.sent < given {
            let piece = self.sent..given.min(self.sent + PIECE);
            self.sent = piece.end;
            return Poll::Ready(Some(Ok(Bytes::copy_from_slice(&shared.bytes[piece]))));
        }
        match shared.after.take() {
            None => {
                shared.client = Some(context.waker().clone());
                Poll::Pending
            }
            Some(After::End) => {
                shared.after = Some(After::End);
                Poll::Ready(None)
            }
            Some(After::Error(error)) => {
                shared.after = Some(After::End);
                Poll::Ready(Some(Err(error)))
            }
            Some(After::Rest(over, body)) if !over.is_empty() => {
                shared.after = Some(After::Rest(Bytes::new(), body));
                Poll::Ready(Some(Ok(over)))
            }
            Some(After::Rest(over, mut body)) => {
                // The body may panic here, as it may without us.
                drop(shared);
                let next = Pin::new(&mut body).poll_next(context);
                self.shared.borrow_mut().after = Some(After::Rest(over, body));
                next
            }
        }
    }
}

impl Drop for SentBody {
    fn drop(&mut self) {
        let mut shared = self.shared.borrow_mut();
        shared.has_left = true;
        if let Some(reader) = shared.reader.take() {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::{BodyStream, SizedStream};
    use futures_util::stream::{self, Stream, StreamExt};

    type Pieces = Vec<Result<Bytes, io::Error>>;

    fn pieces(texts: &[&'static str]) -> Pieces {
        texts.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))).collect()
    }

    fn streamed(pieces: Pieces) -> BoxBody {
        BoxBody::new(BodyStream::new(stream::iter(pieces)))
    }

    /// The client's next bytes.
    #[derive(Debug, PartialEq, Eq)]
    enum Next {
        Piece(String),
        Error(String),
        End,
        /// Nothing yet.
        Later,
    }

    fn next(body: &mut SentBody) -> Next {
        let next = poll_fn(|context| Pin::new(&mut *body).poll_next(context)).now_or_never();
        match next {
            None => Next::Later,
            Some(None) => Next::End,
            Some(Some(Ok(piece))) => is(std::str::from_utf8(&piece).unwrap()),
            Some(Some(Err(error))) => Next::Error(error.to_string()),
        }
    }

    fn is(text: &str) -> Next {
        Next::Piece(text.to_owned())
    }

    #[actix_web::test]
    async fn the_end_is_held_back() {
        let (mut reader, mut sent) = copied(streamed(pieces(&["one ", "", "two"])), 7);
        assert_eq!(reader.read().await, ReadEnd::Whole("one two".into()));
        assert_eq!((next(&mut sent), next(&mut sent)), (is("one two"), Next::Later));
        reader.let_go();
        assert_eq!((next(&mut sent), next(&mut sent)), (Next::End, Next::End));
    }

    #[actix_web::test]
    async fn the_last_byte_of_a_body_of_known_length_is_held_back() {
        let body = SizedStream::new(7, stream::iter(pieces(&["one ", "two"])));
        let (mut reader, mut sent) = copied(BoxBody::new(body), 7);
        assert_eq!(reader.read().await, ReadEnd::Whole("one two".into()));
        assert_eq!((next(&mut sent), next(&mut sent)), (is("one tw"), Next::Later));
        reader.let_go();
        assert_eq!((next(&mut sent), next(&mut sent)), (is("o"), Next::End));
    }

    #[actix_web::test]
    async fn a_body_that_is_too_long_is_handed_over() {
        let (mut reader, mut sent) = copied(streamed(pieces(&["one ", "two ", "three"])), 7);
        assert_eq!(reader.read().await, ReadEnd::TooLong);
        assert_eq!((next(&mut sent), next(&mut sent)), (is("one "), Next::Later));
        reader.let_go();
        assert_eq!((next(&mut sent), next(&mut sent)), (is("two "), is("three")));
        assert_eq!(next(&mut sent), Next::End);
    }

    async fn breaks(body: impl Stream<Item = Result<Bytes, io::Error>> + 'static, why: &str) {
        let (mut reader, mut sent) = copied(BoxBody::new(SizedStream::new(9, body)), 9);
        assert_eq!(reader.read().await, ReadEnd::Broken);
        reader.let_go();
        assert_eq!(next(&mut sent), is("one"));
        assert_eq!(next(&mut sent), Next::Error(why.to_owned()));
    }

    #[actix_web::test]
    async fn a_body_that_breaks_never_looks_complete() {
        let broken = vec![Ok("one".into()), Err(io::Error::other("away"))];
        breaks(stream::iter(broken), "away").await;
        breaks(stream::iter(pieces(&["one"])), "unexpected end of file").await;
        let panics = stream::iter([0, 1]).map(|n| {
            assert_eq!(n, 0, "on purpose");
            Ok(Bytes::from("one"))
        });
        breaks(panics, "the body of a response panicked").await;
        let (reader, mut sent) = copied(streamed(pieces(&["one"])), 9);
        drop(reader);
        assert!(matches!(next(&mut sent), Next::Error(_)));
    }

    #[actix_web::test]
    async fn the_reader_is_told_that_the_client_left() {
        let (reader, sent) = copied(streamed(pieces(&["one"])), 9);
        assert_eq!(reader.left().now_or_never(), None);
        drop(sent);
        assert_eq!(reader.left().now_or_never(), Some(()));
    }
}

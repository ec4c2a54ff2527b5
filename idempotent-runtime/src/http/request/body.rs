//! A request's body. It is read once, hashed, and given to the extractors again.

use crate::http::request::coding::{Contents, contents};
use crate::http::request::multipart::{Malformed, MultipartForm};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use std::borrow::Cow;
use std::future::ready;

/// A request's body, in the forms in which it is compared, read by templates, and sent.
#[derive(Debug, Default)]
pub(crate) struct RequestBody {
    /// The bytes as they were sent, and as the extractors read them.
    pub(crate) sent: Bytes,
    /// The bytes without a coding; `None` if they cannot be decoded.
    pub(crate) plain: Option<Bytes>,
    form: Option<Result<MultipartForm, Malformed>>,
}

impl RequestBody {
    /// Makes it of the complete body of a request. At most `longest` bytes are decoded.
    ///
    /// # Errors
    /// When the decoded body has more.
    pub(crate) async fn of(
        request: &HttpRequest,
        sent: Bytes,
        longest: usize,
    ) -> Result<Self, Unread> {
        let plain = match contents(request, sent.clone(), longest).await {
            Contents::Plain(plain) => Some(plain),
            Contents::Coded => None,
            Contents::TooLong => return Err(Unread::TooLong),
        };
        let form = match &plain {
            Some(plain) if is_multipart(request) => {
                // Its future is large, and most bodies are not forms.
                Some(Box::pin(MultipartForm::read(request.headers(), plain.clone())).await)
            }
            None if is_multipart(request) => Some(Err(Malformed)),
            Some(_) | None => None,
        };
        Ok(Self { sent, plain, form })
    }

    /// The form in the body, if the request's content type is `multipart/form-data`.
    pub(crate) fn form(&self) -> Option<Result<&MultipartForm, Malformed>> {
        self.form.as_ref().map(|form| form.as_ref().map_err(|malformed| *malformed))
    }

    /// The body in a form that can be compared. A client that sends it again may compress it anew, and draws
    /// a new boundary for a form.
    pub(crate) fn comparable(&self) -> Cow<'_, [u8]> {
        match &self.form {
            Some(Ok(form)) => form.without_boundary().into(),
            Some(Err(_)) | None => Cow::Borrowed(self.plain.as_ref().unwrap_or(&self.sent)),
        }
    }
}

/// The reason why a body could not be read completely.
pub(crate) enum Unread {
    /// It is longer than the buffer.
    TooLong,
    /// The connection broke before its end.
    Broken(PayloadError),
}

/// Reads the whole body, unless it is longer than `longest`, and puts it back for the extractors.
pub(crate) async fn buffer(
    request: &HttpRequest,
    payload: &mut Payload,
    longest: usize,
) -> Result<Bytes, Unread> {
    if declared(request).is_some_and(|length| length > longest) {
        return Err(Unread::TooLong);
    }
    let mut whole = Pieces::None;
    while let Some(piece) = payload.next().await {
        whole = whole.and(piece.map_err(Unread::Broken)?);
        if whole.len() > longest {
            return Err(Unread::TooLong);
        }
    }
    let body = whole.joined();
    *payload = refilled(body.clone());
    Ok(body)
}

fn declared(request: &HttpRequest) -> Option<usize> {
    request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// Whether a request says that its body is `multipart/form-data`.
fn is_multipart(request: &HttpRequest) -> bool {
    const KIND: &[u8] = b"multipart/form-data";
    let kind = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    // Every request is asked, and most are not forms.
    kind.and_then(|kind| kind.get(..KIND.len())).is_some_and(|kind| kind.eq_ignore_ascii_case(KIND))
        && request.content_type().eq_ignore_ascii_case("multipart/form-data")
}

/// The part of a body that has arrived. A body in one piece, as most are, is not copied.
enum Pieces {
    None,
    One(Bytes),
    Many(BytesMut),
}

impl Pieces {
    fn and(self, piece: Bytes) -> Self {
        match self {
            Self::None => Self::One(piece),
            Self::One(first) => {
                let mut all = BytesMut::with_capacity(first.len() + piece.len());
                all.extend_from_slice(&first);
                all.extend_from_slice(&piece);
                Self::Many(all)
            }
            Self::Many(mut all) => {
                all.extend_from_slice(&piece);
                Self::Many(all)
            }
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::None => 0,
            Self::One(piece) => piece.len(),
            Self::Many(all) => all.len(),
        }
    }

    fn joined(self) -> Bytes {
        match self {
            Self::None => Bytes::new(),
            Self::One(piece) => piece,
            Self::Many(all) => all.freeze(),
        }
    }
}

/// A payload with the body once more, for the extractors.
pub(crate) fn refilled(body: Bytes) -> Payload {
    if body.is_empty() {
        return Payload::None;
    }
    Payload::Stream { payload: Box::pin(stream::once(ready(Ok(body)))) }
}

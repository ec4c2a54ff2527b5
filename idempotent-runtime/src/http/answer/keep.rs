//! Decides which part of a response is kept, for all guards alike.

use crate::http::answer::caching::{Audience, may_be_kept, tagged, with_tag};
use crate::http::answer::copied_body::{BodyReader, ReadEnd, copied};
use crate::http::answer::kept_headers::kept;
use crate::http::answer::own_refusal::is_marked;
use crate::http::answer::stored_response::StoreResponse;
use crate::http::header_names::IDEMPOTENCY_PROBLEM;
use crate::outcome::{Outcome, StoredResponse};
use crate::policy::{Keeps, OnDuplicate, Policy};
use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;
use std::time::Duration;
use tokio::time::timeout;

/// The reason for keeping a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeepFor {
    /// To send it to a retry of the request.
    Retries,
    /// For nobody: the transaction has no record, and the decision is only whether it commits.
    Commit,
    /// To send it to later readers.
    Readers(Audience),
    /// As the result of a task. A failed response is kept, too, since no client is there to repeat the task.
    Task,
}

/// The decision on a response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Nothing is kept, and the next request with the key runs.
    Nothing,
    /// The fact that the request ran. The policy gives duplicates no more than that.
    Fact,
    /// The fact that the request ran. The response cannot be kept, and the client is told so.
    Tombstone,
    /// A copy of the response.
    Copy(StoredResponse),
}

/// A decision, or the body that must be read before it.
pub(crate) enum Keeping {
    Decided(HttpResponse, Kept),
    Unread(UnreadBody),
}

/// A response whose body must be read before it can be kept.
pub(crate) struct UnreadBody {
    response: HttpResponse,
    capture: Capture,
}

/// Decides how much of a response is kept, if that is known without waiting. A copy has at most `longest` bytes.
pub(crate) fn keep(
    policy: &'static Policy,
    longest: usize,
    purpose: KeepFor,
    response: HttpResponse,
) -> Keeping {
    if !is_kept(policy, purpose, &response) {
        return Keeping::Decided(response, Kept::Nothing);
    }
    let refused =
        matches!(purpose, KeepFor::Readers(audience) if !may_be_kept(policy, &response, audience));
    if refused {
        return Keeping::Decided(response, Kept::Tombstone);
    }
    let rejects = purpose == KeepFor::Retries && policy.on_duplicate == OnDuplicate::Reject;
    if rejects || purpose == KeepFor::Commit {
        return Keeping::Decided(response, Kept::Fact);
    }
    Capture { policy, longest, purpose }.at_once(response)
}

/// Whether anything is kept. The handler's own choice counts first, then the policy's statuses.
pub(crate) fn is_kept(policy: &Policy, purpose: KeepFor, response: &HttpResponse) -> bool {
    if purpose == KeepFor::Task {
        return true;
    }
    match (policy.strategy.traits().keeps, response.extensions().get::<StoreResponse>()) {
        (Keeps::Nothing, _) => false,
        (_, Some(choice)) => *choice == StoreResponse::Yes,
        (_, None) => policy.statuses.contain(response.status().as_u16()),
    }
}

impl Keeping {
    /// The decision. If the body must be read first, this takes at most this long.
    pub(crate) async fn decided(self, longest: Duration) -> (HttpResponse, Kept) {
        match self {
            Self::Decided(response, kept) => (response, kept),
            Self::Unread(body) => body.read(longest).await,
        }
    }
}

impl UnreadBody {
    /// Reads the body before anything is sent, then decides.
    async fn read(self, longest: Duration) -> (HttpResponse, Kept) {
        let (response, mut copying) = self.sent_on();
        let capture = copying.capture;
        if let Ok(CopyEnd::Whole(copy)) = timeout(longest, copying.copy_all()).await {
            let body = BoxBody::new(copy.body.clone());
            return capture.kept(response.set_body(body), Some(copy));
        }
        // The client gets the part that was read and the part after it, even if that part breaks.
        copying.let_go();
        capture.kept(response, None)
    }

    /// The response, whose client gets the body as it comes, and the copying of that body.
    pub(crate) fn sent_on(self) -> (HttpResponse, Copying) {
        let Self { response, capture } = self;
        let (head, body) = response.into_parts();
        let copy = capture.copy(&head, Bytes::new());
        let (reader, body) = copied(body, capture.longest);
        (head.set_body(BoxBody::new(body)), Copying { capture, copy, reader })
    }
}

/// A response that is copied while its client gets it. The end of the body is held back.
pub(crate) struct Copying {
    capture: Capture,
    /// The response without its body.
    copy: StoredResponse,
    reader: BodyReader,
}

/// The end of copying a response.
pub(crate) enum CopyEnd {
    /// It was copied.
    Whole(StoredResponse),
    /// It is too long for a copy.
    Cut,
    /// Its body broke or panicked.
    Broken,
}

impl Copying {
    /// Copies as much as may be kept. If the future is dropped, nothing is lost.
    pub(crate) async fn copy_all(&mut self) -> CopyEnd {
        match self.reader.read().await {
            ReadEnd::Whole(body) => {
                let copy = StoredResponse { body, ..self.copy.clone() };
                CopyEnd::Whole(match self.capture.purpose {
                    KeepFor::Readers(_) => with_tag(copy),
                    KeepFor::Retries | KeepFor::Commit | KeepFor::Task => copy,
                })
            }
            ReadEnd::TooLong => CopyEnd::Cut,
            ReadEnd::Broken => CopyEnd::Broken,
        }
    }

    /// Ends when the client has left.
    pub(crate) fn client_left(&self) -> impl Future<Output = ()> + use<> {
        self.reader.left()
    }

    /// Gives the client the part after the copy: the end, an error, or the rest.
    pub(crate) fn let_go(self) {
        self.reader.let_go();
    }
}

impl Kept {
    /// The outcome to store for a run that must not run again.
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Self::Copy(copy) => Outcome::Response(copy),
            Self::Nothing | Self::Fact | Self::Tombstone => Outcome::Tombstone,
        }
    }
}

/// The way in which a response is copied.
#[derive(Clone, Copy)]
struct Capture {
    policy: &'static Policy,
    /// The longest body, in bytes.
    longest: usize,
    purpose: KeepFor,
}

impl Capture {
    /// Copies a response if that is possible without waiting.
    fn at_once(self, response: HttpResponse) -> Keeping {
        let (head, body) = response.into_parts();
        let (body, copy) = match body.size() {
            BodySize::None | BodySize::Sized(0) => (body, Some(self.copy(&head, Bytes::new()))),
            BodySize::Sized(length) if length > self.longest as u64 => (body, None),
            BodySize::Sized(_) | BodySize::Stream => match body.try_into_bytes() {
                Ok(bytes) => (BoxBody::new(bytes.clone()), Some(self.copy(&head, bytes))),
                Err(body) => {
                    let response = head.set_body(body);
                    return Keeping::Unread(UnreadBody { response, capture: self });
                }
            },
        };
        let (response, kept) = self.kept(head.set_body(body), copy);
        Keeping::Decided(response, kept)
    }

    fn kept(self, response: HttpResponse, copy: Option<StoredResponse>) -> (HttpResponse, Kept) {
        match (self.purpose, copy) {
            (KeepFor::Readers(_), Some(copy)) => {
                let (response, copy) = tagged(response, copy);
                (response, Kept::Copy(copy))
            }
            (_, Some(copy)) => (response, Kept::Copy(copy)),
            (KeepFor::Task, None) => {
                let (head, body) = response.into_parts();
                let copy = self.without_body(&head);
                (head.set_body(body), Kept::Copy(copy))
            }
            (_, None) => (response, Kept::Tombstone),
        }
    }

    /// Copies the head alone, with a mark that its body is missing.
    fn without_body(self, head: &HttpResponse<()>) -> StoredResponse {
        StoredResponse { is_cut: true, ..self.copy(head, Bytes::new()) }
    }

    fn copy(self, head: &HttpResponse<()>, body: Bytes) -> StoredResponse {
        // The task's client has not seen the response yet. This header will tell it that the handler panicked.
        let is_panic = self.purpose == KeepFor::Task && is_marked(head);
        let problem =
            head.headers().iter().filter(|(name, _)| is_panic && *name == IDEMPOTENCY_PROBLEM);
        let bytes = |part: &[u8]| Bytes::copy_from_slice(part);
        let headers = kept(self.policy, head.headers())
            .chain(problem)
            .map(|(name, value)| (bytes(name.as_str().as_bytes()), bytes(value.as_bytes())))
            .collect();
        StoredResponse { status: head.status().as_u16(), headers, body, is_cut: false }
    }
}

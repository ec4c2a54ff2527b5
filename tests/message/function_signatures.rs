//! Functions with signatures of every shape can be guarded.

use crate::RunCounter;
use idempotent_runtime::message::{MessageError, Messages};
use idempotent_runtime::{Idempotency, MemoryStore, Scope, idempotent};
use std::rc::Rc;
use std::sync::{Arc, LazyLock};

static MESSAGES: LazyLock<Messages> = LazyLock::new(|| {
    Messages::builder(MemoryStore::new()).scope("shapes").build().expect("it fits together")
});

/// An error of the user's own.
#[derive(Debug)]
enum BookError {
    Guard(MessageError),
    #[expect(dead_code, reason = "a test that fails shows it")]
    Number(std::num::ParseIntError),
}

impl From<MessageError> for BookError {
    fn from(error: MessageError) -> Self {
        Self::Guard(error)
    }
}

impl From<std::num::ParseIntError> for BookError {
    fn from(error: std::num::ParseIntError) -> Self {
        Self::Number(error)
    }
}

type BookResult<T> = Result<T, BookError>;

#[idempotent(strategy = "message", key = "{id}", engine = "MESSAGES")]
async fn of_a_static(id: &str, number: &str) -> BookResult<u8> {
    if number.is_empty() {
        return Ok(0);
    }
    let number = number.parse()?;
    Ok(number)
}

#[tokio::test]
async fn question_marks_and_early_returns_are_the_functions_own() {
    assert!(matches!(of_a_static("static", "x").await, Err(BookError::Number(_))));
    assert_eq!(of_a_static("static", "").await.unwrap(), 0);
    assert_eq!(of_a_static("static", "7").await.unwrap(), 0);
    assert!(matches!(
        of_a_static("", "7").await,
        Err(BookError::Guard(MessageError::KeyMissing(_)))
    ));
}

struct Pair<'a> {
    left: &'a str,
    right: (u8, u8),
}

#[idempotent(strategy = "message", key = "{left}-{b}", engine = "counter.messages")]
async fn borrows<'a>(
    counter: Rc<RunCounter>,
    Pair { left, right: (mut a, b) }: Pair<'a>,
    list: &mut Vec<&'a str>,
) -> Result<u8, MessageError> {
    a += b;
    list.push(left);
    Ok(a)
}

#[tokio::test]
async fn borrowed_and_destructured_parameters_are_the_functions_own() {
    let (counter, mut list) = (Rc::new(RunCounter::new()), Vec::new());
    let text = String::from("left");
    for _ in 0..2 {
        let pair = Pair { left: &text, right: (1, 2) };
        assert_eq!(borrows(Rc::clone(&counter), pair, &mut list).await.unwrap(), 3);
    }
    assert_eq!(list, ["left"], "it ran once");
}

struct Consumer {
    messages: Arc<Messages>,
    seen: Vec<u32>,
}

trait Handles {
    async fn handle(&mut self, id: u32) -> Result<usize, MessageError>;
}

impl Handles for Consumer {
    #[idempotent(
        strategy = "message",
        operation = "handle",
        key = "{id}",
        engine = "self.messages"
    )]
    async fn handle(&mut self, id: u32) -> Result<usize, MessageError> {
        self.seen.push(id);
        Ok(self.seen.len())
    }
}

impl Consumer {
    #[idempotent(
        strategy = "message",
        operation = "end",
        key = "{self.seen.len()}",
        engine = "&self.messages"
    )]
    async fn end(self: Box<Self>) -> Result<Vec<u32>, MessageError> {
        Ok(self.seen)
    }
}

#[tokio::test]
async fn methods_of_every_receiver_can_be_guarded() {
    let messages = Arc::new(RunCounter::new().messages);
    let mut consumer = Consumer { messages, seen: Vec::new() };
    for (id, many) in [(5, 1), (5, 1), (6, 2)] {
        assert_eq!(consumer.handle(id).await.unwrap(), many);
    }
    assert_eq!(Box::new(consumer).end().await.unwrap(), [5, 6]);
}

#[idempotent(strategy = "message", key = "{id}", engine = "idempotency")]
async fn in_an_app(idempotency: Idempotency, id: u32) -> Result<u32, MessageError> {
    drop(idempotency);
    Ok(id)
}

#[idempotent(
    strategy = "message",
    key = "{id}",
    scope = "{tenant}",
    engine = "idempotency",
    operation = "in_an_app"
)]
async fn of_a_tenant(
    idempotency: &Idempotency,
    id: u32,
    tenant: &str,
) -> Result<u32, MessageError> {
    Ok(id + u32::from(tenant == "b"))
}

#[idempotent(strategy = "message", key = "{id}", scope = "shared", engine = "idempotency")]
async fn of_everybody(
    idempotency: actix_web::web::Data<Idempotency>,
    id: u32,
) -> Result<u32, MessageError> {
    Ok(id)
}

#[tokio::test]
async fn what_guards_an_app_guards_its_functions_too_if_somebody_says_whose_they_are() {
    let built = |scope| {
        Idempotency::builder(MemoryStore::new()).scope(scope).build().expect("it fits together")
    };
    let of_requests = built(Scope::header("Authorization"));
    let refused = in_an_app(of_requests.clone(), 1).await;
    assert!(matches!(refused, Err(MessageError::Misconfigured(_))), "{refused:?}");
    assert_eq!(of_tenants(&of_requests).await, [1, 2, 1]);
    assert_eq!(of_everybody(actix_web::web::Data::new(of_requests), 1).await.unwrap(), 1);
    assert_eq!(in_an_app(built(Scope::shared()), 1).await.unwrap(), 1);
}

async fn of_tenants(idempotency: &Idempotency) -> [u32; 3] {
    let mut numbers = [0; 3];
    for (place, tenant) in ["a", "b", "a"].into_iter().enumerate() {
        numbers[place] = of_a_tenant(idempotency, 1, tenant).await.expect("it runs");
    }
    numbers
}

mod orders {
    pub(super) struct OrderPaid(pub(super) u32);
}

/// A path that begins with `self` makes it no method.
#[idempotent(strategy = "message", key = "{order.0}", engine = "MESSAGES")]
#[expect(unused_qualifications, reason = "a path from here is what is tried")]
async fn by_a_path(order: self::orders::OrderPaid) -> Result<u32, MessageError> {
    Ok(order.0)
}

#[tokio::test]
async fn types_may_be_named_by_a_path_from_here() {
    assert_eq!(by_a_path(orders::OrderPaid(7)).await.expect("it runs"), 7);
}

#[test]
fn a_guarded_function_can_move_between_threads_if_its_own_work_can() {
    fn can_move(_: impl Send) {}
    let counter = RunCounter::new();
    can_move(counter.held("a"));
    can_move(of_a_static("a", "1"));
}

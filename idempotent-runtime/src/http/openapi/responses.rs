//! The responses of guards, as schemas.

use crate::http::answer::problem::ProblemKind;
use crate::http::header_names::{IDEMPOTENCY_PROBLEM, IDEMPOTENCY_REPLAYED, IDEMPOTENCY_STORED};
use std::fmt::Write as _;
use utoipa::openapi::header::{Header, HeaderBuilder};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{
    AllOfBuilder, Object, ObjectBuilder, Ref, Schema, SchemaFormat, Type,
};
use utoipa::openapi::{Content, RefOr};

/// The name of the schema of problems.
pub(super) const PROBLEM: &str = "IdempotencyProblem";

const PROBLEM_JSON: &str = "application/problem+json";

/// The schema of every problem: the members of RFC 9457, section 3.1, and our own member `retryable`.
pub(super) fn problem_schema() -> RefOr<Schema> {
    let text = |what: &'static str| of_type(Type::String).description(Some(what));
    let reference = SchemaFormat::Custom("uri-reference".to_owned());
    let members = [
        ("type", text("The situation, as a URI").format(Some(reference))),
        ("title", text("The same short sentence for every occurrence")),
        ("status", of_type(Type::Integer).description(Some("The status of the response"))),
        ("detail", text("What happened this time, and what to do about it")),
        ("instance", text("The path of the request")),
        (
            "retryable",
            of_type(Type::Boolean)
                .description(Some("Whether the same request with the same key may succeed later")),
        ),
    ];
    let whole = of_type(Type::Object).description(Some("A problem (RFC 9457) of a guard"));
    let with = |whole: ObjectBuilder, (name, member): (&str, ObjectBuilder)| {
        whole.property(name, member).required(name)
    };
    members.into_iter().fold(whole, with).into()
}

/// Adds these problems, which have one status, to a response. The user's own description stays first.
pub(super) fn add_problems(response: &mut Response, kinds: &[ProblemKind], types: &str) {
    for kind in kinds {
        let is_said = response.description.contains(&format!("`{}`", kind.name()));
        if is_said {
            continue;
        }
        let between = if response.description.is_empty() { "" } else { "\n" };
        // Writing to a `String` never fails.
        let _ = write!(response.description, "{between}- `{}`: {}", kind.name(), kind.title());
    }
    let names = kinds.iter().map(|kind| kind.name());
    let which = one_of(names, "The last part of the problem's type");
    response.headers.insert(shown(IDEMPOTENCY_PROBLEM.as_str()), which.into());
    if kinds.iter().any(|kind| kind.retryable()) {
        response.headers.insert("Retry-After".to_owned(), retry_after().into());
    }
    if kinds.contains(&ProblemKind::VersionMismatch) {
        let version = text("The current version of the row");
        response.headers.insert("ETag".to_owned(), version.into());
    }
    let of_types = kinds.iter().map(|kind| format!("{types}{}", kind.name()));
    let of_types = of_type(Type::String).enum_values(Some(of_types));
    let narrowed = of_type(Type::Object).property("type", of_types);
    let schema = AllOfBuilder::new().item(Ref::from_schema_name(PROBLEM)).item(narrowed);
    let content = Content::new(Some(Schema::AllOf(schema.build())));
    response.content.entry(PROBLEM_JSON.to_owned()).or_insert(RefOr::T(content));
}

/// Adds the headers by which a client recognises a replay, and a response that a retry will not get.
pub(super) fn add_replay(response: &mut Response) {
    let replayed = one_of(["true"], "The response of an earlier request, sent again");
    let stored = one_of(["false"], "A retry will not get this response");
    for (name, header) in [(IDEMPOTENCY_REPLAYED, replayed), (IDEMPOTENCY_STORED, stored)] {
        response.headers.entry(shown(name.as_str())).or_insert(header.into());
    }
}

/// The response to a request that was stored as a task.
pub(super) fn accepted() -> Response {
    let text = || Object::with_type(Type::String);
    let body = of_type(Type::Object).property("id", text()).property("location", text());
    let body = body.required("id").required("location");
    ResponseBuilder::new()
        .description("The task is stored, also when the request is repeated")
        .header("Location", self::text("The address of the task"))
        .header("Retry-After", retry_after())
        .content("application/json", Content::new(Some(Schema::Object(body.build()))))
        .build()
}

fn of_type(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind)
}

fn text(what: &str) -> Header {
    HeaderBuilder::new()
        .schema(Some(Object::with_type(Type::String)))
        .description(Some(what))
        .build()
}

fn one_of<'a>(values: impl IntoIterator<Item = &'a str>, what: &str) -> Header {
    let values = of_type(Type::String).enum_values(Some(values));
    HeaderBuilder::new().schema(Some(values.build())).description(Some(what)).build()
}

fn retry_after() -> Header {
    let seconds = Object::with_type(Type::Integer);
    let what = "The whole seconds after which to try again";
    HeaderBuilder::new().schema(Some(seconds)).description(Some(what)).build()
}

/// The name of a header as people write it.
fn shown(name: &str) -> String {
    let upper = |part: &str| {
        let (first, rest) = part.split_at(part.len().min(1));
        first.to_ascii_uppercase() + rest
    };
    name.split('-').map(upper).collect::<Vec<_>>().join("-")
}

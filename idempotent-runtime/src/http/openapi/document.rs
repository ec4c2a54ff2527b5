//! Makes parameters and responses of the extensions in a document.

use crate::http::answer::problem::PROBLEM_TYPES;
use crate::http::openapi::operation::{EXTENSION, GuardParameter, GuardedOperation};
use crate::http::openapi::responses::{
    PROBLEM, accepted, add_problems, add_replay, problem_schema,
};
use serde::Deserialize;
use std::collections::BTreeMap;
use utoipa::Modify;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::response::Response;
use utoipa::openapi::schema::{Object, Type};
use utoipa::openapi::{OpenApi, RefOr};

/// Describes every guarded handler of a document, for an app that keeps the default problem types.
pub static GUARDS: Guards = Guards::of_types(PROBLEM_TYPES);

/// Describes every guarded handler of a document: the headers that it reads, and the problems that it answers with.
///
/// `#[idempotent]` above `#[utoipa::path]` marks those handlers. A response that the handler describes itself
/// stays, and problems are added to it.
#[derive(Clone, Copy, Debug)]
pub struct Guards {
    types: &'static str,
}

impl Guards {
    /// The same for an app that sets the beginning of its problem types with
    /// [`problem_types`](crate::IdempotencyBuilder::problem_types).
    #[must_use]
    pub const fn of_types(prefix: &'static str) -> Self {
        Self { types: prefix }
    }

    fn describe(self, operation: &mut Operation, guard: &GuardedOperation) {
        add_parameters(operation, guard.parameters());
        let responses = &mut operation.responses.responses;
        if guard.is_task() {
            responses.entry("202".to_owned()).or_insert_with(|| accepted().into());
        }
        for (status, response) in responses.iter_mut() {
            if let (Some('2' | '3'), RefOr::T(response)) = (status.chars().next(), response)
                && guard.replays()
            {
                add_replay(response);
            }
        }
        let mut by_status = BTreeMap::<_, Vec<_>>::new();
        for kind in guard.problems() {
            by_status.entry(kind.status().as_u16()).or_default().push(kind);
        }
        for (status, kinds) in by_status {
            let response = responses.entry(status.to_string());
            let response = response.or_insert_with(|| Response::new("").into());
            // A response that is a reference is shared with other operations, so it is left alone.
            if let RefOr::T(response) = response {
                add_problems(response, &kinds, self.types);
            }
        }
    }
}

impl Modify for Guards {
    fn modify(&self, document: &mut OpenApi) {
        for operation in document.paths.paths.values_mut().flat_map(operations) {
            let Some(guard) = guard_of(operation) else { continue };
            self.describe(operation, &guard);
            let components = document.components.get_or_insert_default();
            components.schemas.entry(PROBLEM.to_owned()).or_insert_with(problem_schema);
        }
    }
}

/// The guard of an operation, read from its extension.
fn guard_of(operation: &Operation) -> Option<GuardedOperation> {
    let extension = operation.extensions.as_ref()?.get(EXTENSION)?;
    GuardedOperation::deserialize(extension).ok()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, query, .. } = item;
    [get, put, post, delete, options, head, patch, trace, query].into_iter().flatten()
}

/// Adds the parameters that the handler does not describe itself.
fn add_parameters(operation: &mut Operation, read: &[GuardParameter]) {
    for GuardParameter { name, place, required } in read {
        let is_it = |parameter: &RefOr<Parameter>| match parameter {
            RefOr::T(there) => {
                there.parameter_in == *place && there.name.eq_ignore_ascii_case(name)
            }
            RefOr::Ref(_) => false,
        };
        let all = operation.parameters.get_or_insert_default();
        if all.iter().any(is_it) {
            continue;
        }
        let what = match (place, &*name.to_ascii_lowercase()) {
            (ParameterIn::Header, "idempotency-key") => {
                "One key for one operation: a repeated request has the same one"
            }
            (ParameterIn::Header, "if-match") => "The version that the client saw, as its `ETag`",
            _ => "Read by the guard against repeated requests",
        };
        let parameter = ParameterBuilder::new()
            .name(&**name)
            .parameter_in(place.clone())
            .required(required.clone())
            .description(Some(what))
            .schema(Some(Object::with_type(Type::String)));
        all.push(RefOr::T(parameter.build()));
    }
}

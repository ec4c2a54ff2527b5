//! The `#[idempotent]` attribute. Depend on `idempotent-runtime`, which re-exports it.

mod column_values;
mod diagnostics;
mod expand;
mod limits;
mod model;
mod parse;
mod states;
mod strategy;
mod validate;

#[cfg(test)]
mod arbitrary_tests;
#[cfg(test)]
mod tests;

use proc_macro2::TokenStream;

/// Makes an actix-web handler safe to retry.
///
/// The handler's signature, extractors, return type and errors stay its own. It works above and
/// below the route macros of actix-web and on plain handlers.
///
/// | argument | value | default |
/// | --- | --- | --- |
/// | `strategy` | `"request_id"`, `"token"`, `"lock"`, `"cache"`, `"dedup_table"`, `"row_lock"`, `"version"`, `"state"`, `"unique"`, `"async"`, `"message"` | `"request_id"` |
/// | `key` | a template, see below | `"{header.Idempotency-Key}"`; `token`, `lock` and `message` need one, rows and `unique` have none |
/// | `operation` | the name that keys, tokens and answers are bound to, see below | none; `token` and methods need one |
/// | `shared_operation` | `true`: other functions may have the same operation, if they say so, too | `false` |
/// | `scope` | a template, or `"shared"` | the app's rule |
/// | `ttl` | how long a finished request is remembered | the app's, 24 hours; `cache` needs one |
/// | `stale` | how long an answer of a cache is read after its ttl, while one computes a new one | not at all |
/// | `lease` | how long a run excludes others without being renewed | the app's |
/// | `on_duplicate` | `"replay"`, `"reject"`, with `version` also `"accept"` | `"replay"` |
/// | `on_in_flight` | `"reject"`, `"wait"` | `"reject"` |
/// | `wait` | how long to wait, with `on_in_flight = "wait"` and for a lock | the app's, 10 seconds |
/// | `on_abandoned` | `"retry"`, `"hold"`: after the process that ran it died | `"retry"` |
/// | `on_store_error` | `"refuse"`, `"run"` unguarded: while the store does not answer | `"refuse"` |
/// | `fingerprint` | `"request"`, `"none"`, or a template | `"request"`: method, path, query, body |
/// | `store` | statuses to store: `"2xx, 404"` | 2xx, 3xx, deterministic 4xx |
/// | `headers` | response headers to replay although the list below leaves them out: `"Date"` | none |
/// | `drop_headers` | response headers to leave out beside those: `"X-Served-By"` | none |
/// | `max_body` | how much of a body is buffered: `"64KiB"` | the app's, 2 MiB |
/// | `message` | the `detail` of answers to duplicates | a sentence for each kind of duplicate |
/// | `required` | `true`, or `false`: where none of the key's placeholders is there, it runs unguarded; an empty or unreadable key, or a part of one, is still refused | `true` |
/// | `within` | how far the request's timestamp may be from now | no limit |
/// | `timestamp` | a template of that timestamp | `"{header.Timestamp}"` |
/// | `first_sent` | a template of the time when the client first sent the request, see below | not checked |
/// | `table`, `id`, `id_column`, `column` | of the row that guards `row_lock`, `version` and `state`, see below | |
/// | `owner`, `owner_column` | a template of who the row must belong to, and the column that says so, see below | nobody; `"owner"` |
/// | `version` | a template of the version that the client saw | `"{header.If-Match}"` |
/// | `if_match` | `"one"` version, `"any"`: `*` and lists also without a key, `"weak"`: weak tags count, `"any, weak"` | `"one"` |
/// | `from`, `to` | variants, without quotes: `from = Status::Paid`; `state` needs both | |
/// | `set` | `"first"`, or `"last"`: the column of a `state` is set after the handler | `"first"` |
/// | `existing` | a function, without quotes; `unique` needs it | |
/// | `constraint` | the one index that `unique` means; on `SQLite` all its columns, `"table.a, table.b"` | any |
/// | `engine` | an expression, for `message` alone: the engine that guards the function | |
/// | `task_headers` | request headers, for `async` alone: kept for the run beside `Host`: `"X-Kind"` | none |
/// | `crate` | a path, without quotes: where this crate is, if it was renamed or comes through another one | `::idempotent_runtime` |
///
/// A replay has every header of the response that reached the guard, in the same bytes, but for these:
/// `Set-Cookie`; credentials and challenges (`Authorization`, `Proxy-…`, `WWW-Authenticate`,
/// `Authentication-Info`, and names that contain `token`, `csrf`, `secret`, `session` or `api-key`); those of
/// one connection (`Connection` and what it names, `Transfer-Encoding`, `Content-Length` and so on); those of
/// one exchange (`Date`, `Server`, `Server-Timing`, trace and request ids, rate limits, `X-Response-Time`);
/// and the guard's own. `headers` keeps one of these, but never `Set-Cookie` or one that frames a message.
/// `Cache-Control` of a replay is `no-store`, without `Expires`, `Pragma` and `Age`. The same holds for
/// results of tasks and for answers of caches, whose `Cache-Control` and `Expires` stay the handler's.
///
/// A route tells requests apart, so a handler may be renamed and keeps its keys; `operation` is for handlers
/// that one route cannot tell apart. Of two functions with one operation, or of two handlers at one
/// method and route, the second is refused at its first use. Without a name, an answer of a cache belongs to
/// the pattern of its route, and its key must read every path parameter (a compile error where the route macro
/// stands below the attribute, else 500 `misconfigured`); a message belongs to the whole path
/// of its function.
///
/// A lock takes `key`, `scope`, `lease`, `wait` and `message`. Handlers whose locks have the same name
/// never overlap, whatever their operation and their caller. Nothing is stored.
///
/// `cache` is for GET and HEAD: an answer is computed once for each key and scope, and read for `ttl`. A
/// HEAD is answered from that of a GET; what it computes itself is not kept.
/// It takes `key` (default: path and query; it must contain all that the answer depends on), `operation`,
/// `scope`, `ttl`, `stale`, `lease`, `wait`, `store` (default: 2xx but 206), `headers`, `drop_headers` and
/// `max_body`.
/// Requests that miss at the same time wait for one that computes; after `wait` one of each process computes
/// beside it, and without the store all do. Answers get an `ETag` and `Age`, and `If-None-Match` is answered
/// with 304.
/// An answer with `no-store` or `Set-Cookie`, in a shared scope with `private` or a header that shows a
/// credential, or whose `Vary` names a header that neither the key's template nor `scope` reads, is not kept.
/// The handler's own `Cache-Control` is sent on; without one, other caches must ask each time.
/// `Idempotency::invalidate` forgets an answer.
///
/// With `dedup_table` the record is a row in the app's `.database(pool)`, put by the first statement
/// of a transaction that the handler takes as `mut tx: Tx<Sqlite>`. Both commit together if the
/// response is stored, the handler's own effects only with 2xx and 3xx. `wait` is how long a
/// duplicate waits for the first to commit.
///
/// An extractor of an app's own may hold the `Tx`. A handler that takes none is a compile error where its parameters
/// show it, else 500 `misconfigured` before it runs. A parameter is a `Tx` if the last word of its type is, with
/// one type as its argument; `#[tx]` before a parameter says so where it has another name, and `#[tx(false)]`
/// that it is none.
///
/// `row_lock`, `version` and `state` stand in the same transaction, and are guarded by one row:
/// `table`, `id` (a template) and `id_column` (default `"id"`) say which. `row_lock` holds it until the
/// commit. `version` compares its `column` (default `"version"`) with `version` (a template, default
/// `"{header.If-Match}"`) and counts it up; `on_duplicate = "accept"` answers an update that already
/// went through with success (that the version has moved by one: it may have been another client). `state` moves its `column` (default `"status"`) `from` one variant `to`
/// another of an enum with `#[derive(States)]`.
///
/// `state` sets its column before the handler. Where a `CHECK` of the table has columns change together, say
/// `set = "last"`: the row is locked and judged first and its column set last, unless the handler did. A
/// handler that leaves the row in a third state is taken back: 500 `misconfigured`.
///
/// `If-Match` is read as RFC 9110 has it: a strong tag, `*`, or a list. `*` and lists do not protect a retry,
/// so they need a `key` or `if_match = "any"`, else it is 428. Weak tags, which proxies make that compress,
/// match only with `if_match = "weak"`.
///
/// With `owner = "{account.id}"` there is only a row whose `owner_column` (default `"owner"`) reads exactly
/// like it. Any other is 404 `row-missing`, like one that does not exist, at once, also while somebody holds
/// it. Take the owner from an extractor that checks who calls, never from what the client says.
///
/// `unique` leaves it to the handler's own insert: a unique violation that its error carries
/// (`constraint` narrows it to one index) is answered by the function that `existing` names, which
/// takes the same parameters.
///
/// `message` is for functions that no request calls: any `async fn` or method that returns a `Result`
/// whose error is made of `idempotent_runtime::message::MessageError`. `engine` is an expression for the engine that
/// guards it, a `Messages` or an app's `Idempotency`: a parameter, `"self.messages"`, a static. The
/// templates are made of the function's parameters, `fingerprint` is nothing unless it is one of them,
/// and `max_body` limits the size of a stored value. The returned value is stored as JSON and given to
/// later calls. A parameter `mut tx: Tx<Sqlite>` puts the record into the business transaction; callers
/// leave it out.
///
/// With a `key`, `row_lock`, `version`, `state` and `unique` give a duplicate the first answer before
/// they judge.
///
/// `async` answers at once with 202 and the address of a task, and the handler runs later, in this
/// process or another: `TaskRunner::start` runs tasks, and `task_routes` is their address. The
/// parameters are kept for the run and must be `TaskArgument`s; the handler's answer is the task's
/// result. It takes `key`, `operation`, `ttl`, `lease`, `on_abandoned`, `fingerprint`,
/// `headers`, `drop_headers`, `task_headers`, `max_body`, `within`, `timestamp` and `first_sent`. `ttl` is how
/// long a task waits at most to be run, and how long its result can be read. Its run has the method, the target, the
/// `Host` and the `task_headers` of the request, for guards of routes; no other header is kept.
///
/// An expired record is forgotten, and a retry that comes later would run again. With
/// `first_sent = "{header.Repeatability-First-Sent}"` (OASIS Repeatable Requests) it is refused with 412
/// `retry-too-late`: every retry says when the request was first sent, and is let in no later than the
/// `ttl`, less 30 seconds by which clocks may differ, after that. A time that is missing, unreadable or
/// more than 30 seconds ahead is a 400.
///
/// Durations are a number and `ms`, `s`, `m`, `h` or `d`.
///
/// # Templates
/// Literal text and placeholders. `{header.Idempotency-Key}`, `{query.id}`, `{path.id}`,
/// `{cookie.sid}` and `{form.token}` read the request; `{order.sku}` and `{user.id()}` are Rust
/// expressions on the handler's parameters, type-checked and written with `Display`. A parameter
/// wins over a request source of the same name. `{{` and `}}` are braces. A placeholder that is
/// absent or empty is a missing key; only in the key of a `cache` an absent header is a value of its own,
/// which `invalidate` names by `""`. `{form.…}` reads a form that is urlencoded or multipart, up to
/// `max_body`; the handler still gets all of it.
///
/// A placeholder is what the handler's extractors give: `{path.id}` what `web::Path` gives, so that
/// `/x/a+b` and `/x/a%2Bb` are one. One that is no UTF-8 is refused. Where the route has no parameter of that name
/// it is 500 `misconfigured`, and so is an expression that panics a 500: nothing ran, and the log names it. Where people look at records, values
/// of cookies and credentials are hidden: of `Authorization`, and of names that contain `token`, `csrf`,
/// `secret`, `session` or `api-key`.
///
/// # Examples
/// ```ignore
/// #[post("/orders")]
/// #[idempotent]
/// async fn create_order(order: web::Json<NewOrder>) -> impl Responder {
///     HttpResponse::Created().finish()
/// }
///
/// #[post("/order/create")]
/// #[idempotent(strategy = "token", key = "{header.token}", operation = "createOrder", on_duplicate = "reject")]
/// async fn create(order: web::Json<NewOrder>) -> impl Responder {
///     HttpResponse::Created().finish()
/// }
/// ```
#[proc_macro_attribute]
pub fn idempotent(
    arguments: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    guard(arguments.into(), item.into()).into()
}

/// Declares the states of a thing, and which may follow which, for `strategy = "state"`.
///
/// A column holds a state as its name in snake case: `InTransit` as `in_transit`, `HTTPDone` as `http_done`.
/// `#[states(rename_all = "…")]` on the enum writes names in another case: `"lowercase"`, `"UPPERCASE"`,
/// `"SCREAMING_SNAKE_CASE"`, `"kebab-case"`, `"camelCase"` or `"PascalCase"`; `#[state("IN_TRANSIT")]` on a
/// variant is its name as it is. Without these, an enum with `#[sqlx(…)]` is stored as sqlx stores it: by its
/// `rename_all` and `rename`, else by the names of its variants.
///
/// `#[states(crate = facade::idempotent_runtime)]` says where this crate is, as `crate` of the attribute does.
///
/// Where a variant has a number, as in `Created = 1`, or the enum a `#[repr(u8)]` or the like, the column holds
/// numbers: those of Rust, where `B` in `A = 1, B` is 2.
///
/// `#[initial]` marks each state that a thing may begin in; without any, the first one is it.
///
/// ```ignore
/// #[derive(States)]
/// enum OrderStatus {
///     #[to(Paid, Cancelled)]
///     Created,
///     #[to(Completed)]
///     Paid,
///     Completed,
///     Cancelled,
/// }
/// ```
#[proc_macro_derive(States, attributes(to, initial, state, states))]
pub fn states(item: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let derived = syn::parse(item).and_then(|input| states::derive(&input));
    derived.unwrap_or_else(|error| error.to_compile_error()).into()
}

/// Parses, validates and expands; on errors the item is left as it was, beside them.
fn guard(arguments: TokenStream, item: TokenStream) -> TokenStream {
    if let Some(moved) = parse::readers_first(&arguments, &item) {
        return moved;
    }
    if let Some(each) = parse::by_condition(&arguments, &item) {
        return each;
    }
    let (guarded, seen) = match parse::parse(arguments, &item) {
        Ok(written) => {
            let seen = validate::seen(&written);
            (validate::validate(written), seen)
        }
        Err(errors) => (Err(errors), parse::Seen::default()),
    };
    match guarded {
        Ok(guarded) => expand::expand(&guarded),
        Err(errors) => diagnostics::with_item(&errors, parse::beside_mistakes(item, &seen)),
    }
}

//! The routes of the inspector.

use crate::error::StoreError;
use crate::http::inspector::document::{HEADERS, InspectorPage, Liveness, says};
use crate::http::inspector::lookup::{self, RecordsFound, Wanted};
use crate::http::inspector::numbers::{finding, numbers};
use crate::http::inspector::operator::Operator;
use crate::http::inspector::record_cards::{PageParts, card, details};
use crate::http::inspector::settling::{Settling, settle, told, unanswered, used_token};
use crate::http::inspector::state::InspectorState;
use crate::http::inspector::stream;
use crate::http::inspector::words::{joined, moment, shown};
use crate::key::StorageKey;
use crate::store::Finding;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, LOCATION};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::future::join;
use serde::Deserialize;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("script.js");

type Shared = web::Data<InspectorState>;
type Who = web::ReqData<Operator>;

/// Adds all routes. A change is always a POST with a token.
pub(super) fn all(config: &mut web::ServiceConfig) {
    config
        .route("", web::get().to(slash))
        .route("/", web::get().to(root))
        .route("/events", web::get().to(events))
        .route("/style.css", web::get().to(async || asset("text/css; charset=utf-8", STYLE)))
        .route(
            "/script.js",
            web::get().to(async || asset("text/javascript; charset=utf-8", SCRIPT)),
        )
        .route("/search", web::post().to(search))
        .route("/check", web::post().to(check))
        .service(
            web::resource("/record/{key}")
                .route(web::get().to(record))
                .route(web::post().to(settled)),
        );
}

/// Redirects to the URL with a slash at its end, since the page's links are relative to that.
async fn slash(request: HttpRequest) -> HttpResponse {
    let last = request.path().rsplit('/').next().unwrap_or_default();
    HttpResponse::SeeOther().insert_header((LOCATION, format!("./{last}/"))).finish()
}

fn asset(kind: &'static str, text: &'static str) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    for header in HEADERS {
        response.insert_header(header);
    }
    response.insert_header((CONTENT_TYPE, kind)).body(text)
}

async fn events(state: Shared, request: HttpRequest) -> HttpResponse {
    stream::events((**state).clone(), request)
}

/// The place where a list goes on.
#[derive(Deserialize)]
struct FromCursor {
    #[serde(default)]
    after: String,
}

async fn root(state: Shared, who: Who, from: web::Query<FromCursor>) -> HttpResponse {
    page(&state, &who, &from.after, None).await
}

/// Tries every part once, and shows the findings.
async fn check(state: Shared, who: Who, form: web::Form<OnlyToken>) -> HttpResponse {
    if !state.takes(&who, &form.token) {
        return says(StatusCode::FORBIDDEN, "Nothing was tried", used_token(), "./", &who);
    }
    let findings = state.app.check().await;
    page(&state, &who, "", Some(&findings)).await
}

#[derive(Deserialize)]
struct OnlyToken {
    #[serde(default)]
    token: String,
}

async fn page(
    state: &InspectorState,
    operator: &Operator,
    after: &str,
    tried: Option<&[Finding]>,
) -> HttpResponse {
    let token = state.token(operator);
    let parts = PageParts { root: "", token: &token, now: state.now() };
    // Both at once, so that the page waits only once for a silent store.
    let found = lookup::abandoned(&state.app, after.parse().ok());
    let (found, live) = join(found, numbers(&state.app)).await;
    let tried = tried.map(|findings| match findings {
        [] => "<p role=\"status\">Every operation was tried, and works.</p>".to_owned(),
        some => {
            format!("<ul class=\"cards\" role=\"status\">{}</ul>", joined(some.iter().map(finding)))
        }
    });
    let main = format!(
        "<section aria-labelledby=\"waiting\"><h2 id=\"waiting\">Waiting for a person</h2>\
         <p>Runs whose process died before it stored an outcome, as they were at {now}. The next request takes the \
         key over, or is told <code>outcome-unknown</code> where the handler holds it.</p>{waiting}</section>\
         <section aria-labelledby=\"find\"><h2 id=\"find\">Find records</h2>{search}</section>\
         <div class=\"follow\"><p id=\"state\" role=\"status\"></p>\
         <button type=\"button\" id=\"again\" hidden>Follow for five more minutes</button></div>\
         <div id=\"live\">{live}</div>\
         <section aria-labelledby=\"try\"><h2 id=\"try\">Try the parts</h2>\
         <p>Does every operation of the store and the database once, on a key of its own.</p>{tried}\
         <form method=\"post\" action=\"check\"><input type=\"hidden\" name=\"token\" value=\"{token}\">\
         <button>Try them</button></form></section>",
        now = moment(parts.now),
        waiting = waiting(found, parts),
        search = search_form("", None),
        tried = tried.unwrap_or_default(),
    );
    let liveness = Liveness::Live;
    InspectorPage { title: "Inspector", root: "", operator, liveness, main }
        .response(StatusCode::OK)
}

fn waiting(found: Result<RecordsFound, StoreError>, parts: PageParts<'_>) -> String {
    let found = match found {
        Ok(found) => found,
        Err(error) => return format!("<p class=\"failed\">{}</p>", why(&error)),
    };
    let more = found.next.map(|next| {
        let next = shown(&next.to_string()).replace('%', "%25").replace('+', "%2B");
        format!("<p><a href=\"?after={next}\">Search on: not all records were searched</a></p>")
    });
    let nothing =
        if more.is_some() { "None among the records that were searched." } else { "None." };
    cards(&found.records, nothing, parts) + &more.unwrap_or_default()
}

/// The reason why a list is missing.
fn why(error: &StoreError) -> String {
    match error.kind() {
        crate::error::StoreErrorKind::Rejected => {
            "The store refused: it cannot list its records, or this place in the list does not exist."
                .to_owned()
        }
        _ => unanswered(error),
    }
}

fn cards(records: &[crate::records::RecordView], nothing: &str, parts: PageParts<'_>) -> String {
    if records.is_empty() {
        return format!("<p class=\"empty\">{nothing}</p>");
    }
    let cards = joined(records.iter().map(|record| card(record, parts)));
    format!("<ul class=\"cards\">{cards}</ul>")
}

/// The form is a POST, so that no key appears in a URL or a log. It changes nothing, so it needs no token.
fn search_form(root: &str, wanted: Option<&Wanted>) -> String {
    let place = wanted.map(|wanted| shown(wanted.place())).unwrap_or_default();
    format!(
        "<form class=\"search\" method=\"post\" action=\"{root}search\">\
         <label>Route, operation or storage key <input name=\"place\" required value=\"{place}\" \
         placeholder=\"POST /orders/7\" autocomplete=\"off\"></label>\
         <label>Key, if any <textarea name=\"key\" rows=\"1\" autocomplete=\"off\"></textarea></label>\
         <label>Scope of the caller, with a key <textarea name=\"scope\" rows=\"1\" autocomplete=\"off\"></textarea></label>\
         <button>Find</button><p>Without a key, the records of an operation. If a handler names its operation, \
         write it after the route: <code>POST /orders createOrder</code>. Write each value of a template on its \
         own line.</p></form>"
    )
}

async fn search(state: Shared, who: Who, wanted: web::Form<Wanted>) -> HttpResponse {
    let found = match lookup::wanted(&state.app, &wanted).await {
        _ if !wanted.names_a_place() => {
            return says(StatusCode::BAD_REQUEST, "Find records", "Say where to look.", "./", &who);
        }
        Ok(found) => found,
        Err(error) => {
            return says(StatusCode::SERVICE_UNAVAILABLE, "Find records", &why(&error), "./", &who);
        }
    };
    let token = state.token(&who);
    let parts = PageParts { root: "", token: &token, now: state.now() };
    let more = found.next.map(|next| {
        format!(
            "<form method=\"post\" action=\"search\"><input type=\"hidden\" name=\"place\" value=\"{}\">\
             <input type=\"hidden\" name=\"after\" value=\"{}\"><button>Search on</button></form>",
            shown(wanted.place()),
            shown(&next.to_string()),
        )
    });
    let main = format!(
        "{}<h2>Found</h2>{}{}",
        search_form("", Some(&wanted)),
        cards(&found.records, "No record was found.", parts),
        more.unwrap_or_default(),
    );
    let (title, liveness) = ("Find records", Liveness::Still);
    InspectorPage { title, root: "", operator: &who, liveness, main }.response(StatusCode::OK)
}

/// The name of the change that a form just made.
#[derive(Deserialize)]
struct JustDone {
    #[serde(default)]
    did: String,
}

async fn record(
    state: Shared,
    who: Who,
    key: web::Path<String>,
    done: web::Query<JustDone>,
) -> HttpResponse {
    let Ok(key) = key.parse::<StorageKey>() else { return no_record(&who) };
    let record = match state.app.record(&key).await {
        Ok(Some(record)) => record,
        Ok(None) => return no_record(&who),
        Err(error) => {
            let what = unanswered(&error);
            return says(StatusCode::SERVICE_UNAVAILABLE, "Record", &what, "../", &who);
        }
    };
    let token = state.token(&who);
    let parts = PageParts { root: "../", token: &token, now: state.now() };
    let notice =
        told(&done.did).map(|what| format!("<p role=\"status\" class=\"notice\">{what}</p>"));
    let main = notice.unwrap_or_default() + &details(&record, parts);
    let (title, liveness) = (&*format!("Record {}…", key.short()), Liveness::Still);
    InspectorPage { title, root: "../", operator: &who, liveness, main }.response(StatusCode::OK)
}

fn no_record(operator: &Operator) -> HttpResponse {
    says(StatusCode::NOT_FOUND, "Record", "There is no such record.", "../", operator)
}

async fn settled(
    state: Shared,
    who: Who,
    key: web::Path<String>,
    settling: web::Form<Settling>,
) -> HttpResponse {
    let Ok(key) = key.parse::<StorageKey>() else { return no_record(&who) };
    settle(&state, &who, &key, &settling).await
}

//! A server with a sound idempotency layer of its own, and a route for every fault that it can be given.

use crate::replies::{Done, busy, done, first, refusal, replay};
use actix_web::web::{self, Bytes, Data, Payload};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, rt};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, mpsc};
use std::thread;
use std::time::Duration;

/// The address of a route with this fault; `sound` has none. All tests of a process share one server.
pub(crate) fn faulty(fault: &str) -> String {
    static URL: OnceLock<String> = OnceLock::new();
    format!("{}/{fault}", URL.get_or_init(start))
}

/// The number of effects of the handler behind a fault.
pub(crate) fn effects(fault: &str) -> usize {
    BOOKS.of(fault).effects.load(Ordering::SeqCst)
}

fn start() -> String {
    let (said, heard) = mpsc::channel();
    thread::spawn(move || {
        rt::System::new().block_on(async {
            let app = || App::new().default_service(web::to(serve));
            let server = HttpServer::new(app).workers(2).backlog(2048).bind("127.0.0.1:0");
            let server = server.expect("a free port");
            said.send(format!("http://{}", server.addrs()[0])).expect("it is waited for");
            server.run().await
        })
    });
    heard.recv().expect("it starts")
}

/// The books of all faults.
struct Books(OnceLock<Mutex<HashMap<String, Data<Book>>>>);

static BOOKS: Books = Books(OnceLock::new());

impl Books {
    fn of(&self, fault: &str) -> Data<Book> {
        let mut books = self.0.get_or_init(Mutex::default).lock().expect("no panic");
        books.entry(fault.to_owned()).or_default().clone()
    }
}

/// The memory of a server with one fault.
#[derive(Default)]
struct Book {
    effects: AtomicUsize,
    bodies: Mutex<HashSet<Bytes>>,
    entries: Mutex<HashMap<Place, Entry>>,
}

/// A key and its caller.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Place {
    caller: String,
    operation: String,
    key: Vec<u8>,
}

struct Entry {
    body: Bytes,
    done: Option<Done>,
}

async fn serve(request: HttpRequest, payload: Payload) -> HttpResponse {
    let path = request.path().trim_start_matches('/').to_owned();
    let (fault, operation) = path.split_once('/').unwrap_or((&path, ""));
    let (fault, operation) = (fault.to_owned(), operation.to_owned());
    // Each query string has a shop of its own.
    let book = BOOKS.of(&format!("{fault}{}", request.query_string()));
    if fault == "redirects" {
        let to = ("Location", "/sound-target");
        return HttpResponse::TemporaryRedirect().insert_header(to).finish();
    }
    let key = match key_of(&request, &fault) {
        Ok(Some(key)) => key,
        // The key is optional here.
        Ok(None) => return done(&fault, &run(&book, &fault, payload.to_bytes().await.ok()).await),
        Err((status, why)) => return refusal(&fault, status, why),
    };
    let caller = request.headers().get("authorization").filter(|_| fault != "one-scope");
    let caller = caller.map_or(String::new(), |value| format!("{value:?}"));
    let operation = if fault == "one-operation" { String::new() } else { operation };
    let place = Place { caller, operation, key };
    if fault == "one-busy-scope" {
        let entries = book.entries.lock().expect("no panic");
        if entries.keys().any(|other| other.caller != place.caller && other.key == place.key) {
            return refusal(&fault, 422, "used by somebody else");
        }
    }
    if fault == "one-busy-operation" {
        let entries = book.entries.lock().expect("no panic");
        if entries.keys().any(|other| other.operation != place.operation && other.key == place.key)
        {
            return refusal(&fault, 422, "used elsewhere");
        }
    }
    if fault == "claims-before-the-body" {
        let mut entries = book.entries.lock().expect("no panic");
        if entries.get(&place).is_some_and(|entry| entry.done.is_none()) {
            return busy(&fault);
        }
        entries.entry(place.clone()).or_insert(Entry { body: Bytes::new(), done: None });
    }
    match payload.to_bytes().await {
        Ok(body) => guarded(&fault, &book, place, body).await,
        Err(error) => refusal(&fault, 400, &error.to_string()),
    }
}

async fn guarded(fault: &str, book: &Data<Book>, place: Place, body: Bytes) -> HttpResponse {
    if fault == "checks-and-then-runs" {
        let is_new = !book.entries.lock().expect("no panic").contains_key(&place);
        if is_new {
            // The claim comes too late for requests at the same moment.
            rt::time::sleep(Duration::from_millis(500)).await;
            let new = Entry { body: body.clone(), done: None };
            book.entries.lock().expect("no panic").insert(place.clone(), new);
            return first(fault, &finish(book, fault, place, body).await);
        }
    }
    if let Some(answer) = claim(fault, book, &place, &body) {
        return answer;
    }
    if fault == "ends-with-its-client" {
        return first(fault, &finish(book, fault, place, body).await);
    }
    // The run goes on even if the connection breaks.
    let (book, own_fault) = (book.clone(), fault.to_owned());
    let running = rt::spawn(async move { finish(&book, &own_fault, place, body).await });
    first(fault, &running.await.expect("no panic"))
}

/// Claims a key for a run, or answers without one.
fn claim(fault: &str, book: &Book, place: &Place, body: &Bytes) -> Option<HttpResponse> {
    let mut entries = book.entries.lock().expect("no panic");
    let entry = entries.get(place).filter(|entry| match fault {
        "claims-before-the-body" => entry.done.is_some(),
        _ => fault != "unprotected",
    });
    let Some(entry) = entry else {
        entries.insert(place.clone(), Entry { body: body.clone(), done: None });
        return None;
    };
    if entry.body != *body {
        match fault {
            "mismatch-runs" => return None,
            "mismatch-replays" => {}
            "mismatch-500" => return Some(refusal(fault, 500, "no such row")),
            _ => return Some(refusal(fault, 422, "the key belongs to another request")),
        }
    }
    Some(match &entry.done {
        Some(done) => replay(fault, done),
        None if fault == "busy-500" => refusal(fault, 500, "duplicate key"),
        None => busy(fault),
    })
}

/// The key of a request; `None` if there is none and none is needed.
fn key_of(request: &HttpRequest, fault: &str) -> Result<Option<Vec<u8>>, (u16, &'static str)> {
    let lines: Vec<_> = request.headers().get_all("idempotency-key").collect();
    let is_optional = ["optional-key", "unprotected", "empty-is-missing"].contains(&fault);
    let key = match &lines[..] {
        [] if is_optional => return Ok(None),
        [] if fault == "missing-500" => return Err((500, "null")),
        [] => return Err((400, "no key")),
        [one] => one.as_bytes(),
        [one, ..] if ["first-of-two", "unprotected"].contains(&fault) => one.as_bytes(),
        _ => return Err((400, "two keys")),
    };
    let unquoted = key.strip_prefix(b"\"").and_then(|key| key.strip_suffix(b"\""));
    let key = match unquoted {
        Some(_) if fault == "strict-bare" => return Err((400, "in quotes")),
        None if fault == "strict-quoted" => return Err((400, "not in quotes")),
        Some(key) if fault != "quotes-count" => key,
        _ => key,
    };
    Ok(Some(match key {
        [] if fault == "empty-is-missing" => return Ok(None),
        [] if ["empty-is-a-key", "unprotected"].contains(&fault) => vec![],
        [] => return Err((400, "an empty key")),
        long if long.len() > 255 && fault == "cuts-keys" => long[..255].to_vec(),
        long if long.len() > 255 && fault != "unprotected" => return Err((400, "a long key")),
        key if fault == "ignores-case" => key.to_ascii_lowercase(),
        key => key.to_vec(),
    }))
}

/// Runs for a key, and keeps the answer or frees the key.
async fn finish(book: &Book, fault: &str, place: Place, body: Bytes) -> Done {
    let is_new = book.bodies.lock().expect("no panic").insert(body.clone());
    let done = if fault == "unique-bodies" && !is_new {
        Done { status: 409, number: 0, text: "there is one already".to_owned() }
    } else {
        run(book, fault, Some(body)).await
    };
    let mut entries = book.entries.lock().expect("no panic");
    match done.status {
        500.. if fault == "locked-by-500" => {}
        500.. if fault != "keeps-500" => drop(entries.remove(&place)),
        400..=499 if fault == "forgets-404" => drop(entries.remove(&place)),
        _ => {
            if let Some(entry) = entries.get_mut(&place) {
                entry.done = Some(done.clone());
            }
        }
    }
    done
}

/// The handler: it counts its runs, and is slow or fails if the body says so.
async fn run(book: &Book, fault: &str, body: Option<Bytes>) -> Done {
    let asked: Value = body.and_then(|body| serde_json::from_slice(&body).ok()).unwrap_or_default();
    rt::time::sleep(Duration::from_millis(asked["delay_ms"].as_u64().unwrap_or(5))).await;
    let number = book.effects.fetch_add(1, Ordering::SeqCst) + 1;
    match asked["fail"].as_u64().and_then(|status| u16::try_from(status).ok()) {
        Some(status) => Done { status, number, text: format!("failure {number}") },
        None if fault == "post-redirect-get" => Done { status: 303, number, text: String::new() },
        None if fault == "all-alike" => Done { status: 201, number: 1, text: "{}".to_owned() },
        None => Done { status: 201, number, text: json!({ "order": number }).to_string() },
    }
}

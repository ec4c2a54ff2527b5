//! Updates the page while it is open, by server-sent events
//! (<https://html.spec.whatwg.org/#server-sent-events>).

use crate::http::inspector::document::HEADERS;
use crate::http::inspector::numbers::numbers;
use crate::http::inspector::state::InspectorState;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{Error, HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// The pause between two events.
const EVERY: Duration = Duration::from_secs(2);

/// The number of events for one page: five minutes of them.
const EVENTS: u32 = 150;

/// The last event: the page is not updated any more.
const OVER: &str = "event: over\ndata: over\n\n";

/// The events of one page. A refusal, if too many pages are updated.
pub(super) fn events(state: InspectorState, request: HttpRequest) -> HttpResponse {
    let Ok(place) = Arc::clone(&state.live).try_acquire_owned() else {
        return HttpResponse::ServiceUnavailable().finish();
    };
    let may_look = move |state: &InspectorState| (state.check)(&request).is_ok();
    let mut response = HttpResponse::Ok();
    for header in HEADERS {
        response.insert_header(header);
    }
    response
        .insert_header((CONTENT_TYPE, "text/event-stream"))
        .streaming(live(state, may_look, place))
}

/// The events of a page, and the number that is left.
struct Telling<L, P> {
    state: InspectorState,
    may_look: L,
    ticks: Interval,
    left: u32,
    _place: P,
}

/// An event every two seconds for five minutes, then one that says that this is the end.
fn live<L, P>(
    state: InspectorState,
    may_look: L,
    place: P,
) -> impl Stream<Item = Result<Bytes, Error>>
where
    L: Fn(&InspectorState) -> bool,
{
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The page already has its first numbers.
    ticks.reset();
    let telling = Telling { state, may_look, ticks, left: EVENTS, _place: place };
    stream::unfold(Some(telling), async |telling| {
        let mut telling = telling?;
        telling.ticks.tick().await;
        telling.left = telling.left.saturating_sub(1);
        let goes_on = telling.left > 0
            && !telling.state.app.engine().is_draining()
            // The operator may have lost the right to look.
            && (telling.may_look)(&telling.state);
        if !goes_on {
            return Some((Ok(Bytes::from_static(OVER.as_bytes())), None));
        }
        let event = event(&numbers(&telling.state.app).await);
        Some((Ok(event), Some(telling)))
    })
}

/// A fragment of HTML as an event: each line of it is a line of data.
fn event(html: &str) -> Bytes {
    let lines = html.lines().map(|line| format!("data: {line}\n"));
    format!("event: live\n{}\n", lines.collect::<String>()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::app::idempotency::Idempotency;
    use crate::http::app::scope::Scope;
    use crate::http::inspector::operator::Operator;
    use crate::store::MemoryStore;
    use futures_util::StreamExt;
    use std::cell::Cell;
    use tokio::time::Instant;

    fn state() -> InspectorState {
        let app = Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).build().unwrap();
        InspectorState::new(app, Arc::new(|_| Ok(Operator::new("anna"))))
    }

    async fn told(state: InspectorState, may_look: impl Fn(&InspectorState) -> bool) -> Vec<Bytes> {
        live(state, may_look, ()).map(Result::unwrap).collect().await
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_is_updated_for_five_minutes() {
        let began = Instant::now();
        let events = told(state(), |_| true).await;
        assert_eq!(began.elapsed(), Duration::from_mins(5));
        let (last, others) = events.split_last().unwrap();
        assert_eq!((&last[..], others.len()), (OVER.as_bytes(), 149));
        let is_whole = |event: &Bytes| {
            event.starts_with(b"event: live\ndata: <section") && event.ends_with(b"</section>\n\n")
        };
        assert!(others.iter().all(is_whole), "{:?}", others[0]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_operator_who_lost_the_right_to_look_gets_no_more_events() {
        let looks = Cell::new(3);
        let events = told(state(), |_| looks.replace(looks.get() - 1) > 0).await;
        assert_eq!(events.len(), 4);
        assert_eq!(&events[3][..], OVER.as_bytes());
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_drains_ends_its_pages() {
        let state = state();
        state.app.drain(Duration::ZERO).await;
        assert_eq!(told(state, |_| true).await.len(), 1);
    }
}

use crate::http::{Idempotency, Middleware, Scope};
use crate::observe::recorded::Recorded;
use crate::policy::{Policy, Strategy};
use crate::store::MemoryStore;
use actix_web::test::{TestRequest, call_service, init_service};
use actix_web::{App, HttpResponse, web};

static WRITES: Policy = Policy::of_routes(Strategy::RequestId);

/// Requests to the guard of a scope are counted by route patterns alone, whatever paths a client invents.
#[actix_web::test]
async fn a_guarded_scope_is_counted_by_its_patterns_and_no_label_is_a_path() {
    let recorded = Recorded::default();
    let _listening = recorded.listen();
    let app = Idempotency::builder(MemoryStore::new()).scope(Scope::shared()).build().unwrap();
    let inner = Middleware::new(&app, &WRITES);
    let guarded = web::scope("/v2")
        .service(web::scope("/in").wrap(inner).route("/{id}", web::post().to(HttpResponse::Ok)))
        .route("/orders/{id}", web::post().to(HttpResponse::Created))
        .wrap(Middleware::new(&app, &WRITES));
    let service = init_service(App::new().app_data(app.clone()).service(guarded)).await;
    let mut asked = Vec::new();
    for (path, key) in [
        ("/v2/orders/1", "a"),
        ("/v2/orders/1", "a"),
        ("/v2/orders/2", ""),
        ("/v2/in/3", "b"),
        ("/v2/made-up", "c"),
        ("/v2/made-up-too", "d"),
    ] {
        let request = TestRequest::post().uri(path).insert_header(("Idempotency-Key", key));
        asked.push(call_service(&service, request.to_request()).await.status().as_u16());
    }
    assert_eq!(asked, [201, 201, 400, 200, 404, 404]);
    let counted = recorded.counted("idempotency_requests_total");
    let counted: Vec<_> = counted.iter().map(|(labels, times)| (&**labels, *times)).collect();
    assert_eq!(
        counted,
        [
            ("POST /v2/in/{id} request_id ran", 1),
            ("POST /v2/in/{id} request_id taken-over", 1),
            ("POST /v2/orders/{id} request_id key-missing", 1),
            ("POST /v2/orders/{id} request_id ran", 1),
            ("POST /v2/orders/{id} request_id replayed", 1),
            ("unmatched request_id ran", 2),
        ]
    );
}

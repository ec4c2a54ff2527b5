//! A shop that makes the records that commands read: of requests over HTTP, and of abandoned runs.

use crate::Place;
use crate::ran::Ran;
use actix_web::web::{Data, ServiceConfig};
use actix_web::{HttpResponse, post};
use idempotent_runtime::clock::SystemClock;
use idempotent_runtime::engine::{Admission, ClaimRequest, Engine, ReclaimWindow};
use idempotent_runtime::engine::{Claim, Claimable, DuplicateRules, Execution, IfForgotten};
use idempotent_runtime::key::{Fingerprint, Guard, KeyParts, StorageKey};
use idempotent_runtime::policy::{DefinitionId, OnAbandoned, OnDuplicate, OnInFlight};
use idempotent_runtime::records::{RecordState, Target};
use idempotent_runtime::store::Label;
use idempotent_runtime::{Idempotency, IdempotencyBuilder, Scope, idempotent};
use std::sync::Arc;
use std::time::Duration;
use tests::{ControlledHandler, Reply, Server, eventually};

#[post("/orders/{id}")]
#[idempotent(on_abandoned = "hold", fingerprint = "none", ttl = "1h")]
async fn create_order(handler: Data<ControlledHandler>) -> HttpResponse {
    handler.run().await
}

fn routes(app: &mut ServiceConfig) {
    app.service(create_order);
}

/// Installs the cryptography that the tests' client needs to be built, although it uses no TLS here.
pub(crate) fn provide_cryptography() {
    // If another test installed it first, that is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
}

const HOUR: Duration = Duration::from_hours(1);

/// A running shop on a store.
pub(crate) struct Shop {
    pub(crate) place: Place,
    pub(crate) handler: ControlledHandler,
    pub(crate) idempotency: Idempotency,
    server: Server,
    engine: Engine,
}

impl Shop {
    pub(crate) fn open(place: Place) -> Self {
        Self::with(place, |builder| builder)
    }

    /// The same with other settings.
    pub(crate) fn with(
        place: Place,
        set: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
    ) -> Self {
        // The shop remembers no answers, so it sees at once what an operator does to the store.
        let builder = Idempotency::builder(place.store.clone()).remember(0);
        let builder = builder.scope(Scope::header("X-Account")).namespace("shop");
        let idempotency = set(builder).build().expect("it fits");
        provide_cryptography();
        let handler = ControlledHandler::new();
        let server = Server::start(&idempotency, &handler, routes);
        let clock = Arc::new(SystemClock::new());
        let engine = Engine::new(place.store.clone(), clock, Duration::from_secs(2));
        Self { place, handler, idempotency, server, engine }
    }

    pub(crate) async fn on_all() -> Vec<Self> {
        Place::all().await.into_iter().map(Self::open).collect()
    }

    /// A request of alice's to the order 7.
    pub(crate) async fn order(&self, key: &str) -> Reply {
        self.server.post("/orders/7").header("X-Account", "alice").key(key).send().await
    }

    /// The storage key of this key.
    pub(crate) fn storage_key(&self, key: &str) -> StorageKey {
        let (scope, key) = (KeyParts::new().value("alice"), KeyParts::new().value(key));
        let target = Target::route("POST", "/orders/7");
        self.idempotency.storage_key(&target, &scope, &key).expect("a target")
    }

    /// A run of the engine, with this label.
    pub(crate) async fn claimed(
        &self,
        key: StorageKey,
        label: Label,
        lease: Duration,
    ) -> Execution {
        let claim = Claim {
            key,
            label,
            definition: DefinitionId::NONE,
            fingerprint: Fingerprint::NONE,
            claimable: Claimable::Any,
            lease,
            retention: HOUR,
            if_forgotten: IfForgotten::PutAgain,
        };
        let rules = DuplicateRules {
            on_duplicate: OnDuplicate::Replay,
            on_in_flight: OnInFlight::Reject,
            on_abandoned: OnAbandoned::Hold,
        };
        let (wait, reclaim) = (Duration::ZERO, ReclaimWindow::For(HOUR));
        match self.engine.begin(&ClaimRequest { claim, rules, wait, reclaim }).await {
            Ok(Admission::Run(run)) => run,
            other => panic!("no run: {other:?}"),
        }
    }

    /// A request that looks to the store as if its process died while it ran.
    pub(crate) async fn abandoned(&self, key: &str) -> StorageKey {
        let storage_key = self.storage_key(key);
        let label = Label::new(Guard::Handler, "create_order", key);
        drop(self.claimed(storage_key, label, Duration::from_millis(100)).await);
        eventually("its lease is over", async || {
            (self.state(&storage_key).await == RecordState::Abandoned).then_some(())
        })
        .await;
        storage_key
    }

    pub(crate) async fn state(&self, key: &StorageKey) -> RecordState {
        let record = self.idempotency.record(key).await.expect("it answers");
        record.expect("a record").state()
    }

    /// Runs a command on its store.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&[arguments, &["--store", &self.place.url, "--namespace", "shop"]].concat())
    }

    /// The same for programs.
    pub(crate) fn run_json(&self, arguments: &[&str]) -> Ran {
        self.run(&[arguments, &["--json"]].concat())
    }
}

//! Behaviour that a client can observe, with a running server, on every store.

/// Makes a test of every behaviour for each store.
macro_rules! on_every_store {
    ($($behaviour:ident,)*) => {
        on_every_store!(@ memory; $($behaviour,)*);
        on_every_store!(@ sqlite; $($behaviour,)*);
        on_every_store!(@ redis; $($behaviour,)*);
        on_every_store!(@ postgres; $($behaviour,)*);
        on_every_store!(@ mariadb; $($behaviour,)*);
    };
    (in real time; $($behaviour:ident,)*) => {
        on_every_store!(@ memory_in_real_time; $($behaviour,)*);
        on_every_store!(@ sqlite_in_real_time; $($behaviour,)*);
        on_every_store!(@ redis; $($behaviour,)*);
        on_every_store!(@ postgres; $($behaviour,)*);
        on_every_store!(@ mariadb; $($behaviour,)*);
    };
    (@ $store:ident; $($behaviour:ident,)*) => {
        mod $store {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $behaviour() {
                    super::$behaviour(tests::Backend::$store().await).await;
                }
            )*
        }
    };
}

mod bodies;
mod cache;
mod callers;
mod compressed;
mod contention;
mod credentials;
mod crowds;
mod disabled;
mod doctor;
mod faults;
mod fingerprints;
mod forgotten;
mod forms;
mod health;
mod hosts;
mod identity;
mod in_flight;
mod injection;
mod inspector;
mod keys;
mod leases;
mod leaving;
mod locks;
mod middleware_config;
mod middleware_order;
mod nested_guards;
mod never_stored;
mod operations;
mod paths;
mod problems;
mod records;
mod remembered;
mod replay;
mod request_time;
mod response_kinds;
mod routes;
mod scopes;
mod script;
mod sealed;
mod streams;
mod targets;
mod tasks;
mod tasks_elsewhere;
mod tasks_full;
mod tasks_guarded;
mod testing;
mod tokens;
mod ttl_boundaries;
mod wire_format;

use actix_web::web::ServiceConfig;
use idempotent_runtime::{Idempotency, IdempotencyBuilder, Scope};
use tests::{Backend, ControlledHandler, Sender, Server, eventually};

/// The routes of a server; some are behind guards of the test's own.
type Routes = fn(&Idempotency, &mut ServiceConfig);

/// A guarded server on a store, and the test's control of its handlers.
struct Shop {
    backend: Backend,
    handler: ControlledHandler,
    idempotency: Idempotency,
    server: Server,
    routes: Routes,
}

impl Shop {
    /// A server with the defaults, scoped by the Authorization header.
    fn open(backend: Backend) -> Self {
        Self::with(backend, |builder| builder)
    }

    /// A server that remembers nothing, so that it sees every change that the test makes in the store.
    fn forgetful(backend: Backend) -> Self {
        Self::with(backend, |builder| builder.remember(0))
    }

    /// A server that remembers answers, with every store.
    fn remembering(backend: Backend) -> Self {
        Self::with(backend, |builder| builder.remember(4 << 20))
    }

    /// A server with other settings.
    fn with(backend: Backend, set: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder) -> Self {
        Self::serving(backend, set, |_, config| routes::all(config))
    }

    /// A server with other settings and other routes.
    fn serving(
        backend: Backend,
        set: impl FnOnce(IdempotencyBuilder) -> IdempotencyBuilder,
        routes: Routes,
    ) -> Self {
        let handler = ControlledHandler::new();
        let idempotency = set(guard(&backend)).build().expect("settings that fit");
        let server = serve(&idempotency, &handler, routes);
        Self { backend, handler, idempotency, server, routes }
    }

    /// A second server on the same store and handler, as another process would be.
    fn beside(&self) -> Server {
        let idempotency = guard(&self.backend).build().expect("settings that fit");
        serve(&idempotency, &self.handler, self.routes)
    }

    /// Waits until this many requests of this process run, or wait for one that runs.
    async fn all_are_in(&self, many: usize) {
        eventually("all are in", async || (self.idempotency.under_way() >= many).then_some(()))
            .await;
    }

    /// Waits until this many requests have begun to wait for others. In one process they need not ask the store.
    async fn waiters_reach(&self, many: u64) {
        let waited = || self.idempotency.counts().waited;
        eventually("others wait", async || (waited() >= many).then_some(())).await;
    }

    /// A POST by alice.
    fn post(&self, path: &str) -> Sender {
        self.server.post(path)
    }
}

fn serve(idempotency: &Idempotency, handler: &ControlledHandler, routes: Routes) -> Server {
    let guard = idempotency.clone();
    Server::start(idempotency, handler, move |config| routes(&guard, config))
}

fn guard(backend: &Backend) -> IdempotencyBuilder {
    let builder = Idempotency::builder(backend.store.clone())
        .scope(Scope::header("Authorization"))
        .clock(backend.clock.clone())
        .remember(backend.remembered());
    match backend.locks() {
        Some(locks) => builder.locks(locks),
        None => builder,
    }
}

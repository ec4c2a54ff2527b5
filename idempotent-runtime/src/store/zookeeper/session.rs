//! The session of a process, which all its locks share. When it ends, a new one is opened.

use crate::error::StoreError;
use crate::key::StorageKey;
use crate::store::own_thread::{OwnThread, not_started};
use crate::store::zookeeper::errors::failed;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use zookeeper_client::{Acls, Client, Connector, Error};

/// The parent of all locks.
const ROOT: &str = "/idempotency/locks";

/// Opens sessions, one after the other. Clones share everything.
#[derive(Clone)]
pub(super) struct Sessions {
    /// The thread on which sessions live, so that a blocked worker ends no session.
    pub(super) thread: OwnThread,
    shared: Arc<SharedSession>,
}

struct SharedSession {
    /// Hosts and ports, and the path of the root.
    cluster: String,
    /// `user:password`.
    credentials: Option<String>,
    timeout: Duration,
    current: Mutex<Option<Client>>,
}

impl Sessions {
    pub(super) fn new(url: &str, timeout: Duration) -> Result<Self, StoreError> {
        let no_url = "an address is `zookeeper://[user:password@]host:port[,host:port…][/path]`";
        let asks_for_tls = ["zookeepers:", "zookeeper+tls:", "zookeeper+ssl:"];
        if asks_for_tls.iter().any(|scheme| url.starts_with(scheme)) {
            let why = "connections to ZooKeeper cannot be encrypted, with or without the feature \
                       `tls`: write `zookeeper://…` on a network that nobody else uses, or through \
                       a proxy that encrypts; nothing was sent";
            return Err(failed("connect", Error::BadArguments(&"no TLS")).because(why));
        }
        let rest = url.strip_prefix("zookeeper://").ok_or_else(|| {
            failed("connect", Error::BadArguments(&"no `zookeeper://`")).because(no_url)
        })?;
        let (credentials, cluster) = match rest.rsplit_once('@') {
            Some((credentials, cluster)) => (Some(credentials.to_owned()), cluster),
            None => (None, rest),
        };
        let cluster = cluster.trim_end_matches('/').to_owned();
        let thread = OwnThread::start("idempotency-zookeeper").map_err(not_started)?;
        let shared = SharedSession { cluster, credentials, timeout, current: Mutex::default() };
        Ok(Self { thread, shared: Arc::new(shared) })
    }

    /// The current session, or a new one if it has ended. Must be called on [`thread`](Self::thread).
    pub(super) async fn current(&self) -> Result<Client, Error> {
        let mut current = self.shared.current.lock().await;
        match &*current {
            Some(session) if !session.state().is_terminated() => Ok(session.clone()),
            _ => {
                let new = self.connector().connect(&self.shared.cluster).await?;
                Ok(current.insert(new).clone())
            }
        }
    }

    fn connector(&self) -> Connector {
        let connector =
            Client::connector().with_session_timeout(self.shared.timeout).with_fail_eagerly();
        match &self.shared.credentials {
            Some(credentials) => connector.with_auth("digest", credentials.as_bytes()),
            None => connector,
        }
    }

    /// The access rights of the nodes: if the URL has credentials, only their creator has access.
    pub(super) fn acls(&self) -> Acls<'static> {
        match self.shared.credentials {
            Some(_) => Acls::creator_all(),
            None => Acls::anyone_all(),
        }
    }

    /// The addresses without credentials, for people.
    pub(super) fn cluster(&self) -> &str {
        &self.shared.cluster
    }
}

/// The parent of the nodes of all waiters and the holder of this lock.
pub(super) fn directory(key: &StorageKey) -> String {
    format!("{ROOT}/{key}")
}

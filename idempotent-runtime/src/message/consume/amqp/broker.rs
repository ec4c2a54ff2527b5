//! A broker, and the way to connect to it.

use crate::message::consume::source::PATIENCE;
use crate::store::own_thread::OwnThread;
use crate::store::tls::{Certificates, plaintext};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use lapin::runtime::default_runtime;
use lapin::tcp::{AMQPUriTcpExt, OwnedTLSConfig};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{Connection, ConnectionProperties, Result};
use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use tokio::sync::oneshot;

#[cfg(feature = "tls")]
use crate::message::consume::amqp::encryption::connector;
#[cfg(feature = "tls")]
use lapin::tcp::RustlsConnector;

/// The longest silence of the broker in seconds, unless the URL sets another (`?heartbeat=`).
const HEARTBEAT: u16 = 10;

/// A broker, and the way to connect to it.
#[derive(Clone)]
pub(super) struct Broker {
    /// Its host and port, for people.
    address: String,
    connect_by: ConnectBy,
}

#[derive(Clone)]
enum ConnectBy {
    Url(BrokerUrl),
    /// The app's own function.
    App(Arc<dyn Fn() -> BoxFuture<'static, Result<Connection>> + Send + Sync>),
}

#[derive(Clone)]
struct BrokerUrl {
    uri: AMQPUri,
    #[cfg(feature = "tls")]
    encryption: Option<RustlsConnector>,
}

impl Broker {
    /// Reads the URL and the certificate files that it names. Nothing is connected yet.
    pub(super) fn of(url: &str) -> std::result::Result<Self, Box<dyn StdError>> {
        let url = BrokerUrl::read(url)?;
        let authority = &url.uri.authority;
        let address = format!("{}:{}", authority.host, authority.port);
        if let Some(finding) = url.in_clear() {
            tracing::warn!(broker = address, "{finding}");
        }
        Ok(Self { address, connect_by: ConnectBy::Url(url) })
    }

    /// A broker to which the app itself connects.
    pub(super) fn connected_by<C>(
        address: String,
        connect: impl Fn() -> C + Send + Sync + 'static,
    ) -> Self
    where
        C: Future<Output = Result<Connection>> + Send + 'static,
    {
        Self { address, connect_by: ConnectBy::App(Arc::new(move || connect().boxed())) }
    }

    /// Its host and port, for people.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Connects on this thread, and the connection stays there, so that a handler that blocks its own thread
    /// does not stop the heartbeats.
    pub(super) async fn connect(&self, thread: &OwnThread) -> Result<Connection> {
        let (tell, connected) = oneshot::channel();
        let broker = self.clone();
        // If the caller is gone, the connection is dropped.
        thread.spawn(async move { drop(tell.send(broker.connect_here().await)) });
        connected.await.map_err(io::Error::other)?
    }

    /// Connects, and closes the connection.
    pub(super) async fn ping(&self) -> Result<()> {
        self.connect_here().await?.close(200, "".into()).await
    }

    async fn connect_here(&self) -> Result<Connection> {
        match &self.connect_by {
            ConnectBy::Url(url) => url.connect().await,
            ConnectBy::App(connect) => within(connect()).await?,
        }
    }
}

/// Limits the time to connect. The client library waits for ever for a host that does not answer, on a thread
/// that cannot be ended.
async fn within<T>(open: impl Future<Output = T>) -> io::Result<T> {
    let late = |_| io::Error::from(io::ErrorKind::TimedOut);
    tokio::time::timeout(PATIENCE, open).await.map_err(late)
}

impl BrokerUrl {
    fn read(url: &str) -> std::result::Result<Self, Box<dyn StdError>> {
        // The library's own error quotes the URL, with its password.
        let form = "not an AMQP URL: it has the form `amqp://user:password@host:port/vhost`";
        let mut uri: AMQPUri = url.parse().map_err(|_: String| form)?;
        let authority = url.split_once("//").map_or("", |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.rsplit('@').next().is_some_and(|host| host.starts_with('[')) {
            // The library would read it as `localhost`.
            return Err(
                "an IPv6 address in brackets cannot be used: use the name of the host".into()
            );
        }
        uri.query.heartbeat.get_or_insert(HEARTBEAT);
        let certificates = Certificates::of(url, uri.scheme == AMQPScheme::AMQPS)?;
        #[cfg(not(feature = "tls"))]
        drop(certificates);
        Ok(Self {
            uri,
            #[cfg(feature = "tls")]
            encryption: certificates.map(connector).transpose()?,
        })
    }

    async fn connect(&self) -> Result<Connection> {
        #[cfg(feature = "tls")]
        let encryption = self.encryption.clone();
        let open = async move |uri: AMQPUri, runtime| {
            let open = async {
                // If the library is built without its own TLS, it sends in clear whatever the URL says. So
                // this code encrypts.
                let plain = AMQPUri { scheme: AMQPScheme::AMQP, ..uri.clone() };
                let tls = OwnedTLSConfig::default();
                let stream = plain.connect_with_config_async(tls.as_ref(), &runtime).await?;
                #[cfg(feature = "tls")]
                if let Some(encryption) = &encryption {
                    return stream.into_rustls(encryption, &uri.authority.host).await;
                }
                io::Result::Ok(stream)
            };
            Ok(within(open).await??)
        };
        let (uri, properties) = (self.uri.clone(), ConnectionProperties::default());
        Connection::connector(uri, default_runtime()?, open, properties).await
    }

    fn in_clear(&self) -> Option<crate::store::Finding> {
        let help = "use `amqps://` (feature `tls`)";
        let is_clear = self.uri.scheme == AMQPScheme::AMQP;
        is_clear.then(|| plaintext(&self.uri.authority.host, help)).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_of_ipv6_is_refused_and_not_taken_for_this_host() {
        for url in ["amqp://[2001:db8::1]/", "amqp://guest:p%40ss@[::1]:5672/%2f?heartbeat=5"] {
            let error = Broker::of(url).map(|broker| broker.address).expect_err(url);
            assert!(error.to_string().contains("IPv6"), "{url}: {error}");
        }
        let broker = Broker::of("amqp://guest:[x]@localhost/[y]").expect("brackets elsewhere");
        assert_eq!(broker.address(), "localhost:5672");
    }
}

//! How a store opens a connection to its server.

use futures_util::future::BoxFuture;
use sqlx::ConnectOptions;
use std::error::Error as StdError;
use std::io::Error as IoError;
use std::sync::Arc;

/// The settings of a store's connections, and the place that each new one has its password from.
pub(super) struct Login<O> {
    options: O,
    renew: Option<Arc<Renew<O>>>,
}

/// Gives settings the password of now.
type Renew<O> = dyn Fn(O) -> BoxFuture<'static, Result<O, sqlx::Error>> + Send + Sync;

impl<O: ConnectOptions> Login<O> {
    /// The same settings for each connection.
    pub(super) fn new(options: O) -> Self {
        Self { options, renew: None }
    }

    /// Settings that get another password, which is asked for, for each connection.
    pub(super) fn with_password<F, E>(
        options: O,
        password: impl Fn() -> F + Send + Sync + 'static,
        put: fn(O, &str) -> O,
    ) -> Self
    where
        F: Future<Output = Result<String, E>> + Send + 'static,
        E: Into<Box<dyn StdError + Send + Sync>> + 'static,
    {
        let renew = move |options: O| -> BoxFuture<'static, Result<O, sqlx::Error>> {
            let password = password();
            Box::pin(async move {
                // Whoever has it may be away for a moment.
                let unknown = |error: E| sqlx::Error::Io(IoError::other(error));
                Ok(put(options, &password.await.map_err(unknown)?))
            })
        };
        Self { options, renew: Some(Arc::new(renew)) }
    }

    pub(super) fn options(&self) -> &O {
        &self.options
    }

    /// Opens a connection.
    pub(super) async fn open(&self) -> Result<O::Connection, sqlx::Error>
    where
        O::Connection: Sized,
    {
        self.options_of_now().await?.connect().await
    }

    /// The settings, with the password of now.
    pub(super) async fn options_of_now(&self) -> Result<O, sqlx::Error> {
        match &self.renew {
            None => Ok(self.options.clone()),
            Some(renew) => renew(self.options.clone()).await,
        }
    }
}

impl<O: Clone> Clone for Login<O> {
    fn clone(&self) -> Self {
        Self { options: self.options.clone(), renew: self.renew.clone() }
    }
}

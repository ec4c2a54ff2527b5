//! The methods that the stores on database servers have in common.

/// Gives a store the methods and the operations of the [`RemoteStore`](super::remote::RemoteStore) inside of it.
///
/// `prepared` is what becomes of options before they are used.
macro_rules! server_store {
    ($store:ident, $options:ty, prepared = $prepared:expr) => {
        impl $store {
            /// Connects by settings of the app's own, which may name its key or certificate.
            ///
            /// The store opens its connections itself, on its own thread.
            ///
            /// # Errors
            /// As of [`connect`](Self::connect).
            pub async fn connect_with(options: $options) -> Result<Self, StoreError> {
                RemoteStore::log_in(Login::new($prepared(options))).await.map(Self)
            }

            /// Connects by settings of the app's own, with a password that changes: it is asked for as each
            /// connection is opened, on the store's thread. The usual patience of 1.5 seconds includes it.
            ///
            /// # Errors
            /// As of [`connect`](Self::connect), or when there is no password now.
            pub async fn connect_with_password<F, E>(
                options: $options,
                password: impl Fn() -> F + Send + Sync + 'static,
            ) -> Result<Self, StoreError>
            where
                F: Future<Output = Result<String, E>> + Send + 'static,
                E: Into<Box<dyn StdError + Send + Sync>> + 'static,
            {
                let options = $prepared(options);
                let login = Login::with_password(options, password, <$options>::password);
                RemoteStore::log_in(login).await.map(Self)
            }

            /// Has this many connections to the server at most. Defaults to 8. To be called before the store is
            /// used.
            #[must_use]
            pub fn connections(self, connections: usize) -> Self {
                Self(self.0.resize(connections))
            }
        }

        impl Store for $store {
            fn create<'a>(
                &'a self,
                key: &'a StorageKey,
                value: &'a Bytes,
                life: Duration,
            ) -> StoreFuture<'a, Option<Bytes>> {
                self.0.create(key, value, life)
            }

            fn swap<'a>(
                &'a self,
                key: &'a StorageKey,
                expected: &'a Bytes,
                value: &'a Bytes,
                life: Duration,
            ) -> StoreFuture<'a, Swap> {
                self.0.swap(key, expected, value, life)
            }

            fn read<'a>(&'a self, key: &'a StorageKey) -> StoreFuture<'a, Option<Entry>> {
                self.0.read(key)
            }

            fn purge(&self, limit: u32) -> StoreFuture<'_, u32> {
                self.0.purge(limit)
            }

            fn describe(&self) -> String {
                self.0.describe()
            }

            fn watch<'a>(&'a self, key: &'a StorageKey) -> Option<StoreFuture<'a, Changed>> {
                self.0.watch(key)
            }

            fn browse<'a>(&'a self, request: &'a PageRequest) -> Option<StoreFuture<'a, Page>> {
                self.0.browse(request)
            }

            fn findings(&self) -> Vec<Finding> {
                self.0.findings()
            }

            fn adopt(&self, settings: &StoreSettings) {
                self.0.adopt(settings);
            }
        }
    };
}

pub(super) use server_store;

//! Handlers that work in the transaction of their guard, for each database.

/// The same handlers, typed for a database.
macro_rules! routes {
    ($database:ident, $connection:ident, $pool:ident, $first:tt, $constraint:tt, $ignore:tt, $set:tt, $elsewhere:tt) => {
        use actix_web::dev::Payload;
        use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, Responder, error, post, web};
        use futures_util::future::LocalBoxFuture;
        use idempotent_runtime::transaction::Tx;
        use idempotent_runtime::{States, idempotent};
        use sqlx::{$connection, $database, $pool};
        use tests::ControlledHandler;

        pub(crate) fn all(config: &mut web::ServiceConfig) {
            config
                .service(dedup)
                .service(impatient)
                .service(optional)
                .service(rejecting)
                .service(careless)
                .service(careless_row)
                .service(twice)
                .service(crossing)
                .service(crossing_row)
                .service(versioned)
                .service(accepting)
                .service(versioned_with_key)
                .service(pay_with_key)
                .service(pay)
                .service(complete)
                .service(cancel)
                .service(raise)
                .service(submit)
                .service(publish)
                .service(withdraw)
                .service(arrive)
                .service(send)
                .service(settle)
                .service(settle_with_key)
                .service(elsewhere_row)
                .service(elsewhere_version)
                .service(elsewhere_pay)
                .service(misspelt_id)
                .service(misspelt_column)
                .service(misspelt_owner)
                .service(insert_by_index)
                .service(any_version)
                .service(weak_version)
                .service(version_of_the_path)
                .service(owned_row)
                .service(owned_version)
                .service(owned_pay)
                .service(owned_with_key)
                .service(give_away)
                .service(row)
                .service(row_impatient)
                .service(count)
                .service(note_locked)
                .service(note_versioned)
                .service(note_signed)
                .service(insert)
                .service(insert_elsewhere)
                .service(insert_or_ignore)
                .service(insert_or_set)
                .service(reserved)
                .service(sleeping)
                .service(statements)
                .service(statements_row)
                .service(insert_with_key)
                .service(insert_by_wrapped)
                .service(wrapped_without_transaction);
        }

        type Handler = web::Data<ControlledHandler>;
        type Code = web::Path<String>;

        /// Has an effect, and then the end that the test chooses.
        async fn act(tx: &mut Tx<$database>, handler: &ControlledHandler) -> Result<HttpResponse, Error> {
            let effect = sqlx::query("INSERT INTO effects (what) VALUES ('done')");
            effect.execute(&mut **tx).await.map_err(error::ErrorInternalServerError)?;
            Ok(handler.run().await)
        }

        #[post("/dedup")]
        #[idempotent(strategy = "dedup_table", wait = "1m")]
        async fn dedup(mut tx: Tx<$database>, handler: Handler, _body: web::Bytes) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/impatient")]
        #[idempotent(strategy = "dedup_table", wait = "200ms")]
        async fn impatient(mut tx: Tx<$database>, handler: Handler) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/optional")]
        #[idempotent(strategy = "dedup_table", required = false)]
        async fn optional(handler: Handler, mut tx: Tx<$database>) -> Result<impl Responder, Error> {
            act(&mut tx, &handler).await
        }

        #[post("/rejecting")]
        #[idempotent(strategy = "dedup_table", on_duplicate = "reject")]
        async fn rejecting(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        /// A statement fails, and the handler goes on.
        async fn carry_on(tx: &mut Tx<$database>, handler: &ControlledHandler) -> Result<HttpResponse, Error> {
            let response = act(tx, handler).await;
            let failed = sqlx::query("SELECT 1 FROM nowhere").execute(&mut **tx).await;
            failed.expect_err("there is no such table");
            response
        }

        #[post("/careless")]
        #[idempotent(strategy = "dedup_table")]
        async fn careless(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            carry_on(&mut tx, &handler).await
        }

        #[post("/careless-row/{id}")]
        #[idempotent(strategy = "row_lock", table = "things", id = "{path.id}")]
        async fn careless_row(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            carry_on(&mut tx, &handler).await
        }

        /// Changes one thing and then another, and goes on even after a deadlock.
        async fn cross(
            tx: &mut Tx<$database>,
            handler: &ControlledHandler,
            (one, other): (i64, i64),
        ) -> Result<HttpResponse, Error> {
            for id in [one, other] {
                let change = format!("UPDATE things SET version = version + 1 WHERE id = {id}");
                let changed = sqlx::query(sqlx::AssertSqlSafe(change)).execute(&mut **tx).await;
                if id == one {
                    changed.map_err(error::ErrorInternalServerError)?;
                    let _ = handler.run().await;
                }
            }
            let effect = sqlx::query("INSERT INTO effects (what) VALUES ('crossed')");
            drop(effect.execute(&mut **tx).await);
            Ok(HttpResponse::Created().finish())
        }

        type Pair = web::Path<(i64, i64)>;

        #[post("/crossing/{one}/{other}")]
        #[idempotent(strategy = "dedup_table")]
        async fn crossing(pair: Pair, handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            cross(&mut tx, &handler, pair.into_inner()).await
        }

        #[post("/crossing-row/{one}/{other}")]
        #[idempotent(strategy = "row_lock", table = "things", id = "{path.one}")]
        async fn crossing_row(pair: Pair, handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            cross(&mut tx, &handler, pair.into_inner()).await
        }

        /// The caller, which an extractor looks up in the database on a connection of its own.
        struct Known;

        impl FromRequest for Known {
            type Error = Error;
            type Future = LocalBoxFuture<'static, Result<Self, Error>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let pool = request.app_data::<web::Data<$pool>>().cloned();
                Box::pin(async move {
                    let pool = pool.ok_or_else(|| error::ErrorInternalServerError("no pool"))?;
                    let known = sqlx::query("SELECT 1").execute(pool.get_ref()).await;
                    known.map(|_| Self).map_err(error::ErrorServiceUnavailable)
                })
            }
        }

        /// The error of an insert.
        #[derive(Debug, thiserror::Error)]
        #[error("the insert failed")]
        struct Failed(#[from] sqlx::Error);

        impl actix_web::ResponseError for Failed {}

        async fn insert_code(connection: &mut $connection, code: &str) -> Result<(), Failed> {
            sqlx::query("INSERT INTO effects (what) VALUES ('inserting')")
                .execute(&mut *connection)
                .await?;
            sqlx::query(concat!("INSERT INTO codes (code) VALUES (", $first, ")")).bind(code).execute(connection).await?;
            Ok(())
        }

        #[post("/insert/{code}")]
        #[idempotent(strategy = "unique", existing = find, constraint = $constraint)]
        async fn insert(
            _: Known,
            code: Code,
            mut tx: Tx<$database>,
            body: String,
        ) -> Result<HttpResponse, Failed> {
            insert_code(&mut tx, &code).await?;
            Ok(HttpResponse::Created().body(format!("{code} {body}")))
        }

        async fn find(
            _: Known,
            code: Code,
            mut tx: Tx<$database>,
            body: String,
        ) -> Result<HttpResponse, Failed> {
            let found = sqlx::query_scalar(concat!("SELECT code FROM codes WHERE code = ", $first)).bind(&*code);
            let code: String = found.fetch_one(&mut *tx).await?;
            Ok(HttpResponse::Ok().body(format!("{code} {body}")))
        }

        /// Inserts or ignores, which cannot fail, and returns the row.
        async fn insert_and_find(mut tx: Tx<$database>, statement: &'static str, code: &str) -> Result<HttpResponse, Failed> {
            sqlx::query(statement).bind(code).execute(&mut *tx).await?;
            let found = sqlx::query_scalar(concat!("SELECT code FROM codes WHERE code = ", $first)).bind(code);
            let code: String = found.fetch_one(&mut *tx).await?;
            Ok(HttpResponse::Ok().body(code))
        }

        #[post("/insert-or-ignore/{code}")]
        #[idempotent(strategy = "unique", existing = find, constraint = $constraint)]
        async fn insert_or_ignore(_: Known, code: Code, tx: Tx<$database>, _body: String) -> Result<HttpResponse, Failed> {
            insert_and_find(tx, $ignore, &code).await
        }

        #[post("/insert-or-set/{code}")]
        #[idempotent(strategy = "unique", existing = find, constraint = $constraint)]
        async fn insert_or_set(_: Known, code: Code, tx: Tx<$database>, _body: String) -> Result<HttpResponse, Failed> {
            insert_and_find(tx, $set, &code).await
        }

        #[post("/insert-elsewhere/{code}")]
        #[idempotent(strategy = "unique", existing = found_elsewhere)]
        async fn insert_elsewhere(code: Code, pool: web::Data<$pool>) -> Result<HttpResponse, Failed> {
            insert_code(&mut *pool.acquire().await?, &code).await?;
            Ok(HttpResponse::Created().finish())
        }

        async fn found_elsewhere(_: Code, _: web::Data<$pool>) -> HttpResponse {
            HttpResponse::Ok().finish()
        }

        #[post("/insert-with-key/{code}")]
        #[idempotent(strategy = "unique", existing = find, key = "{header.Idempotency-Key}")]
        async fn insert_with_key(
            _: Known,
            code: Code,
            mut tx: Tx<$database>,
            body: String,
        ) -> Result<HttpResponse, Failed> {
            insert_code(&mut tx, &code).await?;
            Ok(HttpResponse::Created().body(format!("{code} {body}")))
        }

        /// An extractor of the app that holds the transaction.
        struct Wrapped(Tx<$database>);

        impl FromRequest for Wrapped {
            type Error = Error;
            type Future = std::future::Ready<Result<Self, Error>>;

            fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
                std::future::ready(Tx::from_request(request, payload).into_inner().map(Self))
            }
        }

        #[post("/insert-by-wrapped/{code}")]
        #[idempotent(strategy = "unique", existing = find_by_wrapped)]
        async fn insert_by_wrapped(code: Code, mut wrapped: Wrapped) -> Result<HttpResponse, Failed> {
            insert_code(&mut wrapped.0, &code).await?;
            Ok(HttpResponse::Created().finish())
        }

        async fn find_by_wrapped(_: Code, _: Wrapped) -> HttpResponse {
            HttpResponse::Ok().finish()
        }

        #[post("/wrapped-without-transaction")]
        #[idempotent]
        async fn wrapped_without_transaction(mut wrapped: Wrapped, handler: Handler) -> impl Responder {
            act(&mut wrapped.0, &handler).await
        }

        /// Asks for the transaction a second time, which fails.
        #[post("/twice")]
        #[idempotent(strategy = "dedup_table")]
        async fn twice(mut one: Tx<$database>, mut other: Tx<$database>, handler: Handler) -> impl Responder {
            let _ = act(&mut one, &handler).await;
            act(&mut other, &handler).await
        }

        #[post("/versioned/{id}")]
        #[idempotent(strategy = "version", table = "things", id = "{path.id}")]
        async fn versioned(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/accepting/{id}")]
        #[idempotent(strategy = "version", table = "things", id = "{path.id}", on_duplicate = "accept")]
        async fn accepting(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/versioned-with-key/{id}")]
        #[idempotent(
            strategy = "version",
            table = "things",
            id = "{path.id}",
            key = "{header.Idempotency-Key}"
        )]
        async fn versioned_with_key(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[derive(States)]
        enum Status {
            #[to(Paid, Cancelled)]
            Created,
            #[to(Completed)]
            Paid,
            Completed,
            Cancelled,
        }

        #[derive(States)]
        enum Level {
            #[to(High)]
            Low = 1,
            High = 5,
        }

        #[post("/pay-with-key/{id}")]
        #[idempotent(
            strategy = "state",
            table = "things",
            id = "{path.id}",
            from = Status::Created,
            to = Status::Paid,
            key = "{header.Idempotency-Key}"
        )]
        async fn pay_with_key(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/pay/{id}")]
        #[idempotent(strategy = "state", table = "things", id = "{path.id}", from = Status::Created, to = Status::Paid)]
        async fn pay(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/complete/{id}")]
        #[idempotent(strategy = "state", table = "things", id = "{path.id}", from = Status::Paid, to = Status::Completed)]
        async fn complete(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/cancel/{id}")]
        #[idempotent(strategy = "state", table = "things", id = "{path.id}", from = Status::Created, to = Status::Cancelled)]
        async fn cancel(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/raise/{id}")]
        #[idempotent(strategy = "state", table = "things", id = "{path.id}", column = "level", from = Level::Low, to = Level::High)]
        async fn raise(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        /// A graph with a cycle: a published thing may become a draft again.
        #[derive(States)]
        #[expect(dead_code, reason = "no handler names all of them")]
        enum Article {
            #[to(Review)]
            Draft,
            #[to(Published)]
            Review,
            #[to(Draft)]
            Published,
            /// A state from an older system. No transition leads to it.
            #[to(Published)]
            Imported,
        }

        #[post("/submit/{id}")]
        #[idempotent(strategy = "state", table = "things", id = "{path.id}", from = Article::Draft, to = Article::Review)]
        async fn submit(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/publish/{id}")]
        #[idempotent(strategy = "state", table = "things", id = "{path.id}", from = Article::Review, to = Article::Published)]
        async fn publish(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/withdraw/{id}")]
        #[idempotent(strategy = "state", table = "things", id = "{path.id}", from = Article::Published, to = Article::Draft)]
        async fn withdraw(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        /// Things begin in two states, and the first state of the enum is not one of them.
        #[derive(States)]
        #[expect(dead_code, reason = "no handler names all of them")]
        enum Parcel {
            #[to(Arrived)]
            Sent,
            Arrived,
            #[initial]
            #[to(Sent)]
            Packed,
            #[initial]
            #[to(Sent)]
            Returned,
        }

        #[post("/arrive/{id}")]
        #[idempotent(strategy = "state", table = "things", id = "{path.id}", from = Parcel::Sent, to = Parcel::Arrived)]
        async fn arrive(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/send/{id}")]
        #[idempotent(strategy = "state", table = "things", id = "{path.id}", from = Parcel::Packed, to = Parcel::Sent)]
        async fn send(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        /// The table has a constraint on the status and another column. The body says what the handler does with both.
        #[post("/settle/{id}")]
        #[idempotent(strategy = "state", table = "invoices", id = "{path.id}", from = Status::Created, to = Status::Paid, set = "last")]
        async fn settle(handler: Handler, mut tx: Tx<$database>, body: String) -> Result<HttpResponse, Error> {
            settled(&mut tx, &handler, &body).await
        }

        #[post("/settle-with-key/{id}")]
        #[idempotent(strategy = "state", table = "invoices", id = "{path.id}", from = Status::Created, to = Status::Paid, set = "last", key = "{header.Idempotency-Key}")]
        async fn settle_with_key(handler: Handler, mut tx: Tx<$database>, body: String) -> Result<HttpResponse, Error> {
            settled(&mut tx, &handler, &body).await
        }

        async fn settled(tx: &mut Tx<$database>, handler: &ControlledHandler, body: &str) -> Result<HttpResponse, Error> {
            let statement = sqlx::raw_sql(sqlx::AssertSqlSafe(body.to_owned()));
            statement.execute(&mut **tx).await.map_err(error::ErrorInternalServerError)?;
            act(tx, handler).await
        }

        /// A handler whose table is named with its schema.
        #[post("/elsewhere/row/{id}")]
        #[idempotent(strategy = "row_lock", table = $elsewhere, id = "{path.id}")]
        async fn elsewhere_row(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/elsewhere/version/{id}")]
        #[idempotent(strategy = "version", table = $elsewhere, id = "{path.id}")]
        async fn elsewhere_version(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/elsewhere/pay/{id}")]
        #[idempotent(strategy = "state", table = $elsewhere, id = "{path.id}", from = Status::Created, to = Status::Paid)]
        async fn elsewhere_pay(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        /// Handlers with misspelt columns.
        #[post("/misspelt/id/{id}")]
        #[idempotent(strategy = "row_lock", table = "things", id = "{path.id}", id_column = "ident")]
        async fn misspelt_id(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/misspelt/column/{id}")]
        #[idempotent(strategy = "state", table = "things", id = "{path.id}", column = "created", from = Status::Created, to = Status::Paid, set = "last")]
        async fn misspelt_column(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/misspelt/owner/{id}")]
        #[idempotent(strategy = "row_lock", table = "things", id = "{path.id}", owner = "{caller.0}", owner_column = "bob")]
        async fn misspelt_owner(caller: Caller, handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            let _ = caller;
            act(&mut tx, &handler).await
        }

        /// A handler for an index that a test makes.
        #[post("/insert-by-index/{code}")]
        #[idempotent(strategy = "unique", existing = found_by_index, constraint = "one_code")]
        async fn insert_by_index(code: Code, mut tx: Tx<$database>) -> Result<HttpResponse, Failed> {
            insert_code(&mut tx, &code).await?;
            Ok(HttpResponse::Created().finish())
        }

        async fn found_by_index(_: Code, _: Tx<$database>) -> HttpResponse {
            HttpResponse::Ok().finish()
        }

        #[post("/any-version/{id}")]
        #[idempotent(strategy = "version", table = "things", id = "{path.id}", if_match = "any")]
        async fn any_version(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/weak-version/{id}")]
        #[idempotent(strategy = "version", table = "things", id = "{path.id}", version = "{header.if-match}", if_match = "weak")]
        async fn weak_version(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/version-of-the-path/{id}/{version}")]
        #[idempotent(strategy = "version", table = "things", id = "{path.id}", version = "{path.version}")]
        async fn version_of_the_path(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        /// The account that calls.
        struct Caller(String);

        impl FromRequest for Caller {
            type Error = Error;
            type Future = std::future::Ready<Result<Self, Error>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                let credential = request.headers().get("Authorization").and_then(|value| value.to_str().ok());
                let name = credential.and_then(|credential| credential.strip_prefix("Bearer "));
                let known = name.map(|name| Self(name.to_owned()));
                std::future::ready(known.ok_or_else(|| error::ErrorUnauthorized("who are you?")))
            }
        }

        #[post("/owned/row/{id}")]
        #[idempotent(strategy = "row_lock", table = "things", id = "{path.id}", owner = "{caller.0}", wait = "1m")]
        async fn owned_row(caller: Caller, handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            let _ = caller;
            act(&mut tx, &handler).await
        }

        #[post("/owned/version/{id}")]
        #[idempotent(strategy = "version", table = "things", id = "{path.id}", owner = "{caller.0}", wait = "1m")]
        async fn owned_version(caller: Caller, handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            let _ = caller;
            act(&mut tx, &handler).await
        }

        #[post("/owned/pay/{id}")]
        #[idempotent(strategy = "state", table = "things", id = "{path.id}", owner = "{caller.0}", owner_column = "owner", from = Status::Created, to = Status::Paid, wait = "1m")]
        async fn owned_pay(caller: Caller, handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            let _ = caller;
            act(&mut tx, &handler).await
        }

        #[post("/owned/keyed/{id}")]
        #[idempotent(strategy = "row_lock", table = "things", id = "{path.id}", owner = "{caller.0}", key = "{header.Idempotency-Key}", wait = "1m")]
        async fn owned_with_key(caller: Caller, handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            let _ = caller;
            act(&mut tx, &handler).await
        }

        /// Gives a thing to another owner.
        #[post("/owned/give/{id}")]
        #[idempotent(strategy = "row_lock", table = "things", id = "{path.id}", owner = "{caller.0}", wait = "1m")]
        async fn give_away(caller: Caller, handler: Handler, mut tx: Tx<$database>) -> Result<HttpResponse, Error> {
            let give = concat!("UPDATE things SET owner = 'bob' WHERE owner = ", $first);
            let given = sqlx::query(give).bind(&caller.0).execute(&mut *tx).await;
            given.map_err(error::ErrorInternalServerError)?;
            act(&mut tx, &handler).await
        }

        #[post("/row/{id}")]
        #[idempotent(strategy = "row_lock", table = "things", id = "{path.id}", wait = "1m")]
        async fn row(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/row-impatient/{id}")]
        #[idempotent(strategy = "row_lock", table = "things", id = "{path.id}", wait = "50ms")]
        async fn row_impatient(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        #[post("/notes/{id}/locked")]
        #[idempotent(strategy = "row_lock", table = "notes", id = "{path.id}")]
        async fn note_locked(id: Code, handler: Handler, mut tx: Tx<$database>) -> Result<HttpResponse, Error> {
            edit(&mut tx, &handler, &id).await
        }

        #[post("/notes/{id}/versioned")]
        #[idempotent(strategy = "version", table = "notes", id = "{path.id}")]
        async fn note_versioned(id: Code, handler: Handler, mut tx: Tx<$database>) -> Result<HttpResponse, Error> {
            edit(&mut tx, &handler, &id).await
        }

        #[post("/notes/{id}/signed")]
        #[idempotent(strategy = "state", table = "notes", id = "{path.id}", from = Status::Created, to = Status::Paid)]
        async fn note_signed(id: Code, handler: Handler, mut tx: Tx<$database>) -> Result<HttpResponse, Error> {
            edit(&mut tx, &handler, &id).await
        }

        /// Edits the note with the given id, which must be the guarded one.
        async fn edit(tx: &mut Tx<$database>, handler: &ControlledHandler, id: &str) -> Result<HttpResponse, Error> {
            let update = concat!("UPDATE notes SET edits = edits + 1 WHERE id = ", $first);
            let edited = sqlx::query(update).bind(id).execute(&mut **tx).await;
            edited.map_err(error::ErrorInternalServerError)?;
            Ok(handler.run().await)
        }

        /// Names that databases accept only in quotes.
        #[post("/reserved/{id}")]
        #[idempotent(strategy = "version", table = "order", id = "{path.id}", id_column = "key", column = "select")]
        async fn reserved(handler: Handler, mut tx: Tx<$database>) -> impl Responder {
            act(&mut tx, &handler).await
        }

        /// If the header asks for it, runs a statement that takes longer than any test.
        #[post("/sleeping")]
        #[idempotent(strategy = "dedup_table", wait = "200ms")]
        async fn sleeping(request: HttpRequest, handler: Handler, mut tx: Tx<$database>) -> Result<HttpResponse, Error> {
            if request.headers().contains_key("X-Sleep") {
                let sleep = sqlx::query("SELECT pg_sleep(3600)").execute(&mut *tx);
                sleep.await.map_err(error::ErrorServiceUnavailable)?;
            }
            act(&mut tx, &handler).await
        }

        /// Runs the statements of the body, line by line, and ignores their errors.
        async fn carry_out(tx: &mut Tx<$database>, handler: &ControlledHandler, lines: &str) -> HttpResponse {
            for line in lines.lines() {
                let statement = sqlx::raw_sql(sqlx::AssertSqlSafe(line.to_owned()));
                drop(statement.execute(&mut **tx).await);
            }
            handler.run().await
        }

        #[post("/statements")]
        #[idempotent(strategy = "dedup_table")]
        async fn statements(handler: Handler, mut tx: Tx<$database>, body: String) -> impl Responder {
            carry_out(&mut tx, &handler, &body).await
        }

        #[post("/statements-row/{id}")]
        #[idempotent(strategy = "row_lock", table = "codes", id = "{path.id}", id_column = "code")]
        async fn statements_row(handler: Handler, mut tx: Tx<$database>, body: String) -> impl Responder {
            carry_out(&mut tx, &handler, &body).await
        }

        /// Reads a number and then writes the next: if two do so at once, one update is lost.
        #[post("/count/{id}")]
        #[idempotent(strategy = "row_lock", table = "things", id = "{path.id}", wait = "1m")]
        async fn count(handler: Handler, mut tx: Tx<$database>) -> Result<HttpResponse, Error> {
            let look = sqlx::query_scalar("SELECT version FROM things WHERE id = 7");
            let seen: i64 =
                look.fetch_one(&mut *tx).await.map_err(error::ErrorInternalServerError)?;
            let response = handler.run().await;
            let next = format!("UPDATE things SET version = {} WHERE id = 7", seen + 1);
            let written = sqlx::query(sqlx::AssertSqlSafe(next)).execute(&mut *tx).await;
            written.map_err(error::ErrorInternalServerError)?;
            Ok(response)
        }
    };
}

pub(crate) mod sqlite {
    routes!(
        Sqlite,
        SqliteConnection,
        SqlitePool,
        "?",
        "codes.code",
        "INSERT OR IGNORE INTO codes (code) VALUES (?)",
        "INSERT INTO codes (code) VALUES (?) ON CONFLICT (code) DO UPDATE SET code = excluded.code",
        "main.things"
    );
}

pub(crate) mod postgres {
    routes!(
        Postgres,
        PgConnection,
        PgPool,
        "$1",
        "codes_code_key",
        "INSERT INTO codes (code) VALUES ($1) ON CONFLICT DO NOTHING",
        "INSERT INTO codes (code) VALUES ($1) ON CONFLICT (code) DO UPDATE SET code = excluded.code",
        "elsewhere.things"
    );
}

pub(crate) mod mariadb {
    routes!(
        MySql,
        MySqlConnection,
        MySqlPool,
        "?",
        "code",
        "INSERT IGNORE INTO codes (code) VALUES (?)",
        "INSERT INTO codes (code) VALUES (?) ON DUPLICATE KEY UPDATE code = VALUES(code)",
        "elsewhere.things"
    );
}

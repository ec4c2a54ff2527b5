//! Expansions, as a reviewer reads them. `INSTA_UPDATE=always` writes them anew.

use quote::quote;

macro_rules! expansions {
    ($($name:ident: ($($arguments:tt)*) { $($item:tt)* })*) => {
        $(
            #[test]
            fn $name() {
                let expanded = crate::guard(quote!($($arguments)*), quote!($($item)*), crate::Describes::No);
                let file = syn::parse2(expanded).expect("an expansion is Rust");
                let text = prettyplease::unparse(&file);
                // A snapshot of an error would pass as a snapshot of code does.
                let is_of_a_mistake = stringify!($name).contains("mistake");
                assert_eq!(text.contains("compile_error!"), is_of_a_mistake, "{text}");
                insta::assert_snapshot!(text);
            }
        )*
    };
}

expansions! {
    bare: () {
        async fn create(order: web::Json<NewOrder>) -> impl Responder {
            HttpResponse::Created().json(order)
        }
    }

    // Which attributes stay outside, and which, such as lints, go inside.
    below_a_route_macro: () {
        /// Documented.
        #[allow(clippy::unused_async, reason = "it goes inside")]
        #[instrument]
        #[post("/orders")]
        pub(crate) async fn create() -> impl Responder {
            HttpResponse::Created()
        }
    }

    a_token: (
        key = "{header.token}",
        strategy = "token",
        operation = "createOrder",
        on_duplicate = "reject",
        message = "twice"
    ) {
        async fn create(order: web::Json<NewOrder>) -> impl Responder {
            HttpResponse::Created().json(order)
        }
    }

    a_lock: (strategy = "lock", key = "account:{path.id}", lease = "10s", wait = "2s") {
        async fn close(attempt: Attempt) -> impl Responder {
            HttpResponse::NoContent()
        }
    }

    a_read: (strategy = "cache", ttl = "1m", stale = "30s", key = "user:{path.id}") {
        async fn get_user(id: web::Path<String>) -> impl Responder {
            compute(id).await
        }
    }

    a_read_that_varies: (strategy = "cache", ttl = "1m", scope = "{header.X-Tenant}", key = "{header.Accept-Language}") {
        async fn greeting() -> impl Responder {
            "hello"
        }
    }

    an_insert: (strategy = "unique", existing = find, constraint = "codes.tenant,codes.code") {
        async fn insert(mut tx: Tx<Sqlite>, code: Json<Code>) -> Result<HttpResponse, ApiError> {
            insert_code(&mut tx, &code).await
        }
    }

    a_transaction: (strategy = "dedup_table", wait = "2s") {
        async fn transfer(mut tx: Tx<Sqlite>) -> Result<HttpResponse, BankError> {
            bank(&mut tx).await
        }
    }

    a_task: (strategy = "async", on_abandoned = "hold", ttl = "2d") {
        async fn report(order: web::Json<NewReport>, progress: Progress) -> impl Responder {
            make(order, progress).await
        }
    }

    a_version: (strategy = "version", table = "goods", id = "{path.id}", version = "{goods.version}") {
        async fn update(goods: web::Json<Goods>, mut tx: Tx<Sqlite>) -> impl Responder {
            save(&mut tx, goods).await
        }
    }

    a_state: (
        strategy = "state", table = "orders", id = "{path.code}", id_column = "code",
        from = Status::Created, to = Status::Paid, key = "{header.Idempotency-Key}"
    ) {
        async fn pay(mut tx: Tx<Sqlite>) -> impl Responder {
            take_money(&mut tx).await
        }
    }

    every_setting: (
        key = "{header.Idempotency-Key}",
        ttl = "24h",
        lease = "1500ms",
        on_in_flight = "wait",
        wait = "5s",
        on_abandoned = "hold",
        on_store_error = "run",
        fingerprint = "none",
        store = "2xx, 404",
        headers = "X-Total, X-Page",
        drop_headers = "X-Served-By",
        max_body = "64KiB",
        required = false
    ) {
        async fn create(order: web::Json<NewOrder>) -> impl Responder {
            HttpResponse::Created().json(order)
        }
    }

    constant_durations: (ttl = TTL, lease = Duration::from_secs(5), first_sent = "{header.First-Sent}") {
        async fn create() -> impl Responder {
            HttpResponse::Created()
        }
    }

    a_key_of_parameters: (key = "{user.id()}:{order.sku}") {
        async fn create(
            user: User,
            order: web::Json<NewOrder>,
            db: web::Data<Db>,
        ) -> Result<impl Responder, ShopError> {
            db.insert(user, order).await
        }
    }

    a_key_of_a_pattern: (key = "{order.sku}") {
        async fn create(
            web::Json(mut order): web::Json<NewOrder>,
            mut payload: Multipart,
        ) -> impl Responder {
            order.read(&mut payload).await
        }
    }

    a_parameter_wins_over_a_source: (key = "{header.id}") {
        async fn create(header: web::Header<Custom>) -> impl Responder {
            header.id
        }
    }

    every_source: (key = "{query.a}/{path.b}/{cookie.c}/{form.d}/{{literal}}") {
        async fn create() -> impl Responder {
            HttpResponse::Ok()
        }
    }

    a_scope_and_a_fingerprint: (scope = "{user.tenant}", fingerprint = "{order.sku}x{order.quantity}") {
        async fn create(user: User, order: web::Json<NewOrder>) -> impl Responder {
            HttpResponse::Ok()
        }
    }

    a_shared_scope: (scope = "shared") {
        async fn create() -> impl Responder {
            HttpResponse::Ok()
        }
    }

    a_window: (within = "5m", timestamp = "{header.X-Sent}") {
        async fn create() -> impl Responder {
            HttpResponse::Ok()
        }
    }

    a_first_time: (first_sent = "{header.Repeatability-First-Sent}") {
        async fn create() -> impl Responder {
            HttpResponse::Ok()
        }
    }

    a_function: (strategy = "message", key = "{message.id}", engine = "messages", ttl = "7d") {
        /// Documented.
        #[instrument(skip_all)]
        pub(crate) async fn book<'a>(
            messages: &Messages,
            Incoming { message, .. }: Incoming<'a>,
        ) -> Result<u64, BookError> {
            Ok(message.save().await?)
        }
    }

    a_method: (
        strategy = "message",
        operation = "book",
        key = "{self.queue}/{message.id}",
        scope = "{message.tenant}",
        fingerprint = "{message.cents}",
        engine = "self.messages",
        on_in_flight = "wait",
        on_abandoned = "hold"
    ) {
        async fn book(&self, message: &Message) -> Result<(), Error> {
            self.book(message).await
        }
    }

    a_function_in_a_transaction: (
        strategy = "message",
        operation = "book",
        key = "{id}",
        engine = "self.messages"
    ) {
        async fn book(&self, id: &str, mut tx: Tx<Sqlite>, cents: i64) -> Result<(), BookError> {
            self.ledger.book(&mut tx, cents).await
        }
    }

    of_another_path: (crate = facade::guard, strategy = "state", table = "t", id = "{path.id}", from = S::A, to = S::B) {
        async fn create(mut tx: Tx<Sqlite>) -> impl Responder {
            HttpResponse::Ok()
        }
    }

    a_macro_that_reads_the_handler: (key = "{order.sku}") {
        /// Documented.
        #[utoipa::path(responses((status = 201)))]
        #[post("/orders")]
        async fn create(order: web::Json<NewOrder>) -> impl Responder {
            HttpResponse::Created()
        }
    }

    a_parameter_under_a_condition: (crate = facade::guard, key = "{a}") {
        #[post("/orders")]
        async fn create(#[cfg(one)] a: A, #[cfg(not(one))] a: B, #[cfg(two)] #[tx] b: C) -> impl Responder {
            HttpResponse::Ok()
        }
    }

    a_mistake_leaves_the_function_as_it_was: (ttl = "soon") {
        #[post("/orders")]
        async fn create() -> impl Responder {
            HttpResponse::Ok()
        }
    }
}

#[test]
fn a_document_is_told_of_the_guard() {
    let told = |arguments, attribute| {
        let item =
            quote!(#attribute #[post("/orders")] async fn create(id: Id) -> Created { Created });
        let file = syn::parse2(crate::guard(arguments, item, crate::Describes::Yes));
        prettyplease::unparse(&file.expect("an expansion is Rust"))
    };
    let bare = told(quote!(), quote!(#[utoipa::path]));
    let version = told(
        quote!(strategy = "version", table = "t", id = "{path.id}"),
        quote!(#[utoipa::path(responses((status = 201)))]),
    );
    let merged = told(
        quote!(key = "{id}", scope = "shared", within = "5m", on_duplicate = "reject"),
        quote!(#[utoipa::path(post, extensions(("x-own" = json!(1))), path = "/")]),
    );
    let of_others = told(quote!(), quote!(#[rocket::path(get)]));
    assert!(!of_others.contains("x-idempotency"), "{of_others}");
    let mistaken = told(quote!(ttl = "soon"), quote!(#[utoipa::path]));
    assert!(!mistaken.contains("x-idempotency"), "{mistaken}");
    insta::assert_snapshot!(format!("{bare}\n{version}\n{merged}"));
}

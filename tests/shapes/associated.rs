//! Handlers that are associated functions of a type, and use `Self`.

use crate::{Order, post, says};
use actix_web::web;
use idempotent_runtime::idempotent;
use serde::Deserialize;

struct Shop;

trait Sells {
    type Order;
    const NAME: &'static str;
}

impl Sells for Shop {
    type Order = Order;
    const NAME: &'static str = "shop";
}

impl Shop {
    const OPEN: &'static str = "open";

    #[idempotent(key = "{order.sku}")]
    async fn create(order: web::Json<<Self as Sells>::Order>) -> String {
        format!("{} {}", Self::NAME, order.sku)
    }

    #[idempotent]
    async fn open() -> &'static str {
        Self::OPEN
    }

    /// The handler has an item inside whose `Self` is another type.
    #[idempotent]
    async fn asked() -> String {
        let name = [Self::NAME].concat();
        format!("{}{}", Named::of(name).0, Self::OPEN)
    }

    #[idempotent]
    async fn without() -> &'static str {
        "without"
    }
}

#[derive(Deserialize)]
struct Named(String);

impl Named {
    fn of(name: String) -> Self {
        Self(name)
    }
}

/// A generic type has a handler for each of its types.
struct Of<T>(std::marker::PhantomData<T>);

impl<T: Sells + 'static> Of<T> {
    #[idempotent]
    async fn name() -> &'static str {
        Self::text()
    }

    fn text() -> &'static str {
        T::NAME
    }
}

/// `Self` is used only by an item inside.
#[idempotent]
async fn free() -> String {
    struct Local(u8);
    impl Local {
        fn new() -> Self {
            Self(7)
        }
    }
    enum List {
        #[expect(dead_code, reason = "it is there for its type")]
        More(Box<Self>),
        End,
    }
    let end = matches!(List::End, List::End);
    format!("{} {end}", Local::new().0)
}

#[actix_web::test]
async fn functions_of_a_type_say_self() {
    says("shop book", |app| app.route("/x", web::post().to(Shop::create)), || post("/x")).await;
    says("open", |app| app.route("/x", web::post().to(Shop::open)), || post("/x")).await;
    says("shopopen", |app| app.route("/x", web::post().to(Shop::asked)), || post("/x")).await;
    says("without", |app| app.route("/x", web::post().to(Shop::without)), || post("/x")).await;
    says("shop", |app| app.route("/x", web::post().to(Of::<Shop>::name)), || post("/x")).await;
    says("7 true", |app| app.route("/x", web::post().to(free)), || post("/x")).await;
}

#[actix_web::test]
async fn a_direct_call_of_one() {
    assert_eq!(Shop::open_unguarded().await, "open");
    let order = web::Json(Order { sku: "book".to_owned() });
    assert_eq!(Shop::create_unguarded(order).await, "shop book");
    assert_eq!(Shop::without_unguarded().await, "without");
}

//! No input makes the attribute or the derive panic, and a function always expands to valid Rust.

use proc_macro2::TokenStream;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use std::str::FromStr;

/// Names of arguments, and words that are not.
const NAMES: [&str; 20] = [
    "strategy",
    "key",
    "scope",
    "ttl",
    "lease",
    "wait",
    "store",
    "headers",
    "max_body",
    "required",
    "fingerprint",
    "version",
    "id",
    "table",
    "from",
    "to",
    "engine",
    "existing",
    "r#type",
    "\"key\"",
];

/// Texts that are a right value of some argument, or look like one.
const TEXTS: [&str; 36] = [
    "",
    " ",
    "{",
    "}",
    "{}",
    "{{",
    "{a}",
    "{a.b}",
    "{self.a}",
    "{path.id}",
    "{header.X}",
    "{header}",
    "{query.é}",
    "{cookie. }",
    "{a[0]}",
    "{a(b)}",
    "{'a'}",
    "{a::<b>()}",
    "{\"}",
    "{a..}",
    "700xx",
    "2xx,",
    "99",
    "é",
    "1h",
    "0s",
    "99999999999999999999d",
    "ms",
    "16MiB",
    "99999999999GiB",
    "token",
    "cache",
    "unique",
    "message",
    "version",
    "state",
];

/// Values that are not text.
const OTHERS: [&str; 12] = [
    "true",
    "7",
    "1e400",
    "'a'",
    "b\"a\"",
    "Status::Paid",
    "Self::Paid",
    "a",
    "-1",
    "[1, 2]",
    "{ }",
    "",
];

const PARAMETERS: [&str; 14] = [
    "a: A",
    "mut a: web::Json<A>",
    "&self",
    "self",
    "tx: Tx<Sqlite>",
    "#[tx] tx: T<MySql>",
    "#[tx(false)] tx: Tx<Own>",
    "#[tx(3)] x: X",
    "#[cfg(a)] a: A",
    "#[cfg(not(a))] a: B",
    "(a, b): (A, B)",
    "a: impl B",
    "A { a, .. }: A<'_>",
    "_: &mut Tx<Sqlite>",
];

const BEFORE: [&str; 8] = [
    "",
    "#[post(\"/{a}\")]",
    "#[route(3)]",
    "#[idempotent]",
    "pub(crate)",
    "/// Documented.",
    "#[get]",
    "const",
];

const RETURNS: [&str; 6] = [
    "",
    "-> impl Responder",
    "-> Result<A, E>",
    "-> Pin<Box<dyn Future>>",
    "-> &'a str",
    "-> [A; 3]",
];

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        select(&TEXTS[..]).prop_map(|text| format!("{text:?}")),
        select(&OTHERS[..]).prop_map(str::to_owned),
        any::<String>().prop_map(|text| format!("{text:?}")),
    ]
}

fn arguments() -> impl Strategy<Value = String> {
    let argument = (select(&NAMES[..]), select(&["=", "=", "=", "=", "", ":"][..]), value());
    let argument = argument.prop_map(|(name, sign, value)| format!("{name} {sign} {value}"));
    let comma = select(&[", ", ", ", ", ", " ", ",, "][..]);
    vec((argument, comma), 0..6)
        .prop_map(|all| all.into_iter().map(|(argument, comma)| argument + comma).collect())
}

fn function() -> impl Strategy<Value = String> {
    let start = select(&["async fn", "async fn", "async fn", "fn", "unsafe async fn"][..]);
    let generics = select(&["", "", "", "<'a>", "<T>", "<const N: usize>"][..]);
    let parameters = vec(select(&PARAMETERS[..]), 0..4);
    (select(&BEFORE[..]), start, generics, parameters, select(&RETURNS[..])).prop_map(
        |(before, start, generics, parameters, returns)| {
            format!("{before} {start} f{generics}({}) {returns} {{ a }}", parameters.join(", "))
        },
    )
}

fn states() -> impl Strategy<Value = String> {
    let attribute = select(
        &[
            "",
            "",
            "#[to(A, Self::B)]",
            "#[to]",
            "#[to(3)]",
            "#[state(\"x\")]",
            "#[state]",
            "#[sqlx(rename = \"y\")]",
        ][..],
    );
    let rest = select(&["", "", " = 7", " = i128::MAX", "(u8)", " { a: A }"][..]);
    let variant = (attribute, select(&["A", "B", "r#type", "HTTPDone", "É"][..]), rest);
    let variant = variant.prop_map(|(attribute, name, rest)| format!("{attribute} {name}{rest}"));
    let before = select(
        &[
            "",
            "#[repr(u8)]",
            "#[states(rename_all = \"kebab-case\")]",
            "#[states(3)]",
            "#[states]",
            "#[sqlx(3)]",
        ][..],
    );
    (before, vec(variant, 0..4))
        .prop_map(|(before, variants)| format!("{before} enum E {{ {} }}", variants.join(", ")))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_function_always_expands_to_rust(arguments in arguments(), function in function()) {
        let (Ok(arguments), Ok(function)) =
            (TokenStream::from_str(&arguments), TokenStream::from_str(&function))
        else {
            return Ok(());
        };
        let expanded = crate::guard(arguments, function.clone(), crate::Describes::Yes);
        if syn::parse2::<syn::ItemFn>(function).is_ok() {
            prop_assert!(syn::parse2::<syn::File>(expanded.clone()).is_ok(), "{expanded}");
        }
    }

    #[test]
    fn no_item_makes_the_attribute_panic(arguments in arguments(), item in any::<String>()) {
        if let (Ok(arguments), Ok(item)) =
            (TokenStream::from_str(&arguments), TokenStream::from_str(&item))
        {
            let _ = crate::guard(arguments, item, crate::Describes::Yes);
        }
    }

    #[test]
    fn no_enum_makes_the_derive_panic(written in states()) {
        let Ok(input) = TokenStream::from_str(&written).map(syn::parse2) else { return Ok(()) };
        let Ok(input) = input else { return Ok(()) };
        let _ = crate::states::derive(&input);
    }
}

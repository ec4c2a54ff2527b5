//! The values by which a column holds the states of an enum: numbers, or names.

use crate::diagnostics::{Mistake, Mistakes, listed};
use heck::{ToKebabCase, ToLowerCamelCase, ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, DeriveInput, Expr, ExprLit, Ident, Lit, LitStr, Meta, MetaNameValue, Path, Token,
    Variant,
};

/// The value of one state.
pub(crate) enum ColumnValue {
    /// Its number in Rust.
    Number,
    Name(String),
}

/// A way to write the name of a variant.
#[derive(Clone, Copy)]
struct Case(fn(&str) -> String);

/// The cases of sqlx and serde, under their names.
const CASES: [(&str, Case); 7] = [
    ("snake_case", Case(str::to_snake_case)),
    ("lowercase", Case(str::to_lowercase)),
    ("UPPERCASE", Case(str::to_uppercase)),
    ("SCREAMING_SNAKE_CASE", Case(str::to_shouty_snake_case)),
    ("kebab-case", Case(str::to_kebab_case)),
    ("camelCase", Case(str::to_lower_camel_case)),
    ("PascalCase", Case(str::to_upper_camel_case)),
];

/// The types of integers that an enum can be represented by.
const INTEGERS: [&str; 12] =
    ["i8", "i16", "i32", "i64", "i128", "isize", "u8", "u16", "u32", "u64", "u128", "usize"];

/// The value of every variant, in their order.
///
/// An attribute for states counts most, then one for sqlx, then the numbers of the enum.
pub(crate) fn column_values(
    input: &DeriveInput,
    variants: &[&Variant],
    mistakes: &mut Mistakes,
) -> Vec<ColumnValue> {
    let case = mistakes.keep(own_case(&input.attrs)).flatten().or_else(|| sqlx_case(&input.attrs));
    let named: Vec<_> = variants.iter().map(|variant| name_of(variant, mistakes)).collect();
    let of_sqlx = variants.iter().map(|variant| &variant.attrs).chain([&input.attrs]);
    let is_sqlx = of_sqlx.flatten().any(|attribute| attribute.path().is_ident("sqlx"));
    let has_numbers = is_represented(&input.attrs)
        || !is_sqlx && variants.iter().any(|variant| variant.discriminant.is_some());
    if case.is_none() && has_numbers && named.iter().any(Option::is_none) {
        for name in named.iter().flatten() {
            mistakes.add(
                Mistake::new(name.span(), "a column holds either names or numbers")
                    .help("name every variant, or none")
                    .note("the other variants have numbers"),
            );
        }
        return variants.iter().map(|_| ColumnValue::Number).collect();
    }
    let by_default = if is_sqlx { Case(str::to_owned) } else { CASES[0].1 };
    let Case(case) = case.unwrap_or(by_default);
    let stored = |(variant, name): (&&Variant, Option<LitStr>)| match name {
        Some(name) => (name.value(), name.span()),
        None => (case(&variant.ident.unraw().to_string()), variant.ident.span()),
    };
    let stored: Vec<_> = variants.iter().zip(named).map(stored).collect();
    check_distinct(variants, &stored, mistakes);
    stored.into_iter().map(|(name, _)| ColumnValue::Name(name)).collect()
}

/// The name of a variant for people, where its column holds a number.
pub(crate) fn shown(variant: &Ident) -> String {
    variant.unraw().to_string().to_snake_case()
}

/// Two states that are stored alike cannot be told apart.
fn check_distinct(variants: &[&Variant], stored: &[(String, Span)], mistakes: &mut Mistakes) {
    for (place, (name, span)) in stored.iter().enumerate() {
        let Some(earlier) = stored[..place].iter().position(|(earlier, _)| earlier == name) else {
            continue;
        };
        let (one, other) = (&variants[earlier].ident, &variants[place].ident);
        mistakes.add(
            Mistake::new(*span, format!("`{one}` and `{other}` are both stored as `{name}`"))
                .help("give one of them a name of its own: `#[state(\"…\")]`"),
        );
    }
}

/// The case in `#[states(rename_all = "…")]`.
fn own_case(attributes: &[Attribute]) -> Result<Option<Case>, Mistake> {
    let mut case = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("states")) {
        let settings = metas(attribute);
        if settings.is_empty() {
            return Err(wrong_setting(attribute.span()));
        }
        for setting in settings {
            match &setting {
                Meta::NameValue(MetaNameValue { path, value: Expr::Path(_), .. })
                    if path.is_ident("crate") => {}
                Meta::NameValue(MetaNameValue { path, value, .. })
                    if path.is_ident("rename_all") =>
                {
                    let text = text(value).ok_or_else(|| wrong_setting(setting.span()))?;
                    case = Some(known_case(&text)?);
                }
                _ => return Err(wrong_setting(setting.span())),
            }
        }
    }
    Ok(case)
}

/// The path of the runtime in `#[states(crate = …)]`.
pub(crate) fn runtime(attributes: &[Attribute]) -> Option<Path> {
    let own = attributes.iter().filter(|attribute| attribute.path().is_ident("states"));
    own.flat_map(metas).find_map(|setting| match setting {
        Meta::NameValue(MetaNameValue { path, value: Expr::Path(value), .. })
            if path.is_ident("crate") =>
        {
            Some(value.path)
        }
        _ => None,
    })
}

fn known_case(text: &LitStr) -> Result<Case, Mistake> {
    let written = text.value();
    case_named(&written).ok_or_else(|| {
        Mistake::new(text.span(), format!("unknown `rename_all`: `{written}`"))
            .suggest(&written, case_names())
            .note(format!("`rename_all` is {}", listed(case_names())))
    })
}

fn wrong_setting(span: Span) -> Mistake {
    Mistake::new(span, "`#[states(…)]` says how names are written")
        .help("write `#[states(rename_all = \"snake_case\")]`")
        .note(format!("`rename_all` is {}", listed(case_names())))
}

/// The case that sqlx writes names in. A mistake in it is reported by sqlx.
fn sqlx_case(attributes: &[Attribute]) -> Option<Case> {
    sqlx_setting(attributes, "rename_all").and_then(|text| case_named(&text.value()))
}

fn case_named(name: &str) -> Option<Case> {
    CASES.iter().find(|(known, _)| *known == name).map(|(_, case)| *case)
}

fn case_names() -> impl Iterator<Item = &'static str> {
    CASES.iter().map(|(name, _)| *name)
}

/// The name that a variant is given by `#[state("…")]`, or for sqlx.
fn name_of(variant: &Variant, mistakes: &mut Mistakes) -> Option<LitStr> {
    let own = variant.attrs.iter().find(|attribute| attribute.path().is_ident("state"));
    let Some(own) = own else { return sqlx_setting(&variant.attrs, "rename") };
    let name = own.parse_args::<LitStr>().ok().filter(|name| !name.value().is_empty());
    mistakes.keep(name.ok_or_else(|| {
        Mistake::new(own.span(), "`#[state(…)]` is the name of a state in its column")
            .help("write `#[state(\"IN_TRANSIT\")]`")
    }))
}

/// The text of a setting of `#[sqlx(…)]`.
fn sqlx_setting(attributes: &[Attribute], name: &str) -> Option<LitStr> {
    let of_sqlx = attributes.iter().filter(|attribute| attribute.path().is_ident("sqlx"));
    of_sqlx.flat_map(metas).find_map(|meta| match meta {
        Meta::NameValue(setting) if setting.path.is_ident(name) => text(&setting.value),
        _ => None,
    })
}

/// Whether `#[repr(…)]` names an integer type. If so, sqlx stores the enum as an integer, too.
fn is_represented(attributes: &[Attribute]) -> bool {
    let of_repr = attributes.iter().filter(|attribute| attribute.path().is_ident("repr"));
    of_repr.flat_map(metas).any(|meta| INTEGERS.iter().any(|integer| meta.path().is_ident(integer)))
}

/// The settings in an attribute; none if it holds anything else.
fn metas(attribute: &Attribute) -> Vec<Meta> {
    let settings = attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
    settings.map(|settings| settings.into_iter().collect()).unwrap_or_default()
}

fn text(value: &Expr) -> Option<LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proc_macro2::TokenStream;
    use quote::quote;
    use syn::Data;

    /// The column's value of each variant, or the mistakes in it.
    fn stored(written: TokenStream) -> Result<Vec<String>, String> {
        let input: DeriveInput = syn::parse2(written).expect("an enum");
        let Data::Enum(data) = &input.data else { panic!("it is no enum") };
        let variants: Vec<&Variant> = data.variants.iter().collect();
        let mut mistakes = Mistakes::default();
        let values = column_values(&input, &variants, &mut mistakes);
        mistakes.finish().map_err(|error| error.to_string())?;
        let shown = |value| match value {
            ColumnValue::Number => "a number".to_owned(),
            ColumnValue::Name(name) => name,
        };
        Ok(values.into_iter().map(shown).collect())
    }

    fn names(written: TokenStream) -> Vec<String> {
        stored(written).expect("no mistake")
    }

    #[test]
    fn names_are_in_snake_case_by_default() {
        let written = quote!(
            enum E {
                InTransit,
                HTTPDone,
                Step2Done,
                V2,
                r#Type,
            }
        );
        assert_eq!(names(written), ["in_transit", "http_done", "step2_done", "v2", "type"]);
    }

    #[test]
    fn names_can_be_in_every_case_of_sqlx() {
        for (case, name) in [
            ("snake_case", "in_transit"),
            ("lowercase", "intransit"),
            ("UPPERCASE", "INTRANSIT"),
            ("SCREAMING_SNAKE_CASE", "IN_TRANSIT"),
            ("kebab-case", "in-transit"),
            ("camelCase", "inTransit"),
            ("PascalCase", "InTransit"),
        ] {
            let own = quote!(
                #[states(rename_all = #case)]
                enum E {
                    InTransit = 1,
                }
            );
            assert_eq!(names(own), [name]);
            let of_sqlx = quote!(
                #[sqlx(type_name = "e", rename_all = #case)]
                enum E {
                    InTransit,
                }
            );
            assert_eq!(names(of_sqlx), [name]);
        }
    }

    #[test]
    fn a_name_of_its_own_wins() {
        let written = quote! {
            #[sqlx(rename_all = "UPPERCASE")]
            #[states(rename_all = "lowercase")]
            enum E {
                #[state("in transit")]
                #[sqlx(rename = "elsewhere")]
                InTransit,
                #[sqlx(rename = "there")]
                Delivered,
                Lost,
            }
        };
        assert_eq!(names(written), ["in transit", "there", "lost"]);
    }

    /// Without `rename_all`, sqlx writes the names of variants as they are.
    #[test]
    fn names_are_those_of_sqlx_where_it_stores_the_enum() {
        assert_eq!(
            names(quote!(
                #[sqlx(type_name = "e")]
                enum E {
                    InTransit,
                }
            )),
            ["InTransit"]
        );
        let one = quote!(
            enum E {
                #[sqlx(rename = "x")]
                A,
                InTransit = 7,
            }
        );
        assert_eq!(names(one), ["x", "InTransit"]);
    }

    #[test]
    fn one_number_makes_numbers_of_all() {
        let numbers = ["a number", "a number", "a number"];
        assert_eq!(
            names(quote!(
                enum E {
                    A,
                    B = 3,
                    C,
                }
            )),
            numbers
        );
        assert_eq!(
            names(quote!(
                #[repr(u8)]
                enum E {
                    A,
                    B,
                    C,
                }
            )),
            numbers
        );
        assert_eq!(
            names(quote!(
                #[repr(i16)]
                #[sqlx(default)]
                enum E {
                    A,
                    B,
                    C,
                }
            )),
            numbers
        );
        let named = quote!(
            #[repr(C)]
            enum E {
                #[state("x")]
                A = 1,
                #[state("y")]
                B = 2,
            }
        );
        assert_eq!(names(named), ["x", "y"]);
    }

    #[test]
    fn a_column_holds_one_kind_of_value() {
        let mixed = stored(quote!(
            enum E {
                #[state("x")]
                A,
                B = 3,
            }
        ))
        .unwrap_err();
        assert!(mixed.contains("either names or numbers"), "{mixed}");
    }

    #[test]
    fn states_that_are_stored_alike_are_refused() {
        let alike = stored(quote!(
            enum E {
                InTransit,
                #[state("in_transit")]
                Moving,
            }
        ))
        .unwrap_err();
        assert!(
            alike.contains("`InTransit` and `Moving` are both stored as `in_transit`"),
            "{alike}"
        );
    }
}

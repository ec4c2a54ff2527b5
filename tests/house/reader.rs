//! Reads the contents of each module: items, imports, and every path that the code names.
//!
//! Code behind `#[cfg(test)]` is left out, and so are comments and texts.

use crate::modules::{Crate, Module, Path};
use crate::sources::Sources;
use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{Attribute, Ident, Item, UseTree, Visibility};

pub(crate) fn read(sources: &Sources) -> Crate {
    let mut reader = Reader::default();
    for (file, text) in sources {
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        file.clone_into(&mut reader.file);
        reader.enter(module_of(file), |reader| reader.visit_file(&parsed));
    }
    let Reader { mut modules, exported, tests, .. } = reader;
    modules.retain(|path, _| !tests.iter().any(|test| path.starts_with(test)));
    Crate { modules, exported }
}

/// The module that a file is: `store/mod.rs` and `store.rs` are `store`, `lib.rs` is the crate.
fn module_of(file: &str) -> Path {
    let mut path: Path = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if path.last().is_some_and(|last| last == "mod") || path == ["lib"] {
        path.pop();
    }
    path
}

#[derive(Default)]
struct Reader {
    modules: BTreeMap<Path, Module>,
    exported: BTreeMap<String, String>,
    /// Modules that are declared behind `#[cfg(test)]`.
    tests: BTreeSet<Path>,
    file: String,
    at: Path,
}

impl Reader {
    fn enter(&mut self, path: Path, read: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.at, path);
        self.here();
        read(self);
        self.at = outer;
    }

    fn here(&mut self) -> &mut Module {
        let file = self.file.clone();
        self.modules.entry(self.at.clone()).or_insert_with(|| Module { file, ..Module::default() })
    }

    fn inner(&self, name: &Ident) -> Path {
        self.at.iter().cloned().chain([name.unraw().to_string()]).collect()
    }

    fn define(&mut self, name: &Ident) {
        self.here().defined.insert(name.unraw().to_string());
    }

    fn define_type(&mut self, name: &Ident) {
        self.define(name);
        self.here().types.push(name.unraw().to_string());
    }

    fn define_macro(&mut self, name: &Ident, attributes: &[Attribute]) {
        self.define(name);
        if attributes.iter().any(|attribute| attribute.path().is_ident("macro_export")) {
            self.exported.insert(name.to_string(), self.file.clone());
        }
    }

    fn import(&mut self, tree: &UseTree, before: &Path, hands_on: bool) {
        let to = |name: &Ident| -> Path {
            // `use a::{self}` is `use a`.
            let own = Some(name.to_string()).filter(|name| name != "self");
            before.iter().cloned().chain(own).collect()
        };
        let (path, name) = match tree {
            UseTree::Path(path) => return self.import(&path.tree, &to(&path.ident), hands_on),
            UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(tree, before, hands_on));
            }
            UseTree::Glob(_) => return self.here().globs.push(before.clone()),
            UseTree::Name(name) => (to(&name.ident), None),
            UseTree::Rename(renamed) => (to(&renamed.ident), Some(renamed.rename.to_string())),
        };
        let Some(name) = name.or_else(|| path.last().cloned()) else { return };
        if !hands_on {
            self.here().named.push(path.clone());
        }
        self.here().imported.entry(name).or_insert(path);
    }

    /// Paths in the tokens of a macro call, which are not parsed.
    fn scan(&mut self, tokens: TokenStream) {
        let mut path = Path::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.name(std::mem::take(&mut path));
                    }
                    path.push(name.unraw().to_string());
                    colons = 0;
                }
                other => {
                    self.name(std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.scan(group.stream());
                    }
                }
            }
        }
        self.name(path);
    }

    fn name(&mut self, path: Path) {
        if !path.is_empty() {
            self.here().named.push(path);
        }
    }
}

/// `#[cfg(test)]`, and `#[cfg(all(test, …))]`.
fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let condition = attribute.meta.require_list().map(|list| list.tokens.to_string());
        let condition = condition.unwrap_or_default().replace(' ', "");
        condition == "test" || condition.starts_with("all(test,")
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

impl<'code> Visit<'code> for Reader {
    fn visit_item(&mut self, item: &'code Item) {
        if is_test(attributes(item)) {
            if let Item::Mod(module) = item {
                let test = self.inner(&module.ident);
                self.tests.insert(test);
            }
            return;
        }
        match item {
            Item::Mod(module) if module.content.is_some() => {
                let inner = self.inner(&module.ident);
                return self.enter(inner, |reader| visit::visit_item_mod(reader, module));
            }
            Item::Use(import) => {
                let hands_on = !matches!(import.vis, Visibility::Inherited);
                return self.import(&import.tree, &Path::new(), hands_on);
            }
            Item::Macro(called) => match &called.ident {
                Some(name) => self.define_macro(name, &called.attrs),
                None => self.here().has_made = true,
            },
            Item::Impl(block) if block.trait_.is_none() => {
                if let syn::Type::Path(implemented) = &*block.self_ty {
                    let parts = parts(&implemented.path);
                    self.here().implemented.push(parts);
                }
            }
            Item::Enum(item) => self.define_type(&item.ident),
            Item::Struct(item) => self.define_type(&item.ident),
            Item::Trait(item) => self.define_type(&item.ident),
            Item::Type(item) => self.define_type(&item.ident),
            Item::Union(item) => self.define_type(&item.ident),
            Item::Const(item) => self.define(&item.ident),
            Item::Fn(item) => self.define(&item.sig.ident),
            Item::Static(item) => self.define(&item.ident),
            _ => {}
        }
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, method: &'code syn::ImplItemFn) {
        if !is_test(&method.attrs) {
            visit::visit_impl_item_fn(self, method);
        }
    }

    fn visit_field(&mut self, field: &'code syn::Field) {
        if !is_test(&field.attrs) {
            visit::visit_field(self, field);
        }
    }

    fn visit_path(&mut self, path: &'code syn::Path) {
        if path.leading_colon.is_none() {
            self.name(parts(path));
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'code syn::Macro) {
        self.visit_path(&called.path);
        self.scan(called.tokens.clone());
    }

    // A path in a visibility or an attribute is not an import.
    fn visit_visibility(&mut self, _: &'code Visibility) {}

    fn visit_attribute(&mut self, _: &'code Attribute) {}
}

fn parts(path: &syn::Path) -> Path {
    path.segments.iter().map(|part| part.ident.unraw().to_string()).collect()
}

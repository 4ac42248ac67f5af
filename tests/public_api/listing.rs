//! Owns the listing: what is reached from the root by public modules and `pub use`, each item once, sorted by its path.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens as _;
use syn::{Attribute, Item, ItemMacro};

use super::crate_tree::{CrateTree, ModuleId, Named, attributes, called, imports, is_public};
use super::declarations::{implemented, shown};
use super::tokens::{line, public_lines, without_docs};

/// Gives the listing of a crate.
pub fn of(tree: &CrateTree) -> String {
    let mut listing =
        Listing { tree, impls: impls(tree), entries: BTreeMap::new(), seen: BTreeMap::new(), macros: BTreeSet::new() };
    listing.module(0, "latchkeep", "");
    listing.events();
    let definitions = listing.definitions();
    let mut text = String::new();
    for (path, (head, lines)) in listing.entries.iter().chain(&definitions) {
        text.push_str(&format!("{path}: {head}\n"));
        lines.iter().for_each(|line| text.push_str(&format!("    {line}\n")));
    }
    text
}

type Entry = (String, Vec<String>);

struct Listing<'a> {
    tree: &'a CrateTree,
    impls: BTreeMap<Named, Vec<String>>,
    /// By path: a head, and lines below it.
    entries: BTreeMap<String, Entry>,
    /// The first path of each item.
    seen: BTreeMap<Named, String>,
    /// The macros that declare something public.
    macros: BTreeSet<String>,
}

/// The lines of all impls, by the type that they are for, sorted.
fn impls(tree: &CrateTree) -> BTreeMap<Named, Vec<String>> {
    let mut found: BTreeMap<Named, Vec<String>> = BTreeMap::new();
    for (id, module) in tree.modules.iter().enumerate() {
        for item in &module.items {
            let Item::Impl(item) = item else { continue };
            if let Some(of) = tree.self_type(id, &item.self_ty) {
                found.entry(of).or_default().extend(implemented(item));
            }
        }
    }
    found.values_mut().for_each(|lines| lines.sort());
    found
}

impl Listing<'_> {
    /// Lists the public items of a module under a path.
    fn module(&mut self, id: ModuleId, path: &str, features: &str) {
        let tree = self.tree;
        for item in tree.modules[id].items.iter().filter(|item| is_public(item)) {
            let features = format!("{features}{}", features_of(attributes(item)));
            match item {
                // Pages of prose.
                Item::Mod(module) if module.ident == "manual" => {}
                Item::Mod(module) => self.named(id, &[module.ident.to_string()], path, &features),
                Item::Use(_) => {
                    for import in imports(item) {
                        let name = if import.is_glob { "*".to_owned() } else { import.name };
                        self.imported(id, &import.path, (path, &name), &features);
                    }
                }
                _ => {
                    let name = shown_name(item);
                    self.named(id, &[name], path, &features);
                }
            }
        }
        for call in tree.modules[id].items.iter().filter_map(called) {
            let text = line(&without_docs(call.mac.to_token_stream()));
            self.entries.insert(format!("{path} by {text}"), (format!("macro{features}"), Vec::new()));
        }
    }

    fn named(&mut self, from: ModuleId, name: &[String], path: &str, features: &str) {
        self.imported(from, name, (path, &name[0]), features);
    }

    /// Lists what a path names as `name` of another path.
    fn imported(&mut self, from: ModuleId, what: &[String], (path, name): (&str, &str), features: &str) {
        let path = format!("{path}::{name}");
        let Some(named) = self.tree.find(from, what) else {
            self.entries.insert(path, (format!("use {}{features}", what.join("::")), Vec::new()));
            return;
        };
        if let Some(first) = self.seen.get(&named) {
            self.entries.insert(path, (format!("{first}{features}"), Vec::new()));
            return;
        }
        self.seen.insert(named.clone(), path.clone());
        match &named {
            Named::Module(module) => {
                self.entries.insert(path.clone(), (format!("mod{features}"), Vec::new()));
                self.module(*module, &path, features);
            }
            Named::Item(module, name) => {
                let (head, mut lines) = match self.tree.item(*module, name) {
                    Some(item) => shown(item),
                    None => self.by_macro(*module, name),
                };
                lines.extend(self.impls.get(&named).cloned().unwrap_or_default());
                self.entries.insert(path, (head + features, lines));
            }
        }
    }

    /// The calls of macros in a module, one of which declares a name: those that name it, or all. Events are listed apart.
    fn by_macro(&mut self, module: ModuleId, name: &str) -> Entry {
        let calls =
            self.tree.modules[module].items.iter().filter_map(called).filter(|call| !call.mac.path.is_ident("events"));
        let written: Vec<_> = calls.map(|call| (line(&call.mac.path), lines_of(call))).collect();
        let names = |text: &str| text.split(|mark: char| !mark.is_alphanumeric()).any(|word| word == name);
        let naming = |lines: &[String]| lines.iter().any(|text| names(text));
        let is_named = written.iter().any(|(_, lines)| naming(lines));
        let mut shown = Vec::new();
        for (called, lines) in written.into_iter().filter(|(_, lines)| !is_named || naming(lines)) {
            self.macros.insert(called);
            shown.extend(lines);
        }
        ("by a macro".to_owned(), shown)
    }

    /// Lists the fields of all events: `latchkeep::event` gets them by a macro that is given their list.
    fn events(&mut self) {
        for module in &self.tree.modules {
            for call in module.items.iter().filter_map(called).filter(|call| call.mac.path.is_ident("events")) {
                self.macros.insert("events".to_owned());
                let path = format!("latchkeep::event of {}", module.name);
                self.entries.insert(path, ("events".to_owned(), lines_of(call)));
            }
        }
    }

    /// The public lines of the definitions of the macros that were met.
    fn definitions(&self) -> BTreeMap<String, Entry> {
        let mut found = BTreeMap::new();
        for item in self.tree.modules.iter().flat_map(|module| &module.items) {
            let Item::Macro(definition) = item else { continue };
            let Some(name) = definition.ident.as_ref().map(ToString::to_string) else { continue };
            // An event's enum is declared by a macro that another one calls.
            if self.macros.contains(&name) || name == "event_enum" {
                let mut lines = Vec::new();
                public_lines(definition.mac.tokens.clone(), &mut lines);
                found.insert(format!("{name}!"), ("macro".to_owned(), lines));
            }
        }
        found
    }
}

/// A call of a macro, in a line for each thing that it declares.
fn lines_of(call: &ItemMacro) -> Vec<String> {
    let text = line(&without_docs(call.mac.to_token_stream()));
    text.split_inclusive([';', '}']).map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// The features that an item needs, as they are written.
fn features_of(attributes: &[Attribute]) -> String {
    let metas = attributes.iter().map(|attribute| line(&attribute.meta));
    metas.filter(|meta| meta.starts_with("cfg(feature")).map(|meta| format!(" #[{meta}]")).collect()
}

fn shown_name(item: &Item) -> String {
    match item {
        Item::Struct(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        Item::Const(item) => item.ident.to_string(),
        Item::Static(item) => item.ident.to_string(),
        Item::Fn(item) => item.sig.ident.to_string(),
        other => unreachable!("{} has no name", line(other)),
    }
}

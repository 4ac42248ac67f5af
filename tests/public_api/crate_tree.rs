//! Owns the modules of the crate as their files declare them, without tests, and finds what a path names.

use std::path::Path;

use syn::{Attribute, Ident, Item, ItemMacro, Type, UseTree, Visibility};

use super::tokens::line;

/// A place in [`CrateTree::modules`]; 0 is the root.
pub type ModuleId = usize;

pub struct Module {
    pub name: String,
    pub parent: ModuleId,
    pub items: Vec<Item>,
    pub children: Vec<ModuleId>,
}

/// A name that a `use` brings into its module, and the path it has from there.
pub struct Import {
    pub name: String,
    pub path: Vec<String>,
    pub is_glob: bool,
}

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Named {
    Module(ModuleId),
    /// An item of a module, by its name; a macro may declare it.
    Item(ModuleId, String),
}

pub struct CrateTree {
    pub modules: Vec<Module>,
}

impl CrateTree {
    /// Reads `lib.rs` of a directory and every module below.
    pub fn read(src: &Path) -> Self {
        let mut tree = Self { modules: Vec::new() };
        tree.add("latchkeep", 0, parsed(&src.join("lib.rs")), src);
        tree
    }

    fn add(&mut self, name: &str, parent: ModuleId, items: Vec<Item>, dir: &Path) -> ModuleId {
        let id = self.modules.len();
        let items: Vec<Item> = items.into_iter().filter(|item| !is_left_out(attributes(item))).collect();
        self.modules.push(Module { name: name.to_owned(), parent, items: Vec::new(), children: Vec::new() });
        for item in &items {
            let Item::Mod(module) = item else { continue };
            let name = module.ident.to_string();
            let below = dir.join(&name);
            let inside = match &module.content {
                Some((_, items)) => items.clone(),
                None => [dir.join(format!("{name}.rs")), below.join("mod.rs")]
                    .iter()
                    .find(|path| path.exists())
                    .map(|path| parsed(path))
                    .unwrap_or_else(|| panic!("there is no file of the module {name} in {}", dir.display())),
            };
            let child = self.add(&name, id, inside, &below);
            self.modules[id].children.push(child);
        }
        self.modules[id].items = items;
        id
    }

    /// Finds what a path names that is written in a module; none outside the crate.
    pub fn find(&self, from: ModuleId, path: &[String]) -> Option<Named> {
        self.find_within(from, path, 16)
    }

    fn find_within(&self, from: ModuleId, path: &[String], steps: u32) -> Option<Named> {
        // A name may be imported from a module that imports it back.
        let steps = steps.checked_sub(1)?;
        let (first, rest) = path.split_first()?;
        let begin = match first.as_str() {
            "crate" => Named::Module(0),
            "self" => Named::Module(from),
            "super" => Named::Module(self.modules[from].parent),
            name => self.look_up(from, name, steps)?,
        };
        rest.iter().try_fold(begin, |at, name| match at {
            Named::Module(module) if name == "super" => Some(Named::Module(self.modules[module].parent)),
            Named::Module(module) => self.look_up(module, name, steps),
            Named::Item(..) => None,
        })
    }

    fn look_up(&self, module: ModuleId, name: &str, steps: u32) -> Option<Named> {
        let found = &self.modules[module];
        if let Some(child) = found.children.iter().find(|child| self.modules[**child].name == name) {
            return Some(Named::Module(*child));
        }
        if self.item(module, name).is_some() {
            return Some(Named::Item(module, name.to_owned()));
        }
        let imports = found.items.iter().flat_map(imports);
        let mut named = imports.filter(|import| import.is_glob || import.name == name);
        let imported = named.find_map(|import| {
            let mut path = import.path.clone();
            if import.is_glob {
                path.push(name.to_owned());
            }
            self.find_within(module, &path, steps)
        });
        let by_macro = || found.items.iter().any(|item| called(item).is_some());
        imported.or_else(|| by_macro().then(|| Named::Item(module, name.to_owned())))
    }

    /// The item of a name, unless a macro declares it.
    pub fn item(&self, module: ModuleId, name: &str) -> Option<&Item> {
        self.modules[module].items.iter().find(|item| declared(item).is_some_and(|ident| ident == name))
    }

    /// Finds the type that an impl is for.
    pub fn self_type(&self, module: ModuleId, of: &Type) -> Option<Named> {
        let Type::Path(path) = of else { return None };
        let names: Vec<String> = path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.find(module, &names)
    }
}

/// The name and the visibility of what an item declares, except modules and imports.
fn declared(item: &Item) -> Option<&Ident> {
    match item {
        Item::Struct(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        Item::Trait(item) => Some(&item.ident),
        Item::Type(item) => Some(&item.ident),
        Item::Const(item) => Some(&item.ident),
        Item::Static(item) => Some(&item.ident),
        Item::Fn(item) => Some(&item.sig.ident),
        _ => None,
    }
}

/// A call of a macro that stands where items do.
pub fn called(item: &Item) -> Option<&ItemMacro> {
    match item {
        Item::Macro(call) if call.ident.is_none() => Some(call),
        _ => None,
    }
}

pub fn is_public(item: &Item) -> bool {
    let visibility = match item {
        Item::Struct(item) => &item.vis,
        Item::Enum(item) => &item.vis,
        Item::Trait(item) => &item.vis,
        Item::Type(item) => &item.vis,
        Item::Const(item) => &item.vis,
        Item::Static(item) => &item.vis,
        Item::Fn(item) => &item.vis,
        Item::Mod(item) => &item.vis,
        Item::Use(item) => &item.vis,
        _ => return false,
    };
    matches!(visibility, Visibility::Public(_))
}

pub fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Struct(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Const(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        _ => &[],
    }
}

/// Whether something is for tests, or hidden from hosts.
pub fn is_left_out(attributes: &[Attribute]) -> bool {
    attributes.iter().map(|attribute| line(&attribute.meta)).any(|meta| {
        meta == "doc(hidden)" || (meta.starts_with("cfg(") && meta.contains("test") && !meta.contains("not(test)"))
    })
}

/// The names that a `use` brings into its module.
pub fn imports(item: &Item) -> Vec<Import> {
    let mut found = Vec::new();
    if let Item::Use(item) = item {
        leaves(&item.tree, &mut Vec::new(), &mut found);
    }
    found
}

fn leaves(tree: &UseTree, path: &mut Vec<String>, found: &mut Vec<Import>) {
    let mut leaf = |name: String, last: Option<String>| {
        let path = path.iter().cloned().chain(last.clone()).collect();
        found.push(Import { name, path, is_glob: last.is_none() });
    };
    match tree {
        UseTree::Name(name) if name.ident == "self" => {
            let name = path.last().cloned().unwrap_or_default();
            found.push(Import { name, path: path.clone(), is_glob: false });
        }
        UseTree::Name(name) => leaf(name.ident.to_string(), Some(name.ident.to_string())),
        UseTree::Rename(renamed) => leaf(renamed.rename.to_string(), Some(renamed.ident.to_string())),
        UseTree::Glob(_) => leaf("*".to_owned(), None),
        UseTree::Group(group) => group.items.iter().for_each(|tree| leaves(tree, path, found)),
        UseTree::Path(step) => {
            path.push(step.ident.to_string());
            leaves(&step.tree, path, found);
            path.pop();
        }
    }
}

fn parsed(path: &Path) -> Vec<Item> {
    let text = std::fs::read_to_string(path).unwrap();
    syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())).items
}

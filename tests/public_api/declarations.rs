//! Owns how a declaration is listed: a head, and a line for each field, variant and function that a host can use.

use syn::{Attribute, Fields, ImplItem, Item, ItemImpl, TraitItem, Visibility};

use super::crate_tree::is_left_out;
use super::tokens::{line, signature};

/// Gives the head of an item, and its lines.
pub fn shown(item: &Item) -> (String, Vec<String>) {
    let (head, attributes, lines) = match item {
        Item::Struct(item) => {
            let head = format!("struct{}", line(&item.generics));
            (head, &item.attrs, fields(&item.fields, true))
        }
        Item::Enum(item) => {
            let variants = item.variants.iter().map(|variant| {
                let inside = fields(&variant.fields, false).join(", ");
                match variant.fields {
                    Fields::Unit => variant.ident.to_string(),
                    Fields::Named(_) => format!("{} {{ {inside} }}", variant.ident),
                    Fields::Unnamed(_) => format!("{}({inside})", variant.ident),
                }
            });
            (format!("enum{}", line(&item.generics)), &item.attrs, variants.collect())
        }
        Item::Trait(item) => {
            let above =
                if item.supertraits.is_empty() { String::new() } else { format!(": {}", line(&item.supertraits)) };
            (format!("trait{}{above}", line(&item.generics)), &item.attrs, item.items.iter().map(of_trait).collect())
        }
        Item::Type(item) => (format!("type = {}", line(&item.ty)), &item.attrs, Vec::new()),
        Item::Const(item) => (format!("const: {}", line(&item.ty)), &item.attrs, Vec::new()),
        Item::Static(item) => (format!("static: {}", line(&item.ty)), &item.attrs, Vec::new()),
        Item::Fn(item) => (signature(&item.sig), &item.attrs, Vec::new()),
        _ => unreachable!("only what is declared by name is shown"),
    };
    (head + &marks(attributes), lines)
}

/// The derived traits, and what else of the attributes hosts notice.
fn marks(attributes: &[Attribute]) -> String {
    let metas = attributes.iter().map(|attribute| line(&attribute.meta));
    let shown =
        metas.filter(|meta| meta.starts_with("derive(") || meta == "non_exhaustive" || meta.starts_with("deprecated"));
    shown.map(|meta| format!(" #[{meta}]")).collect()
}

/// Fields; of a struct only the public ones, and a mark that there are others.
fn fields(fields: &Fields, only_public: bool) -> Vec<String> {
    let is_shown = |visibility: &Visibility| !only_public || matches!(visibility, Visibility::Public(_));
    let mut shown: Vec<String> = fields
        .iter()
        .filter(|field| is_shown(&field.vis))
        .map(|field| match &field.ident {
            Some(name) => format!("{name}: {}", line(&field.ty)),
            None => line(&field.ty),
        })
        .collect();
    if shown.len() < fields.len() {
        shown.push("..".to_owned());
    }
    shown
}

fn of_trait(item: &TraitItem) -> String {
    match item {
        TraitItem::Fn(function) if function.default.is_some() => format!("{} {{ .. }}", signature(&function.sig)),
        TraitItem::Fn(function) => signature(&function.sig),
        TraitItem::Type(kind) => format!("type {}", kind.ident),
        TraitItem::Const(value) => format!("const {}: {}", value.ident, line(&value.ty)),
        other => line(other),
    }
}

/// The lines of an impl: the trait, or what is public of the type's own.
pub fn implemented(item: &ItemImpl) -> Vec<String> {
    if let Some((_, name, _)) = &item.trait_ {
        let head = format!("impl{} {} for {}", line(&item.generics), line(name), line(&item.self_ty));
        return vec![head.replace("impl <", "impl<")];
    }
    let public = |visibility: &Visibility| matches!(visibility, Visibility::Public(_));
    let lines = item.items.iter().filter_map(|item| match item {
        ImplItem::Fn(function) if public(&function.vis) && !is_left_out(&function.attrs) => {
            Some(signature(&function.sig))
        }
        ImplItem::Const(value) if public(&value.vis) && !is_left_out(&value.attrs) => {
            Some(format!("const {}: {}", value.ident, line(&value.ty)))
        }
        _ => None,
    });
    lines.collect()
}

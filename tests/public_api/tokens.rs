//! Owns how tokens are written: on one line, with the spaces that a person would put.

use proc_macro2::{Delimiter, Group, Literal, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Signature;

/// Writes what was parsed on one line.
pub fn line(what: &impl ToTokens) -> String {
    let mut text = what.to_token_stream().to_string();
    // The library that prints tokens puts a space nearly everywhere.
    for (from, to) in [
        ("\n", " "),
        (" :: ", "::"),
        (":: ", "::"),
        (" ::", "::"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        (" ;", ";"),
        (" :", ":"),
        ("& ", "&"),
        ("( ", "("),
        (" )", ")"),
        (" (", "("),
        ("[ ", "["),
        (" ]", "]"),
        ("$ ", "$"),
        ("# ", "#"),
        (" !", "!"),
        ("->(", "-> ("),
        ("=(", "= ("),
        (",(", ", ("),
        (":(", ": ("),
        (",)", ")"),
        ("for<", "for <"),
        ("impl<", "impl <"),
    ] {
        text = text.replace(from, to);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Writes the signature of a function; that an argument is changed inside is not for its callers.
pub fn signature(of: &Signature) -> String {
    line(of).replace("(mut ", "(").replace(", mut ", ", ")
}

/// Takes documentation and prose out of tokens, in groups too.
pub fn without_docs(tokens: TokenStream) -> TokenStream {
    let mut kept = Vec::new();
    for token in tokens {
        let is_doc = matches!(&token, TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket
            && group.stream().into_iter().next().is_some_and(|first| first.to_string() == "doc"));
        match token {
            TokenTree::Group(_) if is_doc => drop(kept.pop()),
            TokenTree::Group(group) => {
                let inside = without_docs(group.stream());
                kept.push(TokenTree::Group(Group::new(group.delimiter(), inside)));
            }
            TokenTree::Literal(text) if text.to_string().contains(' ') => {
                kept.push(TokenTree::Literal(Literal::string("..")));
            }
            other => kept.push(other),
        }
    }
    kept.into_iter().collect()
}

/// The public declarations, the derived traits and the impls in the definition of a macro, in their order.
pub fn public_lines(tokens: TokenStream, found: &mut Vec<String>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (at, token) in tokens.iter().enumerate() {
        let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.to_string() == word);
        let is_public = is(at, "pub") && !matches!(tokens.get(at + 1), Some(TokenTree::Group(_)));
        let is_impl = is(at, "impl") && !(at > 0 && (is(at - 1, ":") || is(at - 1, ">") || is(at - 1, "&")));
        if is_public || is_impl {
            let ends = |token: &&TokenTree| match token {
                TokenTree::Group(group) => group.delimiter() != Delimiter::Brace,
                TokenTree::Punct(mark) => !matches!(mark.as_char(), ';' | '='),
                _ => true,
            };
            let declared: TokenStream = tokens[at..].iter().take_while(ends).cloned().collect();
            found.push(line(&declared));
        }
        match token {
            TokenTree::Group(group) if is(at.wrapping_sub(1), "derive") => {
                found.push(format!("derive({})", line(&group.stream())));
            }
            TokenTree::Group(group) => public_lines(group.stream(), found),
            _ => {}
        }
    }
}

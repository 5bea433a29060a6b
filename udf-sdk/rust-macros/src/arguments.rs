//! What stands in an attribute's parentheses: `name = "…"`, `returns = "…"`, and names of columns.

use proc_macro::{Span, TokenStream, TokenTree};

use crate::fault::Fault;
use crate::signature::{literal, split};

/// The attribute's arguments.
pub(crate) struct Arguments {
    settings: Vec<(String, String)>,
    /// Column names.
    pub columns: Vec<String>,
}

impl Arguments {
    /// Reads them; `known` are the settings that this attribute has, `columns` whether it names columns.
    pub(crate) fn parse(attribute: TokenStream, known: &[&str], columns: bool) -> Result<Self, Fault> {
        let tokens: Vec<TokenTree> = attribute.into_iter().collect();
        let mut parsed = Self { settings: Vec::new(), columns: Vec::new() };
        for part in split(&tokens) {
            match part {
                [TokenTree::Ident(key), TokenTree::Punct(equal), value] if equal.as_char() == '=' => {
                    let key = key.to_string();
                    let Some(value) = literal(value) else {
                        return Err(Fault::new(format!("write {key} = \"…\""), part[0].span()));
                    };
                    if !known.contains(&key.as_str()) {
                        let why = format!("there is no `{key}` here; there is {}", known.join(", "));
                        return Err(Fault::new(why, part[0].span()));
                    }
                    parsed.settings.push((key, value));
                }
                [TokenTree::Ident(name)] if columns => {
                    parsed.columns.push(name.to_string().trim_start_matches("r#").to_owned());
                }
                _ => {
                    let names = if columns { ", or a column's name" } else { "" };
                    let why = format!("write {} = \"…\"{names}", known.join(" = \"…\" or "));
                    return Err(Fault::new(why, part.first().map_or_else(Span::call_site, TokenTree::span)));
                }
            }
        }
        Ok(parsed)
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.settings.iter().find(|(k, _)| k == key).map(|(_, value)| value.as_str())
    }
}

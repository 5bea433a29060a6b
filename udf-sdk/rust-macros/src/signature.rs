//! Reads functions and `impl` blocks: as much of Rust's grammar as their signatures need.

use proc_macro::{Delimiter, Group, Spacing, Span, TokenStream, TokenTree};

use crate::fault::Fault;

/// A type as it was written.
#[derive(Clone)]
pub(crate) struct Type {
    /// Without blanks and lifetimes: `Option<&str>`.
    pub text: String,
    pub span: Span,
}

/// One argument.
pub(crate) struct Argument {
    pub name: String,
    pub ty: Type,
    /// `#[sql("…")]`.
    pub sql: Option<String>,
}

/// What comes before the arguments of a method.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Receiver {
    None,
    Shared,
    Mutable,
}

/// A function's signature.
pub(crate) struct Function {
    pub name: String,
    pub span: Span,
    pub receiver: Receiver,
    pub arguments: Vec<Argument>,
    pub returns: Option<Type>,
}

/// An `impl` block.
pub(crate) struct Implementation {
    pub ty: Type,
    pub functions: Vec<Function>,
}

impl Implementation {
    pub(crate) fn function(&self, name: &str) -> Option<&Function> {
        self.functions.iter().find(|f| f.name == name)
    }
}

/// A function item, and its tokens without `#[sql]`.
pub(crate) fn function(item: TokenStream) -> Result<(Function, TokenStream), Fault> {
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    let (function, _) = function_at(&mut tokens, 0)?
        .ok_or_else(|| Fault::new("this attribute stands before a function", Span::call_site()))?;
    if function.receiver != Receiver::None {
        return Err(Fault::new("a function without self is needed here", function.span));
    }
    Ok((function, tokens.into_iter().collect()))
}

/// An `impl` block, and its tokens without `#[sql]`.
pub(crate) fn implementation(item: TokenStream) -> Result<(Implementation, TokenStream), Fault> {
    let mut tokens: Vec<TokenTree> = item.into_iter().collect();
    let start = after_attributes(&tokens, 0);
    let wrong = |span| Fault::new("this attribute stands before an `impl` block of a type: impl Name { … }", span);
    if !is_ident(tokens.get(start), "impl") {
        return Err(wrong(Span::call_site()));
    }
    let body_at = tokens.len() - 1;
    let span = tokens[start].span();
    let TokenTree::Group(body) = &tokens[body_at] else { return Err(wrong(span)) };
    let ty = type_of(&tokens[start + 1..body_at], span);
    if ty.text.is_empty() || ty.text.starts_with('<') || ty.text.contains(" for ") || ty.text.contains("where") {
        return Err(Fault::new("the `impl` block must be of one type, without generics and without a trait", span));
    }
    let mut inner: Vec<TokenTree> = body.stream().into_iter().collect();
    let mut functions = Vec::new();
    let mut at = 0;
    while at < inner.len() {
        match function_at(&mut inner, at)? {
            Some((function, end)) => {
                functions.push(function);
                at = end;
            }
            // An associated constant or type, or a macro.
            None => {
                while at < inner.len() && !is_punct(inner.get(at), ';') {
                    at += 1;
                }
                at += 1;
            }
        }
    }
    let mut group = Group::new(Delimiter::Brace, inner.into_iter().collect());
    group.set_span(body.span());
    tokens[body_at] = TokenTree::Group(group);
    Ok((Implementation { ty, functions }, tokens.into_iter().collect()))
}

/// The function that begins at `at`, and where it ends; `None` if there is another item.
fn function_at(tokens: &mut [TokenTree], at: usize) -> Result<Option<(Function, usize)>, Fault> {
    let mut at = after_attributes(tokens, at);
    if is_ident(tokens.get(at), "pub") {
        at += 1;
        if matches!(tokens.get(at), Some(TokenTree::Group(g)) if g.delimiter() == Delimiter::Parenthesis) {
            at += 1;
        }
    }
    if is_ident(tokens.get(at), "const") && is_ident(tokens.get(at + 1), "fn") {
        at += 1;
    }
    for word in ["async", "unsafe", "extern"] {
        if is_ident(tokens.get(at), word) {
            return Err(Fault::new(format!("the function must not be `{word}`"), tokens[at].span()));
        }
    }
    if !is_ident(tokens.get(at), "fn") {
        return Ok(None);
    }
    let Some(TokenTree::Ident(name)) = tokens.get(at + 1).cloned() else { return Ok(None) };
    let mut at = at + 2;
    if is_punct(tokens.get(at), '<') {
        let end = after_angles(tokens, at);
        let parameters = text_of(&tokens[at + 1..end - 1], true);
        if let Some(wrong) = parameters.split(',').find(|p| !p.is_empty() && !p.starts_with('\'')) {
            let why = format!("`{wrong}`: a function that SQL calls has no type parameters");
            return Err(Fault::new(why, tokens[at].span()));
        }
        at = end;
    }
    let Some(TokenTree::Group(list)) = tokens.get(at).cloned() else { return Ok(None) };
    let (receiver, arguments, cleaned) = arguments(&list)?;
    tokens[at] = TokenTree::Group(cleaned);
    at += 1;
    let mut returns = None;
    if is_punct(tokens.get(at), '-') && is_punct(tokens.get(at + 1), '>') {
        let start = at + 2;
        at = start;
        while !matches!(tokens.get(at), None | Some(TokenTree::Group(_))) || is_tuple_or_array(tokens.get(at)) {
            if is_ident(tokens.get(at), "where") {
                return Err(Fault::new("a function that SQL calls has no `where`", tokens[at].span()));
            }
            at += 1;
        }
        returns = Some(type_of(&tokens[start..at], name.span()));
    }
    let function = Function { name: name.to_string(), span: name.span(), receiver, arguments, returns };
    Ok(Some((function, at + 1)))
}

fn is_tuple_or_array(token: Option<&TokenTree>) -> bool {
    matches!(token, Some(TokenTree::Group(g)) if g.delimiter() != Delimiter::Brace)
}

fn arguments(list: &Group) -> Result<(Receiver, Vec<Argument>, Group), Fault> {
    let tokens: Vec<TokenTree> = list.stream().into_iter().collect();
    let mut receiver = Receiver::None;
    let mut arguments = Vec::new();
    let mut cleaned: Vec<TokenTree> = Vec::new();
    for part in split(&tokens) {
        let span = part[0].span();
        let mut at = 0;
        let mut sql = None;
        while let Some((attribute, end)) = attribute_at(part, at) {
            match text_in(attribute, "sql") {
                Some(ty) => sql = Some(ty),
                None => cleaned.extend_from_slice(&part[at..end]),
            }
            at = end;
        }
        let rest = &part[at..];
        let text = text_of(rest, false);
        match text.as_str() {
            "self" | "mut self" => return Err(Fault::new("take &self or &mut self", span)),
            "&self" => receiver = Receiver::Shared,
            "&mut self" => receiver = Receiver::Mutable,
            _ => {
                let Some((name, ty)) = named(rest) else {
                    return Err(Fault::new("an argument is written name: type", span));
                };
                arguments.push(Argument { name: name.trim_start_matches('_').to_owned(), ty, sql });
            }
        }
        cleaned.extend_from_slice(rest);
        cleaned.push(TokenTree::Punct(proc_macro::Punct::new(',', Spacing::Alone)));
    }
    let mut group = Group::new(Delimiter::Parenthesis, cleaned.into_iter().collect());
    group.set_span(list.span());
    Ok((receiver, arguments, group))
}

/// A struct with named fields, and the text of each field's `#[ttl]`.
pub(crate) fn structure(item: TokenStream) -> Result<(Type, Vec<(Argument, Option<String>)>), Fault> {
    let tokens: Vec<TokenTree> = item.into_iter().collect();
    let Some(start) = tokens.iter().position(|t| is_ident(Some(t), "struct")) else {
        return Err(Fault::new("the state of a process function is a struct", Span::call_site()));
    };
    let name = type_of(&tokens[start + 1..start + 2], tokens[start].span());
    let body = match &tokens[start + 2..] {
        [TokenTree::Group(body)] if body.delimiter() == Delimiter::Brace => body.stream(),
        [end] if is_punct(Some(end), ';') => TokenStream::new(),
        _ => {
            let why = "the state of a process function is a struct with named fields, without generics: struct Name { field: type }";
            return Err(Fault::new(why, name.span));
        }
    };
    let tokens: Vec<TokenTree> = body.into_iter().collect();
    let field = |part: &[TokenTree]| {
        let (mut at, mut sql, mut ttl) = (0, None, None);
        while let Some((attribute, end)) = attribute_at(part, at) {
            sql = text_in(attribute, "sql").or(sql);
            ttl = text_in(attribute, "ttl").or(ttl);
            at = end;
        }
        let Some((name, ty)) = named(&part[at..]) else {
            return Err(Fault::new("a field is written name: type", part[0].span()));
        };
        Ok((Argument { name, ty, sql }, ttl))
    };
    Ok((name, split(&tokens).into_iter().map(field).collect::<Result<_, _>>()?))
}

/// The name, without `r#`, and the type of `name: type`.
fn named(tokens: &[TokenTree]) -> Option<(String, Type)> {
    let colon = tokens.iter().position(|t| is_punct(Some(t), ':'))?;
    let [.., TokenTree::Ident(name)] = &tokens[..colon] else { return None };
    let plain = name.to_string().trim_start_matches("r#").to_owned();
    Some((plain, type_of(&tokens[colon + 1..], name.span())))
}

/// The content of `#[…]` at `at`, and what comes behind it.
fn attribute_at(tokens: &[TokenTree], at: usize) -> Option<(&Group, usize)> {
    match (tokens.get(at), tokens.get(at + 1)) {
        (hash, Some(TokenTree::Group(g))) if is_punct(hash, '#') && g.delimiter() == Delimiter::Bracket => {
            Some((g, at + 2))
        }
        _ => None,
    }
}

fn after_attributes(tokens: &[TokenTree], mut at: usize) -> usize {
    while let Some((_, end)) = attribute_at(tokens, at) {
        at = end;
    }
    at
}

/// The text of an attribute `name("…")`.
fn text_in(attribute: &Group, wanted: &str) -> Option<String> {
    let tokens: Vec<TokenTree> = attribute.stream().into_iter().collect();
    match &tokens[..] {
        [TokenTree::Ident(name), TokenTree::Group(inner)] if name.to_string() == wanted => {
            literal(&inner.stream().into_iter().next()?)
        }
        _ => None,
    }
}

/// The value of a string literal.
pub(crate) fn literal(token: &TokenTree) -> Option<String> {
    let TokenTree::Literal(literal) = token else { return None };
    let text = literal.to_string();
    Some(text.strip_prefix('"')?.strip_suffix('"')?.replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// The parts between the commas that are inside no brackets of any kind.
pub(crate) fn split(tokens: &[TokenTree]) -> Vec<&[TokenTree]> {
    let mut parts = Vec::new();
    let (mut start, mut depth) = (0, 0i32);
    for (i, token) in tokens.iter().enumerate() {
        let arrow = i > 0 && is_punct(tokens.get(i - 1), '-');
        if is_punct(Some(token), '<') {
            depth += 1;
        } else if is_punct(Some(token), '>') && !arrow {
            depth -= 1;
        } else if is_punct(Some(token), ',') && depth == 0 {
            parts.push(&tokens[start..i]);
            start = i + 1;
        }
    }
    parts.push(&tokens[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Behind the `>` that closes the `<` at `at`.
fn after_angles(tokens: &[TokenTree], at: usize) -> usize {
    let mut depth = 0;
    for (i, token) in tokens.iter().enumerate().skip(at) {
        if is_punct(Some(token), '<') {
            depth += 1;
        } else if is_punct(Some(token), '>') && !is_punct(tokens.get(i.wrapping_sub(1)), '-') {
            depth -= 1;
            if depth == 0 {
                return i + 1;
            }
        }
    }
    tokens.len()
}

fn type_of(tokens: &[TokenTree], fallback: Span) -> Type {
    Type { text: text_of(tokens, false), span: tokens.first().map_or(fallback, TokenTree::span) }
}

/// Tokens as text with as few blanks as may be, and without lifetimes unless they are asked for.
fn text_of(tokens: &[TokenTree], lifetimes: bool) -> String {
    let mut text = String::new();
    let mut tokens = tokens.iter();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(p) if p.as_char() == '\'' => {
                let name = tokens.next();
                if lifetimes {
                    text.push('\'');
                    text.push_str(&name.map(ToString::to_string).unwrap_or_default());
                }
            }
            TokenTree::Group(g) => {
                let (open, close) = match g.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                let inner: Vec<TokenTree> = g.stream().into_iter().collect();
                text.push_str(open);
                text.push_str(&text_of(&inner, lifetimes));
                text.push_str(close);
            }
            other => {
                let other = other.to_string();
                let word = |c: char| c.is_alphanumeric() || c == '_';
                if text.ends_with(word) && other.starts_with(word) {
                    text.push(' ');
                }
                text.push_str(&other);
            }
        }
    }
    text
}

fn is_ident(token: Option<&TokenTree>, name: &str) -> bool {
    matches!(token, Some(TokenTree::Ident(i)) if i.to_string() == name)
}

fn is_punct(token: Option<&TokenTree>, c: char) -> bool {
    matches!(token, Some(TokenTree::Punct(p)) if p.as_char() == c)
}

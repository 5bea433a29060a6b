//! SQL/JSON paths as Flink has them: Jayway's JsonPath behind an optional `lax` or `strict`.
//!
//! ```text
//! [lax | strict] $ .name .* ['name'] ["a", 'b'] [0] [-1] [0, 2] [1:3] [*] ..name ..* [?(@.price < 10 && @.tag == 'x')]
//! ```

mod filter;
mod parse;

use super::node::Node;
use filter::Filter;

/// How a missing value counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Mode {
    /// It is empty.
    Lax,
    /// It is an error.
    Strict,
}

/// A compiled path.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) mode: Mode,
    steps: Result<Vec<Step>, String>,
}

#[derive(Debug)]
enum Step {
    /// `.name`, `['a', 'b']`.
    Members(Vec<String>),
    /// `[0]`, `[0, 2]`; negative ones count from the end.
    Items(Vec<i64>),
    /// `[from:to]`.
    Slice(Option<i64>, Option<i64>),
    /// `*`.
    All,
    /// `..`: the node itself and all below it.
    Descendants,
    /// `[?(…)]`.
    Where(Filter),
}

impl Step {
    /// Whether it gives at most one node.
    fn is_definite(&self) -> bool {
        match self {
            Self::Members(names) => names.len() == 1,
            Self::Items(indices) => indices.len() == 1,
            _ => false,
        }
    }
}

impl Path {
    /// A path that is wrong fails where it is evaluated, under the ON ERROR clause.
    pub(super) fn new(text: &str) -> Self {
        let trimmed = text.trim_start();
        let with_mode = |word: &str| {
            let (mode, rest) = (trimmed.get(..word.len())?, trimmed.get(word.len()..)?);
            (mode.eq_ignore_ascii_case(word) && rest.starts_with(char::is_whitespace)).then(|| rest.trim_start())
        };
        let (mode, path) = match (with_mode("lax"), with_mode("strict")) {
            (Some(rest), _) => (Mode::Lax, rest),
            (None, Some(rest)) => (Mode::Strict, rest),
            (None, None) => (Mode::Strict, text),
        };
        Self { mode, steps: parse::steps(path) }
    }

    /// What the path names in a document: `Ok(None)` where it names nothing or (in lax mode) a JSON null; `Err` says why it
    /// fails in strict mode.
    pub(super) fn evaluate<'n, 'a>(&self, document: &'n Node<'a>) -> Result<Option<Found<'n, 'a>>, String> {
        let steps = self.steps.as_ref().map_err(Clone::clone)?;
        if *document == Node::Null {
            return Err("the document is a JSON null".to_owned());
        }
        if steps.iter().all(Step::is_definite) {
            let found = steps.iter().try_fold(document, |node, step| definite(node, step));
            return match (found, self.mode) {
                (Some(Node::Null) | None, Mode::Lax) => Ok(None),
                (Some(Node::Null), Mode::Strict) => Err("the path names a JSON null".to_owned()),
                (None, Mode::Strict) => Err("the path names nothing".to_owned()),
                (Some(node), _) => Ok(Some(Found::One(node))),
            };
        }
        let mut nodes = vec![document];
        for step in steps {
            let mut next = Vec::new();
            nodes.into_iter().for_each(|node| apply(node, step, document, &mut next));
            nodes = next;
        }
        Ok(Some(Found::Many(nodes)))
    }
}

/// What a path gave.
pub(super) enum Found<'n, 'a> {
    One(&'n Node<'a>),
    /// Of a path that may name more than one value: an array, also where they are one or none.
    Many(Vec<&'n Node<'a>>),
}

fn definite<'n, 'a>(node: &'n Node<'a>, step: &Step) -> Option<&'n Node<'a>> {
    match (step, node) {
        (Step::Members(names), Node::Object(members)) => {
            members.iter().find(|(key, _)| *key == names[0]).map(|(_, value)| value)
        }
        (Step::Items(indices), Node::Array(items)) => item(items, indices[0]),
        _ => None,
    }
}

fn item<'n, 'a>(items: &'n [Node<'a>], index: i64) -> Option<&'n Node<'a>> {
    let index = if index < 0 { index + items.len() as i64 } else { index };
    items.get(usize::try_from(index).ok()?)
}

/// Appends what a step gives of one node.
fn apply<'n, 'a>(node: &'n Node<'a>, step: &Step, root: &'n Node<'a>, out: &mut Vec<&'n Node<'a>>) {
    match (step, node) {
        (Step::Members(names), Node::Object(members)) => {
            out.extend(names.iter().filter_map(|name| members.iter().find(|(key, _)| key == name)).map(|(_, v)| v));
        }
        (Step::Items(indices), Node::Array(items)) => out.extend(indices.iter().filter_map(|i| item(items, *i))),
        (Step::Slice(from, to), Node::Array(items)) => {
            let length = items.len() as i64;
            let place = |index: i64| (if index < 0 { index + length } else { index }).clamp(0, length) as usize;
            let (from, to) = (place(from.unwrap_or(0)), place(to.unwrap_or(length)));
            out.extend(items.get(from..to).unwrap_or_default());
        }
        (Step::All, Node::Array(items)) => out.extend(items),
        (Step::All, Node::Object(members)) => out.extend(members.iter().map(|(_, value)| value)),
        (Step::Descendants, _) => descendants(node, out),
        (Step::Where(filter), Node::Array(items)) => {
            out.extend(items.iter().filter(|item| filter.matches(item, root)));
        }
        (Step::Where(filter), Node::Object(_)) => out.extend(Some(node).filter(|node| filter.matches(node, root))),
        _ => {}
    }
}

fn descendants<'n, 'a>(node: &'n Node<'a>, out: &mut Vec<&'n Node<'a>>) {
    out.push(node);
    match node {
        Node::Array(items) => items.iter().for_each(|item| descendants(item, out)),
        Node::Object(members) => members.iter().for_each(|(_, value)| descendants(value, out)),
        _ => {}
    }
}

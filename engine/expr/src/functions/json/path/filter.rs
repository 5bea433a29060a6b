//! Filters: comparisons of paths from `@` (the item) or `$` and literals, with `&&`, `||`, `!` and parentheses.

use std::cmp::Ordering;

use super::parse::Parser;
use super::{Step, apply};
use crate::functions::json::node::Node;

#[derive(Debug)]
pub(super) enum Filter {
    Or(Box<Filter>, Box<Filter>),
    And(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
    Compare(Operand, Comparison, Operand),
    /// A path that names something.
    Exists(Operand),
}

#[derive(Debug)]
pub(super) enum Operand {
    /// From the item, or from the root.
    Path {
        from_item: bool,
        steps: Vec<Step>,
    },
    Literal(Node<'static>),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Filter {
    /// Reads up to the closing parenthesis.
    pub(super) fn parse(parser: &mut Parser) -> Result<Self, String> {
        let mut left = Self::parse_and(parser)?;
        while {
            parser.skip_space();
            parser.take_text("||")
        } {
            left = Self::Or(Box::new(left), Box::new(Self::parse_and(parser)?));
        }
        Ok(left)
    }

    fn parse_and(parser: &mut Parser) -> Result<Self, String> {
        let mut left = Self::parse_term(parser)?;
        while {
            parser.skip_space();
            parser.take_text("&&")
        } {
            left = Self::And(Box::new(left), Box::new(Self::parse_term(parser)?));
        }
        Ok(left)
    }

    fn parse_term(parser: &mut Parser) -> Result<Self, String> {
        parser.skip_space();
        if parser.take('!') {
            return Ok(Self::Not(Box::new(Self::parse_term(parser)?)));
        }
        if parser.take('(') {
            let inner = Self::parse(parser)?;
            parser.expect(')')?;
            return Ok(inner);
        }
        let left = Operand::parse(parser)?;
        parser.skip_space();
        const COMPARISONS: [(&str, Comparison); 6] = [
            ("==", Comparison::Equal),
            ("!=", Comparison::NotEqual),
            ("<=", Comparison::LessOrEqual),
            (">=", Comparison::GreaterOrEqual),
            ("<", Comparison::Less),
            (">", Comparison::Greater),
        ];
        match COMPARISONS.iter().find(|(sign, _)| parser.take_text(sign)) {
            Some((_, comparison)) => Ok(Self::Compare(left, *comparison, Operand::parse(parser)?)),
            None => Ok(Self::Exists(left)),
        }
    }

    pub(super) fn matches(&self, item: &Node, root: &Node) -> bool {
        match self {
            Self::Or(a, b) => a.matches(item, root) || b.matches(item, root),
            Self::And(a, b) => a.matches(item, root) && b.matches(item, root),
            Self::Not(a) => !a.matches(item, root),
            Self::Exists(operand) => operand.with_value(item, root, |value| value.is_some()),
            Self::Compare(left, comparison, right) => left.with_value(item, root, |left| {
                right.with_value(item, root, |right| match (left, right) {
                    (Some(left), Some(right)) => compare(left, *comparison, right),
                    _ => matches!(comparison, Comparison::NotEqual),
                })
            }),
        }
    }
}

fn compare(left: &Node, comparison: Comparison, right: &Node) -> bool {
    let number = |text: &str| text.parse::<f64>().ok();
    let order = match (left, right) {
        (Node::Number(a), Node::Number(b)) => number(a).zip(number(b)).and_then(|(a, b)| a.partial_cmp(&b)),
        (Node::Text(a), Node::Text(b)) => Some(a.cmp(b)),
        _ => (left == right).then_some(Ordering::Equal),
    };
    match comparison {
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::NotEqual => order != Some(Ordering::Equal),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Comparison::Greater => order == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

impl Operand {
    fn parse(parser: &mut Parser) -> Result<Self, String> {
        parser.skip_space();
        for (sign, from_item) in [('@', true), ('$', false)] {
            if parser.take(sign) {
                let mut steps = Vec::new();
                parser.steps(&mut steps)?;
                return Ok(Self::Path { from_item, steps });
            }
        }
        if parser.peeks("'") || parser.peeks("\"") {
            return Ok(Self::Literal(Node::Text(parser.quoted()?.into())));
        }
        let end = parser.rest().find([' ', ')', '=', '<', '>', '!', '&', '|']).unwrap_or(parser.rest().len());
        let word = &parser.rest()[..end];
        let literal = match word {
            "true" => Node::Boolean(true),
            "false" => Node::Boolean(false),
            "null" => Node::Null,
            number if number.parse::<f64>().is_ok() => Node::Number(number.to_owned().into()),
            _ => return parser.fail("a value is missing"),
        };
        parser.at += end;
        Ok(Self::Literal(literal))
    }

    /// Calls `f` with the first value that the operand names.
    fn with_value(&self, item: &Node, root: &Node, f: impl FnOnce(Option<&Node>) -> bool) -> bool {
        match self {
            Self::Literal(literal) => f(Some(literal)),
            Self::Path { from_item, steps } => {
                let mut nodes = vec![if *from_item { item } else { root }];
                for step in steps {
                    let mut next = Vec::new();
                    nodes.into_iter().for_each(|node| apply(node, step, root, &mut next));
                    nodes = next;
                }
                f(nodes.first().copied())
            }
        }
    }
}

//! JSON_EXISTS, JSON_VALUE, JSON_QUERY and IS JSON.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ListArray};
use arrow::compute::interleave;
use arrow::datatypes::Field;
use wasmill_plan::{DataType, Error, MAX_LENGTH, Result, TypeKind, Value};

use super::cells::{Cells, supports};
use super::clauses::{Behaviour, Clauses, Wrapper};
use super::node::Node;
use super::path::{Found, Mode, Path};
use crate::function::{Argument, CallSite, Kernel, Signature};
use crate::functions::arguments::{Param, nullable, string, variadic};
use crate::functions::columns::{booleans, kernel, text, try_booleans, try_texts, variable_length};

/// The types of a call whose first two arguments are texts, its clauses read.
fn with_clauses(args: &[Argument]) -> Result<(Vec<DataType>, Clauses), String> {
    let types = variadic(args, &[Param::Text, Param::Text], Param::Any)?;
    let clauses = Clauses::parse(args.iter().map(|a| a.literal))?;
    Ok((types, clauses))
}

fn clauses_of(site: &CallSite) -> Result<Clauses> {
    Clauses::parse(site.literals.iter().map(Option::as_ref)).map_err(Error::query)
}

/// The paths of one call: compiled once where they are constant, else kept while they repeat.
struct Paths(Option<(String, Path)>);

impl Paths {
    fn new(site: &CallSite) -> Self {
        let mut paths = Self(None);
        if let Some(Value::Text(path)) = &site.literals[1] {
            paths.get(path);
        }
        paths
    }
    fn get(&mut self, text: &str) -> &Path {
        if self.0.as_ref().is_none_or(|(last, _)| last != text) {
            self.0 = Some((text.to_owned(), Path::new(text)));
        }
        &self.0.as_ref().expect("just set").1
    }
}

/// Calls `f` with what the path names in the document; a malformed document is empty in lax mode.
fn with_found<T>(json: &str, path: &Path, f: impl FnOnce(Result<Option<Found>, String>) -> T) -> T {
    match (Node::parse(json), path.mode) {
        (Ok(document), _) => f(path.evaluate(&document)),
        (Err(_), Mode::Lax) => f(Ok(None)),
        (Err(e), Mode::Strict) => f(Err(format!("malformed JSON: {e}"))),
    }
}

pub(super) fn infer_exists(args: &[Argument]) -> Result<Signature, String> {
    let (types, clauses) = with_clauses(args)?;
    match (clauses.returning, clauses.on_empty, clauses.on_error) {
        (None, None, None | Some(Behaviour::True | Behaviour::False | Behaviour::Null | Behaviour::Error)) => {
            nullable(types, TypeKind::Boolean)
        }
        _ => Err("takes only TRUE, FALSE, UNKNOWN or ERROR ON ERROR".to_owned()),
    }
}

pub(super) fn exists(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let (clauses, mut paths) = (clauses_of(site)?, Paths::new(site));
    kernel(move |args, rows| {
        let (json, path) = (text(&args[0]), text(&args[1]));
        try_booleans(rows, |row| {
            let (Some(json), Some(path)) = (json.get(row), path.get(row)) else { return Ok(None) };
            with_found(json, paths.get(path), |found| match (found, clauses.on_error) {
                (Ok(found), _) => Ok(Some(found.is_some())),
                (Err(_), Some(Behaviour::True)) => Ok(Some(true)),
                (Err(_), Some(Behaviour::Null)) => Ok(None),
                (Err(e), Some(Behaviour::Error)) => Err(Error::data(format!("JSON_EXISTS: {e}"))),
                (Err(_), _) => Ok(Some(false)),
            })
        })
    })
}

pub(super) fn infer_value(args: &[Argument]) -> Result<Signature, String> {
    let (mut types, clauses) = with_clauses(args)?;
    let returns = clauses.returning.clone().unwrap_or(TypeKind::Varchar(MAX_LENGTH));
    if !supports(&returns) {
        return Err(format!("cannot return {returns}"));
    }
    if clauses.wrapper != Wrapper::Without {
        return Err("takes no WRAPPER clause".to_owned());
    }
    for behaviour in [clauses.on_empty, clauses.on_error].into_iter().flatten() {
        match behaviour {
            Behaviour::Null | Behaviour::Error => {}
            Behaviour::Default(index) => types[index] = DataType::nullable(returns.clone()),
            _ => return Err("takes only NULL, ERROR or DEFAULT … ON EMPTY and ON ERROR".to_owned()),
        }
    }
    nullable(types, returns)
}

pub(super) fn value(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let (clauses, mut paths, returns) = (clauses_of(site)?, Paths::new(site), site.returns.kind.clone());
    let (on_empty, on_error) =
        (clauses.on_empty.unwrap_or(Behaviour::Null), clauses.on_error.unwrap_or(Behaviour::Null));
    kernel(move |args, rows| {
        let (json, path) = (text(&args[0]), text(&args[1]));
        let mut cells = Cells::new(&returns, rows)?;
        // Which row takes which argument instead of its cell.
        let mut defaults: Vec<(usize, usize)> = Vec::new();
        for row in 0..rows {
            let (Some(json), Some(path)) = (json.get(row), path.get(row)) else {
                cells.push_null();
                continue;
            };
            let path = paths.get(path);
            let otherwise = with_found(json, path, |found| match found {
                Ok(Some(Found::One(node))) if node.is_scalar() => {
                    if cells.push(node) {
                        return None;
                    }
                    Some((on_error, format!("the value is no {returns}")))
                }
                Ok(Some(_)) if path.mode == Mode::Strict => Some((on_error, "the value is no scalar".to_owned())),
                Ok(_) => Some((on_empty, "the result is empty".to_owned())),
                Err(e) => Some((on_error, e)),
            });
            match otherwise {
                None => {}
                Some((Behaviour::Error, e)) => return Err(Error::data(format!("JSON_VALUE: {e}"))),
                Some((behaviour, _)) => {
                    if let Behaviour::Default(index) = behaviour {
                        defaults.push((row, index));
                    }
                    cells.push_null();
                }
            }
        }
        let cells = cells.finish();
        if defaults.is_empty() {
            return Ok(cells);
        }
        let sources: Vec<&dyn Array> =
            std::iter::once(&cells as &dyn Array).chain(args[2..].iter().map(|a| a.array() as &dyn Array)).collect();
        // Clauses are texts; only the defaults are of the type of the cells.
        let of_type: Vec<&dyn Array> = sources
            .iter()
            .map(|s| if s.data_type() == cells.data_type() { *s } else { &cells as &dyn Array })
            .collect();
        let mut picks: Vec<(usize, usize)> = (0..rows).map(|row| (0, row)).collect();
        for (row, index) in defaults {
            picks[row] = (index - 1, args[index].index(row));
        }
        Ok(interleave(&of_type, &picks)?)
    })
}

pub(super) fn infer_query(args: &[Argument]) -> Result<Signature, String> {
    let (types, clauses) = with_clauses(args)?;
    let returns = clauses.returning.unwrap_or_else(string);
    let array = match &returns {
        TypeKind::Array(item) if supports(&item.kind) => true,
        kind if kind.is_text() => false,
        kind => return Err(format!("cannot return {kind}, only text and arrays of scalars")),
    };
    for behaviour in [clauses.on_empty, clauses.on_error].into_iter().flatten() {
        match behaviour {
            Behaviour::Null | Behaviour::Error | Behaviour::EmptyArray => {}
            Behaviour::EmptyObject if !array => {}
            Behaviour::EmptyObject => return Err(format!("EMPTY OBJECT is no {returns}")),
            _ => return Err("takes only NULL, ERROR, EMPTY ARRAY or EMPTY OBJECT ON EMPTY and ON ERROR".to_owned()),
        }
    }
    nullable(types, returns)
}

/// What JSON_QUERY gives for a row: the value, wrapped, or what stands in for it.
fn queried<T>(
    json: &str,
    path: &Path,
    clauses: &Clauses,
    take: impl FnOnce(&Node) -> Option<T>,
    stand_in: impl FnOnce(Behaviour) -> Option<T>,
) -> Result<Option<T>> {
    let result = with_found(json, path, |found| {
        let Some(found) = found.map_err(|e| (clauses.on_error, e))? else {
            return Err((clauses.on_empty, "the result is empty".to_owned()));
        };
        let node = match found {
            Found::One(node) => Cow::Borrowed(node),
            // Nothing to wrap.
            Found::Many(nodes) if nodes.is_empty() && clauses.wrapper == Wrapper::Unconditional => {
                return Err((clauses.on_empty, "the result is empty".to_owned()));
            }
            Found::Many(nodes) => Cow::Owned(Node::Array(nodes.into_iter().cloned().collect())),
        };
        let wrap = match clauses.wrapper {
            Wrapper::Without => false,
            Wrapper::Conditional => !matches!(*node, Node::Array(_)),
            Wrapper::Unconditional => true,
        };
        let node = if wrap { Cow::Owned(Node::Array(vec![node.into_owned()])) } else { node };
        match (node.is_scalar(), path.mode) {
            (true, Mode::Lax) => Err((clauses.on_empty, "the result is empty".to_owned())),
            (true, Mode::Strict) => Err((clauses.on_error, "the value is neither array nor object".to_owned())),
            (false, _) => take(&node)
                .ok_or_else(|| (clauses.on_error, "the value is not of the type that is returned".to_owned())),
        }
    });
    match result {
        Ok(value) => Ok(Some(value)),
        Err((None | Some(Behaviour::Null), _)) => Ok(None),
        Err((Some(Behaviour::Error), e)) => Err(Error::data(format!("JSON_QUERY: {e}"))),
        Err((Some(behaviour), _)) => Ok(stand_in(behaviour)),
    }
}

pub(super) fn query(site: &CallSite) -> Result<Box<dyn Kernel>> {
    let (clauses, mut paths) = (clauses_of(site)?, Paths::new(site));
    if let TypeKind::Array(item) = &site.returns.kind {
        return query_array(clauses, paths, item.kind.clone());
    }
    kernel(move |args, rows| {
        let (json, path) = (text(&args[0]), text(&args[1]));
        try_texts(rows, |row, out| {
            let (Some(json), Some(path)) = (json.get(row), path.get(row)) else { return Ok(None) };
            let out = std::cell::RefCell::new(out);
            queried(
                json,
                paths.get(path),
                &clauses,
                |node| {
                    node.write(&mut out.borrow_mut());
                    Some(())
                },
                |behaviour| {
                    out.borrow_mut().push_str(if behaviour == Behaviour::EmptyArray { "[]" } else { "{}" });
                    Some(())
                },
            )
        })
    })
}

fn query_array(clauses: Clauses, mut paths: Paths, item: TypeKind) -> Result<Box<dyn Kernel>> {
    kernel(move |args, rows| -> Result<ArrayRef> {
        let (json, path) = (text(&args[0]), text(&args[1]));
        let mut cells = Cells::new(&item, rows)?;
        let mut count = 0;
        let (offsets, nulls) = variable_length(rows, |row| {
            let (Some(json), Some(path)) = (json.get(row), path.get(row)) else { return Ok((count, false)) };
            let added = queried(
                json,
                paths.get(path),
                &clauses,
                |node| {
                    let Node::Array(items) = node else { return None };
                    // All or none, so that a failure leaves nothing behind.
                    let mut probe = Cells::new(&item, items.len()).ok()?;
                    if !items.iter().all(|item| probe.push(item)) {
                        return None;
                    }
                    items.iter().for_each(|item| {
                        cells.push(item);
                    });
                    Some(items.len())
                },
                |_| Some(0),
            )?;
            count += added.unwrap_or(0);
            Ok((count, added.is_some()))
        })?;
        let values = cells.finish();
        let field = Arc::new(Field::new("item", values.data_type().clone(), true));
        Ok(Arc::new(ListArray::try_new(field, offsets, values, nulls)?))
    })
}

/// Whether a text is JSON that passes `test`; false for NULL.
pub(super) fn is_json(test: fn(&Node) -> bool) -> Result<Box<dyn Kernel>> {
    kernel(move |args, rows| {
        let s = text(&args[0]);
        booleans(rows, |row| Some(s.get(row).is_some_and(|s| Node::parse(s).is_ok_and(|node| test(&node)))))
    })
}

//! `wasmill udf test`: cases from a file, run through the engine.
//!
//! ```text
//! # a comment; CREATE statements may come first, each ended by ;
//! risk(500.0, 'DE') = 0.05                      a scalar function: SQL on both sides
//! root(-1.0) fails 'no root'                    the error has this text
//! words('a b') = ('a', 1), ('b', 2)             a table function: rows in their order, or `no rows`
//! geo_mean over (2.0), (8.0) = 4.0              an aggregate over rows
//! SELECT … = (…), (…)                           any query
//! ```

use wasmill_server::Session;
use wasmill_wasm::{Description, FunctionOptions, Kind, Module};

use super::query::{self, Rows};
use super::{Fault, Result, TestArgs, inspect, say};

/// DOUBLEs are equal if they differ by this part of themselves.
const RELATIVE_ERROR_MAX: f64 = 1e-9;

/// Runs the cases; gives whether all are as they say.
pub(super) fn test(args: &TestArgs) -> Result<bool> {
    let module = Module::load(&args.module, &FunctionOptions::default())?;
    let file = args.cases.clone().unwrap_or_else(|| args.module.with_file_name("cases.txt"));
    let text = std::fs::read_to_string(&file).map_err(|e| {
        Fault::new(format!("cannot read the cases '{}'", file.display()))
            .detail(e)
            .hint("name the file after the module")
    })?;
    let (statements, cases) = split(&text);
    let mut session = Session::new();
    let mut functions: Vec<Description> = module.descriptions().to_vec();
    // What the file does not create itself is created as the module describes it.
    let created: Vec<Description> = statements.iter().filter_map(|s| declared(s)).collect();
    for function in functions.iter().filter(|f| !created.iter().any(|c| c.name.eq_ignore_ascii_case(&f.name))) {
        // A model that wants an artifact needs a statement that names it.
        if function.kind == Kind::Model && module.exports_function(&format!("{}__load", function.name)) {
            continue;
        }
        let Some(sql) = inspect::statement(&module, function) else { continue };
        query::execute(&mut session, &sql).map_err(rendered)?;
    }
    for statement in &statements {
        let file = args.module.display().to_string().replace('\'', "''");
        let whole = declared(statement).is_none() || statement.to_uppercase().contains("USING");
        let sql = if whole { statement.clone() } else { format!("{statement} LANGUAGE WASM USING FILE '{file}'") };
        query::execute(&mut session, &sql).map_err(rendered)?;
        functions.extend(declared(&sql));
    }
    let (mut passed, mut failed) = (0, 0);
    for (line, case) in &cases {
        match run(&mut session, &functions, case) {
            Ok(()) => passed += 1,
            Err(why) => {
                failed += 1;
                say(format_args!("{}:{line}: {case}\n  {}\n", file.display(), why.replace('\n', "\n  ")));
            }
        }
    }
    if passed + failed == 0 {
        return Err(Fault::new(format!("'{}' has no cases", file.display())));
    }
    say(format_args!("{passed} passed, {failed} failed\n"));
    Ok(failed == 0)
}

/// An error that the engine has written out already.
fn rendered(text: String) -> Fault {
    Fault::new(text.trim_start_matches("error: ").trim_end())
}

/// The statements that come first, and the cases with their line numbers.
fn split(text: &str) -> (Vec<String>, Vec<(usize, String)>) {
    let (mut statements, mut cases) = (Vec::new(), Vec::new());
    let mut open: Option<String> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line.starts_with("--") {
            continue;
        }
        let begins = open.is_none() && line.get(..7).is_some_and(|w| w.eq_ignore_ascii_case("CREATE "));
        if open.is_some() || begins {
            let statement = open.get_or_insert_default();
            statement.push_str(line.trim_end_matches(';'));
            statement.push('\n');
            if line.ends_with(';') {
                statements.push(open.take().unwrap_or_default().trim_end().to_owned());
            }
            continue;
        }
        cases.push((number, line.trim_end_matches(';').to_owned()));
    }
    statements.extend(open.map(|s| s.trim_end().to_owned()));
    (statements, cases)
}

/// The name and kind of a CREATE statement's function.
fn declared(sql: &str) -> Option<Description> {
    let words: Vec<&str> = sql.split(|c: char| c.is_whitespace() || c == '(').filter(|w| !w.is_empty()).collect();
    // CREATE [TEMPORARY] [AGGREGATE | TABLE] FUNCTION, CREATE [TEMPORARY] MODEL
    let of_functions = |word: &&str| ["FUNCTION", "MODEL"].iter().any(|f| word.eq_ignore_ascii_case(f));
    let function = words.iter().take(4).position(of_functions)?;
    let kind = match words.get(function.checked_sub(1)?)?.to_uppercase().as_str() {
        _ if words[function].eq_ignore_ascii_case("MODEL") => Kind::Model,
        "AGGREGATE" => Kind::Aggregate,
        "TABLE" => Kind::Table,
        _ => Kind::Scalar,
    };
    let name = words.get(function + 1)?.trim_matches('`').to_owned();
    Some(Description { name, kind, arguments: None, returns: None, labels: None, state: Vec::new() })
}

fn run(session: &mut Session, functions: &[Description], case: &str) -> Result<(), String> {
    if let Some((call, message)) = split_outside(case, " fails ") {
        let wanted = message.trim().trim_matches('\'').replace("''", "'");
        return match query::rows(session, &sql(functions, call)) {
            Ok(rows) => Err(format!("it did not fail, it gave {}", shown(&rows.rows))),
            Err(error) if error.contains(&wanted) => Ok(()),
            Err(error) => Err(format!("it failed otherwise:\n{}", error.trim_end())),
        };
    }
    let Some((call, expected)) = split_outside(case, " = ") else {
        return Err("a case is written `call = value` or `call fails 'message'`".to_owned());
    };
    let got = query::rows(session, &sql(functions, call)).map_err(|e| e.trim_end().to_owned())?;
    let expected = expected_rows(session, expected.trim(), &got)?;
    let same = got.rows.len() == expected.len() && got.rows.iter().zip(&expected).all(|(a, b)| same_row(a, b));
    if same { Ok(()) } else { Err(format!("it gave {}, not {}", shown(&got.rows), shown(&expected))) }
}

/// The query that a call stands for.
fn sql(functions: &[Description], call: &str) -> String {
    let call = call.trim();
    if call.get(..7).is_some_and(|w| w.eq_ignore_ascii_case("SELECT ")) {
        return call.to_owned();
    }
    if let Some((aggregate, rows)) = split_outside(call, " over ") {
        let first = rows.trim().trim_start_matches('(');
        let columns = arguments(&first[..first.find(')').unwrap_or(first.len())]);
        let names: Vec<String> = (0..columns).map(|i| format!("c{i}")).collect();
        let names = names.join(", ");
        return format!("SELECT {aggregate}({names}) FROM (VALUES {rows}) AS t ({names})");
    }
    let name = call.split('(').next().unwrap_or_default().trim();
    let kind = functions.iter().rev().find(|f| f.name.eq_ignore_ascii_case(name)).map(|f| f.kind);
    match kind {
        Some(Kind::Table) => format!("SELECT t.* FROM (VALUES (1)) AS one (one) CROSS JOIN LATERAL TABLE({call}) AS t"),
        _ => format!("SELECT {call}"),
    }
}

/// How many values stand between commas.
fn arguments(list: &str) -> usize {
    let mut count = 1;
    let mut rest = list;
    while let Some((_, after)) = split_first_outside(rest, ",") {
        count += 1;
        rest = after;
    }
    count
}

/// The rows of the right side, cast to the types of what came.
fn expected_rows(session: &mut Session, text: &str, got: &Rows) -> Result<Vec<Vec<String>>, String> {
    if text.eq_ignore_ascii_case("no rows") {
        return Ok(Vec::new());
    }
    let mut rows = Vec::new();
    let mut rest = text;
    loop {
        let (row, after) = match split_first_outside(rest, ",") {
            Some((row, after)) if row.trim().starts_with('(') || got.types.len() == 1 => (row, Some(after)),
            _ => (rest, None),
        };
        let inner = row.trim();
        let inner = match inner.strip_prefix('(').and_then(|r| r.strip_suffix(')')) {
            Some(inner) if got.types.len() > 1 || after.is_some() || text.starts_with('(') => inner,
            _ => inner,
        };
        let mut values = Vec::new();
        let mut cells = inner;
        while let Some((cell, next)) = split_first_outside(cells, ",") {
            values.push(cell.trim());
            cells = next;
        }
        values.push(cells.trim());
        if values.len() != got.types.len() {
            return Err(format!("a row of {} values was expected, it gave {} columns", values.len(), got.types.len()));
        }
        let cast: Vec<String> =
            values.iter().zip(&got.types).map(|(v, ty)| format!("CAST({v} AS {})", ty.kind)).collect();
        let one = query::rows(session, &format!("SELECT {}", cast.join(", "))).map_err(|e| e.trim_end().to_owned())?;
        rows.extend(one.rows);
        match after {
            Some(after) => rest = after,
            None => return Ok(rows),
        }
    }
}

fn same_row(a: &[String], b: &[String]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|(a, b)| {
            a == b
                || match (a.parse::<f64>(), b.parse::<f64>()) {
                    (Ok(a), Ok(b)) => (a - b).abs() <= RELATIVE_ERROR_MAX * a.abs().max(b.abs()),
                    _ => false,
                }
        })
}

fn shown(rows: &[Vec<String>]) -> String {
    match rows {
        [] => "no rows".to_owned(),
        [row] if row.len() == 1 => row[0].clone(),
        rows => rows.iter().map(|r| format!("({})", r.join(", "))).collect::<Vec<_>>().join(", "),
    }
}

/// Splits at the last `separator` that is outside quotes and parentheses.
fn split_outside<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let at = *places_outside(text, separator).last()?;
    Some((&text[..at], &text[at + separator.len()..]))
}

/// Splits at the first such.
fn split_first_outside<'a>(text: &'a str, separator: &str) -> Option<(&'a str, &'a str)> {
    let at = *places_outside(text, separator).first()?;
    Some((&text[..at], &text[at + separator.len()..]))
}

fn places_outside(text: &str, separator: &str) -> Vec<usize> {
    let (mut depth, mut quoted, mut places) = (0i32, false, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            _ if depth == 0 && text[i..].starts_with(separator) => places.push(i),
            _ => {}
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines() {
        let text = "# note\nCREATE FUNCTION f(x INT)\n  RETURNS INT;\nf(1) = 2\n\nf(' = ') = 3;\n";
        let (statements, cases) = split(text);
        assert_eq!(statements, ["CREATE FUNCTION f(x INT)\nRETURNS INT"]);
        assert_eq!(cases, [(4, "f(1) = 2".to_owned()), (6, "f(' = ') = 3".to_owned())]);
        assert_eq!(split_outside("f(' = ', (1 = 2)) = 3", " = "), Some(("f(' = ', (1 = 2))", "3")));
        assert_eq!(arguments("1, 'a,b', f(2, 3)"), 3);
    }

    #[test]
    fn calls() {
        let functions: Vec<Description> = declared("CREATE TABLE FUNCTION words(s STRING) RETURNS TABLE (w STRING)")
            .into_iter()
            .chain(declared("CREATE FUNCTION half(x DOUBLE)"))
            .collect();
        assert_eq!((functions[0].name.as_str(), functions[0].kind), ("words", Kind::Table));
        assert_eq!((functions[1].name.as_str(), functions[1].kind), ("half", Kind::Scalar));
        assert!(sql(&functions, "words('a')").contains("LATERAL TABLE(words('a'))"));
        assert_eq!(sql(&functions, "half(1)"), "SELECT half(1)");
        assert_eq!(
            sql(&functions, "m over (1, 2), (3, 4)"),
            "SELECT m(c0, c1) FROM (VALUES (1, 2), (3, 4)) AS t (c0, c1)"
        );
    }

    #[test]
    fn nearly_equal() {
        let row = |text: &str| vec![text.to_owned()];
        assert!(same_row(&row("0.30000000000000004"), &row("0.3")));
        assert!(!same_row(&row("0.31"), &row("0.3")));
        assert!(!same_row(&row("null"), &row("0.3")));
    }
}

//! What can stand where the cursor is, judged by the words around it: no parser, since what is being typed is not finished.

use super::lexer::{Kind, Piece, pieces};

/// What is wanted at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want<'a> {
    /// Nothing that is known.
    Nothing,
    /// A statement or command.
    Start,
    /// What `help` explains.
    Topic,
    /// A file.
    Path,
    /// A table or view.
    Relation,
    /// A column of that table or alias.
    ColumnOf(&'a str),
    /// A user's function.
    UserFunction,
    /// One of these.
    Words(&'static [&'static str]),
    /// A type.
    Type,
    /// A key of WITH.
    OptionKey,
    /// The value of that key of WITH.
    OptionValue(&'a str),
    /// A setting.
    SettingKey,
    /// The value of that setting.
    SettingValue(&'a str),
    /// Columns, functions and keywords.
    Expression,
}

/// How the word at the cursor is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quotes {
    /// Not at all.
    None,
    /// Inside single quotes, closed behind the cursor or not.
    Text {
        /// Whether the closing quote is there.
        is_closed: bool,
    },
}

/// The cursor's surroundings.
#[derive(Clone, Debug)]
pub struct Context<'a> {
    /// What is wanted.
    pub want: Want<'a>,
    /// The byte where the word at the cursor begins, behind its single quote.
    pub start: usize,
    /// What stands of it before the cursor.
    pub typed: &'a str,
    /// Its quotes.
    pub quotes: Quotes,
    /// The whole statement, without blanks and comments.
    pub statement: Vec<Piece<'a>>,
}

/// The surroundings of the byte `cursor` of `text`.
pub fn context(text: &str, cursor: usize) -> Context<'_> {
    let all = pieces(text);
    let is_end = |p: &Piece| p.is_symbol(";");
    let from = all.iter().rposition(|p| is_end(p) && p.end() <= cursor).map_or(0, |i| i + 1);
    let to = all.iter().position(|p| is_end(p) && p.start >= cursor).unwrap_or(all.len());
    let statement: Vec<Piece> = all[from..to.max(from)].iter().filter(|p| p.is_significant()).copied().collect();

    let touches = |p: &&Piece| p.start < cursor && cursor <= p.end();
    let is_open = |p: &&Piece| !matches!(p.kind, Kind::Text | Kind::Name) || cursor < p.end() || !p.is_closed;
    let current = all.iter().find(touches).filter(is_open);
    let (start, quotes) = match current {
        Some(p) if p.kind == Kind::Comment => {
            return Context { want: Want::Nothing, start: cursor, typed: "", quotes: Quotes::None, statement };
        }
        Some(p) if p.kind == Kind::Text => (p.start + 1, Quotes::Text { is_closed: p.is_closed }),
        Some(p) if matches!(p.kind, Kind::Word | Kind::Name | Kind::Number) => (p.start, Quotes::None),
        _ => (cursor, Quotes::None),
    };
    let begin = if quotes == Quotes::None { start } else { start - 1 };
    let before: Vec<Piece> = statement.iter().filter(|p| p.end() <= begin).copied().collect();
    let typed = &text[start..cursor];
    let whole = Context { want: Want::Nothing, start, typed, quotes, statement };
    // These take the rest of the line as it is.
    if let Some(first) = before.first().filter(|p| p.is("HELP") || p.is("SOURCE")) {
        let rest = &text[first.end()..cursor];
        let start = cursor - rest.trim_start().len();
        let want = if first.is("HELP") { Want::Topic } else { Want::Path };
        return Context { want, start, typed: &text[start..cursor], quotes: Quotes::None, ..whole };
    }
    let want = if quotes == Quotes::None { wanted_word(&before) } else { wanted_text(&before) };
    Context { want, ..whole }
}

/// What a text in single quotes behind `before` means.
fn wanted_text<'a>(before: &[Piece<'a>]) -> Want<'a> {
    let [first, .., last] = before else {
        return match before {
            [only] if only.is("SET") || only.is("RESET") => Want::SettingKey,
            _ => Want::Nothing,
        };
    };
    let key = || before[before.len() - 2].unquoted();
    if last.is("FILE") {
        return Want::Path;
    }
    match (last.is_symbol("="), first.is("SET"), is_in_options(before)) {
        (true, true, _) => Want::SettingValue(key()),
        (true, _, true) => Want::OptionValue(key()),
        (false, _, true) => Want::OptionKey,
        _ => Want::Nothing,
    }
}

/// What a word behind `before` means.
fn wanted_word<'a>(before: &[Piece<'a>]) -> Want<'a> {
    let (Some(first), Some(last)) = (before.first(), before.last()) else { return Want::Start };
    let previous = before.len().checked_sub(2).map(|i| before[i]);
    if last.is_symbol(".") {
        return previous.map_or(Want::Nothing, |p| Want::ColumnOf(p.unquoted()));
    }
    if is_in_options(before) {
        return if last.is_symbol("(") || last.is_symbol(",") { Want::OptionKey } else { Want::Nothing };
    }
    if before.len() == 1 && (first.is("SET") || first.is("RESET")) {
        return Want::SettingKey;
    }
    let names_new = first.is("CREATE") && before.len() <= 4 && depth(before) == 0;
    match last.text.to_ascii_uppercase().as_str() {
        _ if last.kind != Kind::Word => in_create(before).unwrap_or(Want::Expression),
        "SHOW" => Want::Words(&[
            "TABLES",
            "VIEWS",
            "FUNCTIONS",
            "USER FUNCTIONS",
            "MODELS",
            "JOBS",
            "CREATE TABLE",
            "CREATE VIEW",
            "COLUMNS FROM",
            "CATALOGS",
            "DATABASES",
            "CURRENT CATALOG",
            "CURRENT DATABASE",
        ]),
        "CREATE" if first.is("SHOW") => Want::Words(&["TABLE", "VIEW", "FUNCTION"]),
        "CREATE" => Want::Words(&[
            "TABLE",
            "VIEW",
            "FUNCTION",
            "MODEL",
            "AGGREGATE FUNCTION",
            "TABLE FUNCTION",
            "PROCESS FUNCTION",
            "TEMPORARY VIEW",
            "OR REPLACE FUNCTION",
        ]),
        "DROP" if first.is("ALTER") => Want::Words(&["SHADOW"]),
        "DROP" => Want::Words(&["TABLE", "VIEW", "FUNCTION", "MODEL"]),
        "ALTER" => Want::Words(&["FUNCTION", "MODEL"]),
        "STOP" => Want::Words(&["JOB"]),
        "EXPLAIN" => Want::Words(&["SELECT", "INSERT INTO", "STATEMENT SET BEGIN"]),
        "EXECUTE" => Want::Words(&["STATEMENT SET BEGIN"]),
        "INSERT" => Want::Words(&["INTO"]),
        "LANGUAGE" => Want::Words(&["WASM"]),
        "USING" => Want::Words(&["FILE"]),
        "EMIT" => Want::Words(&["ON ARRIVAL"]),
        "FUNCTION" if ["ALTER", "DESC", "DESCRIBE", "DROP", "SHOW"].iter().any(|w| first.is(w)) => Want::UserFunction,
        "TABLE" | "VIEW" | "FUNCTION" | "EXISTS" if names_new => Want::Nothing,
        "DESCRIBE" | "DESC" if before.len() == 1 => Want::Relation,
        "FROM" | "JOIN" | "INTO" | "TABLE" | "VIEW" => Want::Relation,
        "EXISTS" if first.is("DROP") => Want::Relation,
        "LIKE" if first.is("CREATE") && depth(before) == 0 => Want::Relation,
        "USE" => Want::Words(&["default_database", "CATALOG default_catalog"]),
        _ => in_create(before).unwrap_or(Want::Expression),
    }
}

/// Between the parentheses of the columns of CREATE TABLE: a column begins behind a comma, its type behind its name.
fn in_create<'a>(before: &[Piece<'a>]) -> Option<Want<'a>> {
    let is_table = before.first()?.is("CREATE") && before.iter().take(3).any(|p| p.is("TABLE"));
    if !is_table || depth(before) != 1 {
        return None;
    }
    let column = &before[before.iter().rposition(|p| p.is_symbol("(") || p.is_symbol(","))? + 1..];
    match column {
        [] => Some(Want::Words(&["WATERMARK FOR", "PRIMARY KEY"])),
        [name] if !name.is("WATERMARK") && !name.is("PRIMARY") => Some(Want::Type),
        _ => None,
    }
}

/// Open parentheses behind `pieces`.
fn depth(pieces: &[Piece]) -> usize {
    pieces.iter().fold(0usize, |depth, p| match p.text {
        "(" => depth + 1,
        ")" => depth.saturating_sub(1),
        _ => depth,
    })
}

/// Whether the innermost open parenthesis is that of `WITH (`.
fn is_in_options(before: &[Piece]) -> bool {
    let mut open = Vec::new();
    for (i, piece) in before.iter().enumerate() {
        match piece.text {
            "(" => open.push(i),
            ")" => drop(open.pop()),
            _ => {}
        }
    }
    open.last().and_then(|i| i.checked_sub(1)).is_some_and(|i| before[i].is("WITH"))
}

/// The tables and views that a statement reads or writes, with the names they have in it.
pub fn mentions<'a>(statement: &[Piece<'a>]) -> Vec<(&'a str, &'a str)> {
    let mut found = Vec::new();
    let is_name = |p: &&Piece| p.kind == Kind::Name || p.kind == Kind::Word && !super::words::is_keyword(p.text);
    for (i, piece) in statement.iter().enumerate() {
        if !["FROM", "JOIN", "INTO", "TABLE", "DESCRIBE"].iter().any(|word| piece.is(word)) {
            continue;
        }
        let Some(relation) = statement.get(i + 1).filter(is_name) else { continue };
        let skip = usize::from(statement.get(i + 2).is_some_and(|p| p.is("AS")));
        let alias = statement.get(i + 2 + skip).filter(is_name).unwrap_or(relation);
        found.push((relation.unquoted(), alias.unquoted()));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The context at `|`.
    fn at(text: &str) -> (Want<'static>, String) {
        let cursor = text.find('|').expect("a cursor");
        let text: &'static str = Box::leak(text.replace('|', "").into_boxed_str());
        let context = context(text, cursor);
        (context.want, context.typed.to_owned())
    }

    #[test]
    fn the_words_before_the_cursor_say_what_is_wanted() {
        for (text, want, typed) in [
            ("|", Want::Start, ""),
            ("SEL|", Want::Start, "SEL"),
            ("SELECT 1; se|", Want::Start, "se"),
            ("help cre|", Want::Topic, "cre"),
            ("help CREATE t|", Want::Topic, "CREATE t"),
            ("source examples/fr|", Want::Path, "examples/fr"),
            ("SELECT a FROM pay|", Want::Relation, "pay"),
            ("SELECT p.am| FROM payments p", Want::ColumnOf("p"), "am"),
            ("SELECT am| FROM payments", Want::Expression, "am"),
            ("SELECT * FROM TABLE(TUMBLE(TABLE pa|", Want::Relation, "pa"),
            ("CREATE TABLE t|", Want::Nothing, "t"),
            ("CREATE TABLE t (id BI|", Want::Type, "BI"),
            ("CREATE TABLE t (id INT, |", Want::Words(&["WATERMARK FOR", "PRIMARY KEY"]), ""),
            ("CREATE TABLE t (id INT) WITH ('con|", Want::OptionKey, "con"),
            ("CREATE TABLE t (id INT) WITH (|", Want::OptionKey, ""),
            ("CREATE TABLE t (id INT) WITH ('connector' = 'file|')", Want::OptionValue("connector"), "file"),
            ("CREATE TABLE t LIKE pay|", Want::Relation, "pay"),
            ("CREATE FUNCTION f(x INT) RETURNS INT LANGUAGE WASM USING FILE 'mod|", Want::Path, "mod"),
            ("SET 'tab|", Want::SettingKey, "tab"),
            ("SET |", Want::SettingKey, ""),
            ("SET 'parallelism.default' = '|", Want::SettingValue("parallelism.default"), ""),
            ("DROP FUNCTION f|", Want::UserFunction, "f"),
            ("DROP TABLE IF EXISTS p|", Want::Relation, "p"),
            ("SELECT 'te|", Want::Nothing, "te"),
            ("SELECT 1 -- com|", Want::Nothing, ""),
            ("DESCRIBE |;", Want::Relation, ""),
        ] {
            let (got, got_typed) = at(text);
            assert_eq!((&got, got_typed.as_str()), (&want, typed), "{text}");
        }
    }

    #[test]
    fn mentioned_relations_have_their_aliases() {
        let text = "INSERT INTO out SELECT * FROM payments AS p JOIN `card holders` h ON TRUE WHERE x IN (SELECT 1)";
        let statement: Vec<Piece> = pieces(text).into_iter().filter(Piece::is_significant).collect();
        assert_eq!(mentions(&statement), [("out", "out"), ("payments", "p"), ("card holders", "h")]);
    }
}

//! The words of the dialect, for completion and highlighting.

/// What a statement can begin with.
pub const STATEMENTS: &[&str] = &[
    "ALTER", "CREATE", "DESC", "DESCRIBE", "DROP", "EXECUTE", "EXPLAIN", "INSERT", "RESET", "SELECT", "SET", "SHOW",
    "STOP", "USE", "VALUES", "WITH",
];

/// Words that are highlighted, and offered where a word can stand.
pub const KEYWORDS: &[&str] = &[
    "ALL",
    "ALLOW",
    "ALTER",
    "AND",
    "ARRIVAL",
    "AS",
    "ASC",
    "BEGIN",
    "BETWEEN",
    "BY",
    "CASE",
    "CAST",
    "CREATE",
    "CROSS",
    "CUBE",
    "CUMULATE",
    "CURRENT",
    "DESC",
    "DESCRIBE",
    "DESCRIPTOR",
    "DISTINCT",
    "DROP",
    "ELSE",
    "EMIT",
    "END",
    "ENFORCED",
    "ESCAPE",
    "EXECUTE",
    "EXISTS",
    "EXPLAIN",
    "FALSE",
    "FILTER",
    "FOLLOWING",
    "FOR",
    "FROM",
    "FULL",
    "FUNCTION",
    "GROUP",
    "GROUPING",
    "HAVING",
    "HOP",
    "IF",
    "IN",
    "INNER",
    "INSERT",
    "INTERVAL",
    "INTO",
    "IS",
    "JOIN",
    "KEY",
    "LANGUAGE",
    "LATE",
    "LATENESS",
    "LATERAL",
    "LEFT",
    "LIKE",
    "LIMIT",
    "METADATA",
    "NOT",
    "NULL",
    "NULLS",
    "OFFSET",
    "ON",
    "OR",
    "ORDER",
    "OUTER",
    "OVER",
    "PARTITION",
    "PLAN",
    "PRECEDING",
    "PRIMARY",
    "RANGE",
    "REPLACE",
    "RESET",
    "RETURNS",
    "RIGHT",
    "ROLLUP",
    "ROW",
    "ROWS",
    "SELECT",
    "SESSION",
    "SET",
    "SETS",
    "SHADOW",
    "SHOW",
    "SIMILAR",
    "STATEMENT",
    "STOP",
    "SYSTEM_TIME",
    "TABLE",
    "TEMPORARY",
    "THEN",
    "TO",
    "TRUE",
    "TRY_CAST",
    "TUMBLE",
    "UNBOUNDED",
    "UNION",
    "UNNEST",
    "USE",
    "USING",
    "VALUES",
    "VIEW",
    "VIRTUAL",
    "WASM",
    "WATERMARK",
    "WHEN",
    "WHERE",
    "WINDOW",
    "WITH",
    "WITHIN",
];

/// Units of an interval.
pub const UNITS: &[&str] = &["DAY", "HOUR", "MINUTE", "MONTH", "SECOND", "YEAR"];

/// Types of columns.
pub const TYPES: &[&str] = &[
    "ARRAY",
    "BIGINT",
    "BINARY",
    "BOOLEAN",
    "BYTES",
    "CHAR",
    "DATE",
    "DECIMAL",
    "DOUBLE",
    "FLOAT",
    "INT",
    "MAP",
    "ROW",
    "SMALLINT",
    "STRING",
    "TIME",
    "TIMESTAMP",
    "TIMESTAMP_LTZ",
    "TINYINT",
    "VARBINARY",
    "VARCHAR",
];

/// Whether `word` belongs to the dialect, whatever its case.
pub fn is_keyword(word: &str) -> bool {
    let upper = word.to_ascii_uppercase();
    KEYWORDS.binary_search(&upper.as_str()).is_ok() || UNITS.contains(&upper.as_str())
}

/// Whether `word` is a type, whatever its case.
pub fn is_type(word: &str) -> bool {
    TYPES.binary_search(&word.to_ascii_uppercase().as_str()).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_sorted() {
        assert!(KEYWORDS.is_sorted() && TYPES.is_sorted() && STATEMENTS.is_sorted());
        assert!(is_keyword("select") && is_keyword("second") && !is_keyword("amount") && is_type("bigint"));
    }
}

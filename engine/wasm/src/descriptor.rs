//! What a module says of itself: the custom section `wasmill.udf`, one JSON object a line, written by the SDKs.
//!
//! ```text
//! {"name": "risk", "kind": "scalar", "arguments": ["DOUBLE", "STRING"], "returns": "DOUBLE"}
//! ```

use serde::Deserialize;

/// The section's name.
pub(crate) const SECTION: &str = "wasmill.udf";

/// One function's own description. CREATE FUNCTION refuses a declaration that contradicts it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub(crate) struct Descriptor {
    pub name: String,
    #[serde(default = "scalar")]
    pub kind: String,
    pub arguments: Option<Vec<String>>,
    pub returns: Option<String>,
}

fn scalar() -> String {
    "scalar".to_owned()
}

/// Reads a section; `Err` says what is wrong with it.
pub(crate) fn parse(section: &[u8]) -> Result<Vec<Descriptor>, String> {
    let text = std::str::from_utf8(section).map_err(|_| "it is not UTF-8 text".to_owned())?;
    serde_json::Deserializer::from_str(text)
        .into_iter::<Descriptor>()
        .collect::<Result<_, _>>()
        .map_err(|e| format!("it is not one JSON object a line: {e}"))
}

/// Whether two SQL types are written for the same: case, blanks and the names that Flink has for one type do not count.
pub(crate) fn same_type(described: &str, declared: &wasmill_plan::TypeKind) -> bool {
    let plain = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_uppercase();
    let described = match plain(described).trim_end_matches("NOTNULL") {
        "VARCHAR" | "TEXT" | "VARCHAR(2147483647)" => "STRING".to_owned(),
        "VARBINARY" | "VARBINARY(2147483647)" => "BYTES".to_owned(),
        "INTEGER" => "INT".to_owned(),
        "BOOL" => "BOOLEAN".to_owned(),
        "DOUBLEPRECISION" => "DOUBLE".to_owned(),
        "TIMESTAMP" => "TIMESTAMP(6)".to_owned(),
        "TIMESTAMP_LTZ" => "TIMESTAMP_LTZ(6)".to_owned(),
        "TIME" => "TIME(0)".to_owned(),
        "DECIMAL" | "DEC" | "NUMERIC" => "DECIMAL(10,0)".to_owned(),
        other => other.to_owned(),
    };
    // A guest sees all texts alike, so CHAR(n) and VARCHAR(n) fit a STRING.
    (described == "STRING" && declared.is_text())
        || (described == "BYTES" && declared.is_binary())
        || described == plain(&declared.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmill_plan::TypeKind;

    #[test]
    fn sections() {
        let two = parse(b"{\"name\":\"a\",\"returns\":\"DOUBLE\"}\n{\"name\":\"b\",\"kind\":\"aggregate\"}\n").unwrap();
        assert_eq!((two[0].name.as_str(), two[0].kind.as_str(), two[1].kind.as_str()), ("a", "scalar", "aggregate"));
        assert!(parse(b"{\"name\":").is_err());
        assert!(parse(b"\xff").unwrap_err().contains("UTF-8"));
        assert!(parse(b"").unwrap().is_empty());
    }

    #[test]
    fn types() {
        assert!(same_type("double", &TypeKind::Double));
        assert!(same_type("DECIMAL(10,2)", &TypeKind::Decimal(10, 2)));
        assert!(same_type("VARCHAR", &TypeKind::Varchar(20)));
        assert!(!same_type("BIGINT", &TypeKind::Int));
        assert!(same_type("Timestamp", &TypeKind::Timestamp(6)));
    }
}

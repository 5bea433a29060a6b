//! What a module says of itself, one JSON object a line: the custom section `wasmill.udf` that the SDKs write, and the export
//! `wm_describe`. udf-sdk/ABI.md, "The module's own description".
//!
//! ```text
//! {"name": "risk", "kind": "scalar", "arguments": [{"name": "amount", "type": "DOUBLE"}, "STRING"], "returns": "DOUBLE"}
//! ```

use serde::Deserialize;

use crate::signature::Kind;

/// The section's name.
pub(crate) const SECTION: &str = "wasmill.udf";
/// The export that gives the same text.
pub(crate) const EXPORT: &str = "wm_describe";
/// A longer description is refused.
pub(crate) const TEXT_BYTES_MAX: usize = 1 << 20;

/// One function's own description. CREATE refuses a declaration that contradicts it.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Description {
    /// The export without its suffix.
    pub name: String,
    /// How it is called.
    #[serde(default)]
    pub kind: Kind,
    /// The arguments in order; of a model, its INPUT.
    pub arguments: Option<Vec<Part>>,
    /// What it gives; of a model, its OUTPUT.
    pub returns: Option<Returns>,
    /// What a model learns from beside its INPUT; its OUTPUT where absent.
    pub labels: Option<Vec<Part>>,
    /// The state of a process function.
    #[serde(default)]
    pub state: Vec<StateField>,
}

/// A type as SQL writes it, with or without a name.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum Part {
    /// The type alone.
    Type(String),
    /// With a name.
    Named(NamedPart),
}

/// See [`Part::Named`].
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct NamedPart {
    /// The name.
    pub name: String,
    /// The type.
    #[serde(rename = "type")]
    pub data_type: String,
}

/// What a function gives.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(untagged)]
pub enum Returns {
    /// A value.
    Type(String),
    /// Columns.
    Columns(Vec<Part>),
}

/// A field of a process function's state.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct StateField {
    /// The name.
    pub name: String,
    /// The type as SQL writes it.
    #[serde(rename = "type")]
    pub data_type: String,
    /// `value`, `list` or `map`.
    pub kind: String,
    /// How long it is kept after it was written last.
    pub ttl: Option<String>,
}

impl Part {
    /// The type, as written.
    pub fn type_text(&self) -> &str {
        match self {
            Self::Type(text) => text,
            Self::Named(part) => &part.data_type,
        }
    }
    /// The name, or `prefix` and the position.
    pub fn name(&self, prefix: &str, position: usize) -> String {
        match self {
            Self::Type(_) => format!("{prefix}{position}"),
            Self::Named(part) => part.name.clone(),
        }
    }
}

/// Reads a section; `Err` says what is wrong with it.
pub(crate) fn parse(section: &[u8]) -> Result<Vec<Description>, String> {
    if section.len() > TEXT_BYTES_MAX {
        return Err(format!("it has {} bytes, more than {TEXT_BYTES_MAX}", section.len()));
    }
    let text = std::str::from_utf8(section).map_err(|_| "it is not UTF-8 text".to_owned())?;
    let all: Vec<Description> = serde_json::Deserializer::from_str(text)
        .into_iter::<Description>()
        .collect::<Result<_, _>>()
        .map_err(|e| format!("it is not one JSON object a line, as ABI.md has it: {e}"))?;
    if let Some((i, twice)) = all.iter().enumerate().find(|(i, d)| all[..*i].iter().any(|e| e.name == d.name)) {
        return Err(format!("object {} describes '{}' again", i + 1, twice.name));
    }
    Ok(all)
}

/// Whether two SQL types are written for the same: case, blanks and the names that Flink has for one type do not count.
pub(crate) fn same_type(described: &str, declared: &wasmill_plan::TypeKind) -> bool {
    let plain =
        |text: &str| text.chars().filter(|c| !c.is_whitespace() && *c != '`').collect::<String>().to_uppercase();
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
        assert_eq!((two[0].name.as_str(), two[0].kind, two[1].kind), ("a", Kind::Scalar, Kind::Aggregate));
        let table = br#"{"name": "t", "kind": "table", "arguments": ["INT", {"name": "b", "type": "INT"}], "returns": [{"name": "w", "type": "STRING"}]}"#;
        let table = &parse(table).unwrap()[0];
        let arguments = table.arguments.as_ref().unwrap();
        assert_eq!((arguments[0].name("arg", 0), arguments[1].name("arg", 1)), ("arg0".into(), "b".into()));
        assert!(matches!(&table.returns, Some(Returns::Columns(columns)) if columns[0].type_text() == "STRING"));
        assert!(parse(b"{\"name\":").is_err());
        assert!(parse(b"\xff").unwrap_err().contains("UTF-8"));
        assert!(parse(b"{\"name\":\"a\",\"colour\":1}").unwrap_err().contains("colour"));
        assert!(parse(b"{\"name\":\"a\",\"kind\":\"oracle\"}").unwrap_err().contains("oracle"));
        assert!(parse(b"{\"name\":\"a\"}{\"name\":\"a\"}").unwrap_err().contains("again"));
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

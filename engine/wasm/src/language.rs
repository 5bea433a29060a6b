//! The language that a module was written in, as its compiler notes it in the custom section `producers`
//! (WebAssembly tool conventions); Go leaves `go:buildid`. A module that was stripped does not say.

use wasmparser::{BinaryReader, ProducersSectionReader};

/// Compilers by how they name themselves, and languages as `producers` may write them.
const KNOWN: [(&str, &str); 12] = [
    ("rustc", "Rust"),
    ("rust", "Rust"),
    ("clang", "C"),
    ("c++", "C++"),
    ("c_plus_plus", "C++"),
    ("go", "Go"),
    ("tinygo", "Go"),
    ("zig", "Zig"),
    ("assemblyscript", "AssemblyScript"),
    ("componentize-py", "Python"),
    ("componentize-js", "JavaScript"),
    ("c", "C"),
];

/// The language by the name and content of a custom section.
pub(crate) fn of_section(name: &str, data: &[u8], offset: usize) -> Option<&'static str> {
    match name {
        "go:buildid" => Some("Go"),
        "producers" => of_producers(data, offset),
        _ => None,
    }
}

fn of_producers(data: &[u8], offset: usize) -> Option<&'static str> {
    let fields = ProducersSectionReader::new(BinaryReader::new(data, offset)).ok()?;
    let mut found = None;
    for field in fields.into_iter().flatten() {
        let is_language = field.name == "language";
        if !is_language && field.name != "processed-by" {
            continue;
        }
        for value in field.values.into_iter().flatten() {
            let word = value.name.split([' ', '(']).next().unwrap_or_default().to_ascii_lowercase();
            let word = word.trim_end_matches(|c: char| c.is_ascii_digit() || c == '_');
            let known = KNOWN.iter().find(|(name, _)| *name == word).map(|(_, language)| *language);
            if is_language && known.is_some() {
                return known;
            }
            found = found.or(known);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of one value, both texts shorter than 128 bytes.
    fn producers(field: &str, name: &str, version: &str) -> Vec<u8> {
        let text = |t: &str| [&[t.len() as u8], t.as_bytes()].concat();
        [vec![1], text(field), vec![1], text(name), text(version)].concat()
    }

    #[test]
    fn compilers_and_languages() {
        for (field, name, language) in [
            ("processed-by", "rustc", Some("Rust")),
            ("processed-by", "Go cmd/compile", Some("Go")),
            ("language", "C99", Some("C")),
            ("language", "C_plus_plus_14", Some("C++")),
            ("processed-by", "wasm-bindgen", None),
        ] {
            assert_eq!(of_section("producers", &producers(field, name, "1"), 0), language, "{name}");
        }
        assert_eq!(of_section("producers", &[255, 255, 255], 0), None);
        assert_eq!(of_section("go:buildid", &[], 0), Some("Go"));
    }
}

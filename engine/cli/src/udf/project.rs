//! `wasmill udf new`: writes a project.

use std::fs;
use std::path::Path;

use super::languages::{self, KINDS, KindOf, Language, README};
use super::{Fault, NewArgs, Result, say};

/// Makes the folder.
pub(super) fn new(args: &NewArgs) -> Result<()> {
    let Some(language) = languages::find(&args.lang) else {
        let names: Vec<&str> = languages::ALL.iter().map(|l| l.name).collect();
        return Err(Fault::new(format!("there is no template for '{}'", args.lang))
            .hint(format!("the languages are {}", names.join(", "))));
    };
    let kind = kind(language, &args.kind)?;
    let folder = &args.folder;
    let name = module_name(folder)?;
    let occupied = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if occupied || folder.is_file() {
        return Err(
            Fault::new(format!("'{}' is there already", folder.display())).hint("name a folder that is new or empty")
        );
    }
    write(folder, &name, language, kind)?;
    let shown = folder.display();
    say(format_args!(
        "{shown}: {} in {}\n\n  wasmill udf build {shown}\n  wasmill udf test {shown}/{}.wasm\n  wasmill udf inspect {shown}/{}.wasm\n",
        if kind.name == "scalar" { "a function".to_owned() } else { lower_first(kind.title) },
        language.title,
        crate_name(&name),
        crate_name(&name),
    ));
    Ok(())
}

/// The kind of that name, if the language has a template for it.
fn kind(language: &Language, name: &str) -> Result<&'static KindOf> {
    let Some(kind) = KINDS.iter().find(|kind| kind.name == name) else {
        let names: Vec<&str> = KINDS.iter().map(|kind| kind.name).collect();
        return Err(
            Fault::new(format!("there is no kind '{name}'")).hint(format!("the kinds are {}", names.join(", ")))
        );
    };
    let has = |language: &Language| name == "scalar" || language.kinds.iter().any(|(kind, _)| *kind == name);
    if has(language) {
        return Ok(kind);
    }
    let others: Vec<&str> = languages::ALL.iter().filter(|l| has(l)).map(|l| l.name).collect();
    Err(Fault::new(format!("there is no template for {} in {}", lower_first(kind.title), language.title))
        .hint(format!("there is one in each of {}; ABI.md is enough to write one in any language", others.join(", "))))
}

/// `A model` → `a model`.
fn lower_first(title: &str) -> String {
    let mut chars = title.chars();
    chars.next().map_or(String::new(), |first| first.to_lowercase().chain(chars).collect())
}

fn write(folder: &Path, name: &str, language: &Language, kind: &KindOf) -> Result<()> {
    let source = own_source(language);
    let own = language.kinds.iter().find(|(name, _)| *name == kind.name).map(|(_, text)| *text);
    let cases = ("cases.txt", kind.cases);
    for (path, text) in language.template.iter().chain(language.sdk).chain([&cases, &README]) {
        let text = own.filter(|_| *path == source).unwrap_or(text);
        let path = folder.join(path);
        let text = text
            .replace("{{sql}}", kind.sql)
            .replace("{{kind}}", kind.title)
            .replace("{{name}}", name)
            .replace("{{crate}}", &crate_name(name))
            .replace("{{language}}", language.title)
            .replace("{{source}}", source);
        let written = fs::create_dir_all(path.parent().unwrap_or(folder)).and_then(|()| fs::write(&path, text));
        written.map_err(|e| Fault::new(format!("cannot write '{}'", path.display())).detail(e))?;
    }
    Ok(())
}

/// The file that the user edits.
fn own_source(language: &Language) -> &'static str {
    match language.name {
        "rust" => "src/lib.rs",
        "go" => "main.go",
        _ => language.source,
    }
}

/// The folder's name, if a module can be called so.
pub(super) fn module_name(folder: &Path) -> Result<String> {
    let full = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    // "." has no name of its own.
    let name = full.components().next_back().map(|c| c.as_os_str().to_string_lossy().into_owned()).unwrap_or_default();
    let fits = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    if !fits {
        return Err(Fault::new(format!("'{name}' cannot be the name of a module"))
            .hint("use ASCII letters, digits, '-' and '_', beginning with a letter: fraud-model"));
    }
    Ok(name)
}

/// `fraud-model` → `fraud_model`.
pub(super) fn crate_name(name: &str) -> String {
    name.replace('-', "_").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert_eq!(crate_name(&module_name(Path::new("a/Fraud-model")).unwrap()), "fraud_model");
        assert!(module_name(Path::new("a/b c")).is_err());
        assert!(module_name(Path::new("a/1b")).is_err());
    }

    #[test]
    fn every_language_writes_a_project() {
        let folder = tempfile::tempdir().unwrap();
        for language in &languages::ALL {
            for kind in KINDS.iter().filter(|kind| self::kind(language, kind.name).is_ok()) {
                let project = folder.path().join(language.name).join(kind.name);
                write(&project, "fraud-model", language, kind).unwrap();
                assert!(project.join(language.source).is_file(), "{}", language.name);
                for (path, _) in language.template.iter().chain([&("cases.txt", ""), &README]) {
                    let text = fs::read_to_string(project.join(path)).unwrap();
                    assert!(!text.contains("{{"), "{} {path}: {text}", language.name);
                }
                let source = fs::read_to_string(project.join(own_source(language))).unwrap();
                assert_eq!(source.contains("initials"), kind.name == "scalar", "{} {}", language.name, kind.name);
            }
        }
        let refused = kind(languages::find("zig").unwrap(), "model").err().unwrap();
        assert!(format!("{refused:?}").contains("no template for a model in Zig"), "{refused:?}");
        assert!(format!("{refused:?}").contains("there is one in each of rust, c, go;"), "{refused:?}");
        assert!(kind(languages::find("c").unwrap(), "oracle").is_err());
    }
}

//! `wasmill udf new`: writes a project.

use std::fs;
use std::path::Path;

use super::languages::{self, COMMON, Language};
use super::{Fault, NewArgs, Result, say};

/// Makes the folder.
pub(super) fn new(args: &NewArgs) -> Result<()> {
    let Some(language) = languages::find(&args.lang) else {
        let names: Vec<&str> = languages::ALL.iter().map(|l| l.name).collect();
        return Err(Fault::new(format!("there is no template for '{}'", args.lang))
            .hint(format!("the languages are {}", names.join(", "))));
    };
    let folder = &args.folder;
    let name = module_name(folder)?;
    let occupied = fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
    if occupied || folder.is_file() {
        return Err(
            Fault::new(format!("'{}' is there already", folder.display())).hint("name a folder that is new or empty")
        );
    }
    write(folder, &name, language)?;
    let shown = folder.display();
    say(format_args!(
        "{shown}: a function in {}\n\n  wasmill udf build {shown}\n  wasmill udf test {shown}/{}.wasm\n  wasmill udf inspect {shown}/{}.wasm\n",
        language.title,
        crate_name(&name),
        crate_name(&name),
    ));
    Ok(())
}

fn write(folder: &Path, name: &str, language: &Language) -> Result<()> {
    for (path, text) in language.template.iter().chain(language.sdk).chain(COMMON) {
        let path = folder.join(path);
        let text = text
            .replace("{{name}}", name)
            .replace("{{crate}}", &crate_name(name))
            .replace("{{language}}", language.title)
            .replace("{{source}}", language.template.last().map_or(language.source, |_| own_source(language)));
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
            let project = folder.path().join(language.name);
            write(&project, "fraud-model", language).unwrap();
            assert!(project.join(language.source).is_file(), "{}", language.name);
            for (path, _) in language.template.iter().chain(COMMON) {
                let text = fs::read_to_string(project.join(path)).unwrap();
                assert!(!text.contains("{{"), "{} {path}: {text}", language.name);
            }
        }
    }
}

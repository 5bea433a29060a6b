//! The text of a script.

use std::io::Read;

use crate::args::ScriptArgs;

/// Reads what the arguments name.
///
/// # Errors
/// What was attempted and why it failed, for the user.
pub fn read(args: &ScriptArgs) -> Result<String, String> {
    if let Some(text) = &args.execute {
        return Ok(text.clone());
    }
    let Some(path) = &args.file else { return Err("no script was given".to_owned()) };
    let bytes = if path.as_os_str() == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(|e| format!("cannot read standard input: {e}"))?;
        bytes
    } else {
        std::fs::read(path).map_err(|e| format!("cannot read '{}': {}", path.display(), reason(&e)))?
    };
    String::from_utf8(bytes).map(|text| text.trim_start_matches('\u{feff}').to_owned()).map_err(|e| {
        let before = &e.as_bytes()[..e.utf8_error().valid_up_to()];
        let line = before.iter().filter(|b| **b == b'\n').count() + 1;
        format!("'{}' is not UTF-8: line {line}", path.display())
    })
}

/// An I/O error without its number.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}

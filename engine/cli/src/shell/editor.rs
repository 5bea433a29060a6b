//! The line editor: reedline with our prompt, history, completion, highlighting and the rule that a statement ends with `;`.

use std::borrow::Cow;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use nu_ansi_term::{Color, Style};
use reedline::{
    Completer, CompletionResult, DefaultHinter, EditCommand, Emacs, FileBackedHistory, IdeMenu, KeyCode, KeyModifiers,
    MenuBuilder, Prompt, PromptEditMode, PromptHistorySearch, PromptHistorySearchStatus, Reedline, ReedlineEvent,
    ReedlineMenu, Span, Suggestion, ValidationResult, Validator, default_emacs_keybindings,
};
use wasmill_sql::is_complete;

use super::command::{self, Entry};
use super::complete::complete;
use super::highlight::SqlHighlighter;
use super::names::Names;

/// Entries that are kept.
const HISTORY_MAX: usize = 10_000;
const MENU: &str = "completion";

/// An editor that knows `names`; the note says where the history could not be kept.
pub fn editor(names: &Arc<RwLock<Names>>, has_colours: bool) -> (Reedline, Option<String>) {
    let (history, note) = match history() {
        Ok(history) => (history, None),
        Err(why) => (FileBackedHistory::default(), Some(format!("the history is not kept: {why}"))),
    };
    let mut keys = default_emacs_keybindings();
    let tab = vec![ReedlineEvent::Menu(MENU.to_owned()), ReedlineEvent::MenuNext];
    keys.add_binding(KeyModifiers::NONE, KeyCode::Tab, ReedlineEvent::UntilFound(tab));
    keys.add_binding(KeyModifiers::SHIFT, KeyCode::BackTab, ReedlineEvent::MenuPrevious);
    // Enter, where it was typed while a statement ran: the terminal had turned it into a line feed.
    keys.add_binding(KeyModifiers::CONTROL, KeyCode::Char('j'), ReedlineEvent::Enter);
    let line_break = ReedlineEvent::Edit(vec![EditCommand::InsertNewline]);
    keys.add_binding(KeyModifiers::ALT, KeyCode::Enter, line_break);
    let menu = IdeMenu::default()
        .with_name(MENU)
        .with_marker("> ")
        .with_text_style(Style::new())
        .with_selected_text_style(Style::new().reverse())
        .with_match_text_style(Style::new().bold())
        .with_selected_match_text_style(Style::new().reverse().bold())
        .with_description_text_style(Style::new().dimmed())
        .with_word_chars("_.-'`/")
        .with_max_completion_height(10)
        .with_min_description_width(20)
        .with_padding(1);
    let editor = Reedline::create()
        .with_history(Box::new(history))
        .with_history_exclusion_prefix(Some(" ".to_owned()))
        .with_completer(Box::new(SqlCompleter { names: names.clone() }))
        .with_menu(ReedlineMenu::EngineCompleter(Box::new(menu)))
        .with_quick_completions(true)
        .with_partial_completions(true)
        .with_highlighter(Box::new(SqlHighlighter::new(names.clone())))
        .with_hinter(Box::new(DefaultHinter::default().with_style(Style::new().fg(Color::DarkGray)).with_min_chars(3)))
        .with_validator(Box::new(StatementEnd))
        .with_edit_mode(Box::new(Emacs::new(keys)))
        .with_ansi_colors(has_colours)
        .use_bracketed_paste(true);
    (editor, note)
}

/// Enter runs what is complete, else it begins a new line.
struct StatementEnd;

impl Validator for StatementEnd {
    fn validate(&self, line: &str) -> ValidationResult {
        let is_done = !matches!(command::read(line), Entry::Statements) || is_complete(line);
        if is_done { ValidationResult::Complete } else { ValidationResult::Incomplete }
    }
}

struct SqlCompleter {
    names: Arc<RwLock<Names>>,
}

impl Completer for SqlCompleter {
    fn complete(&mut self, line: &str, pos: usize) -> CompletionResult {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let suggestion = |c: super::complete::Candidate| Suggestion {
            display_override: Some(c.name).filter(|name| *name != c.value),
            value: c.value,
            description: Some(c.note).filter(|note| !note.is_empty()),
            span: Span::new(c.start, pos),
            append_whitespace: c.is_whole,
            ..Suggestion::default()
        };
        CompletionResult::fresh(complete(line, pos, &names).into_iter().map(suggestion).collect::<Vec<_>>())
    }
}

/// `wasmill> `, and `      -> ` on the lines that follow.
pub struct SqlPrompt;

impl Prompt for SqlPrompt {
    fn render_prompt_left(&self) -> Cow<'_, str> {
        "wasmill".into()
    }
    fn render_prompt_right(&self) -> Cow<'_, str> {
        "".into()
    }
    fn render_prompt_indicator(&self, _mode: PromptEditMode) -> Cow<'_, str> {
        "> ".into()
    }
    fn render_prompt_multiline_indicator(&self) -> Cow<'_, str> {
        "      -> ".into()
    }
    fn render_prompt_history_search_indicator(&self, search: PromptHistorySearch) -> Cow<'_, str> {
        let found = match search.status {
            PromptHistorySearchStatus::Passing => "",
            PromptHistorySearchStatus::Failing => "nothing like ",
        };
        format!(" ({found}'{}')> ", search.term).into()
    }
}

/// The history in its file, which only the user can read: statements may hold secrets.
fn history() -> Result<FileBackedHistory, String> {
    let path = history_path().ok_or("neither XDG_STATE_HOME nor HOME is set")?;
    let failed = |e: &dyn std::fmt::Display| format!("'{}': {e}", path.display());
    prepare(&path).map_err(|e| failed(&e))?;
    FileBackedHistory::with_file(HISTORY_MAX, path.clone()).map_err(|e| failed(&e))
}

fn prepare(path: &Path) -> std::io::Result<()> {
    fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// `$XDG_STATE_HOME/wasmill/history`, or `~/.local/state/wasmill/history`.
fn history_path() -> Option<PathBuf> {
    let set = |key: &str| std::env::var_os(key).filter(|v| !v.is_empty()).map(PathBuf::from);
    let state = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("wasmill").join("history"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn enter_runs_what_is_complete() {
        let runs = |line: &str| matches!(StatementEnd.validate(line), ValidationResult::Complete);
        assert!(runs("") && runs("help") && runs("hlep") && runs("SELECT 1;") && runs("SELECT 1; -- done"));
        assert!(
            !runs("SELECT 1") && !runs("SELECT ';") && !runs("EXECUTE STATEMENT SET BEGIN INSERT INTO t SELECT 1;")
        );
        assert!(!runs("selct"), "it may be the first line of something");
    }
}

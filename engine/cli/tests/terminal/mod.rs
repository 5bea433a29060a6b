//! The binary on a pseudo-terminal: keys in, what is shown out. `on_pty.py` holds the terminal, since a process with a terminal
//! of its own cannot be started from safe Rust without another package.

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Nothing takes longer, even on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// A running program and what it has shown that was not waited for yet.
pub struct Terminal {
    child: Child,
    keys: ChildStdin,
    output: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    /// Starts `wasmill` with that folder for its state, in another folder.
    pub fn start(state: &Path, folder: &Path, args: &[&str]) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terminal/on_pty.py");
        let mut child = Command::new("python3")
            .arg(script)
            .arg(env!("CARGO_BIN_EXE_wasmill"))
            .args(args)
            .current_dir(folder)
            .env("XDG_STATE_HOME", state)
            .env("TERM", "xterm-256color")
            .env_remove("NO_COLOR")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 starts");
        let keys = child.stdin.take().expect("keys");
        let mut stdout = child.stdout.take().expect("output");
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(n) = stdout.read(&mut buffer) {
                if n == 0 || sender.send(buffer[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { child, keys, output, shown: String::new() }
    }

    /// Types text; `\r` is Enter.
    pub fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).and_then(|()| self.keys.flush()).expect("it takes keys");
    }

    /// Waits until `text` is shown, colours and cursor movements aside, and gives what came up to it.
    pub fn expect(&mut self, text: &str) -> String {
        let until = Instant::now() + DEADLINE;
        loop {
            let plain = plain(&self.shown);
            if let Some(at) = plain.find(text) {
                let (before, rest) = plain.split_at(at + text.len());
                let before = before.to_owned();
                self.shown = rest.to_owned();
                return before;
            }
            let left = until.saturating_duration_since(Instant::now());
            assert!(self.read(left), "'{text}' was not shown, but:\n{plain}");
        }
    }

    /// Takes what is shown next, if something is in that time.
    fn read(&mut self, wait: Duration) -> bool {
        let Ok(chunk) = self.output.recv_timeout(wait) else { return false };
        let chunk = String::from_utf8_lossy(&chunk);
        // The editor asks where the cursor is; a terminal answers, unless it has just been closed.
        for _ in chunk.matches("\u{1b}[6n") {
            let _ = self.keys.write_all(b"\x1b[1;1R").and_then(|()| self.keys.flush());
        }
        self.shown.push_str(&chunk);
        true
    }

    /// Waits for its end and gives the exit code.
    pub fn exit_code(mut self) -> Option<i32> {
        let until = Instant::now() + DEADLINE;
        while Instant::now() < until {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            self.read(Duration::from_millis(10));
        }
        panic!("it does not end");
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Text without escape sequences; an unfinished one at the end stays.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, sequence)) = rest.split_once('\u{1b}') {
        out.push_str(before);
        let end = match sequence.strip_prefix('[') {
            Some(parameters) => parameters.find(|c: char| c.is_ascii_alphabetic()).map(|at| at + 2),
            None => sequence.char_indices().nth(1).map(|(at, _)| at),
        };
        match end {
            Some(end) => rest = &sequence[end..],
            None => return out + "\u{1b}" + sequence,
        }
    }
    out + rest
}

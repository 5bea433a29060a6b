//! Functions for wasmill in Zig: `comptime { wasmill.scalar("name", function); }` exports an ordinary function, with what ABI.md
//! asks of the module, and describes it in the custom section `wasmill.udf`.
//!
//!     const wasmill = @import("wasmill.zig");
//!     fn risk(amount: f64, country: []const u8) ?f64 { … }
//!     comptime { wasmill.scalar("risk", risk); }
//!
//! Arguments are bool, i8 to i64, f32, f64 and []const u8 (STRING), or an optional of one, which sees NULL; where another one is NULL
//! the function is not called and the result is NULL. Results are the same, or an optional, or an error union, whose error
//! fails the row. `wasmill.Bytes`, `Date`, `Time`, `Timestamp(p)`, `TimestampLtz(p)` and `Decimal(p, s)` are the SQL types that Zig has no type of
//! its own for. A text that a function gives must stay until the batch is done: a part of an argument, a constant, or from
//! `wasmill.allocator()`, which forgets all at the next batch.

const std = @import("std");

/// BYTES.
pub const Bytes = struct { value: []const u8, pub const sql = "BYTES"; const code = 10; };
/// DATE: days since 1970-01-01.
pub const Date = struct { value: i32, pub const sql = "DATE"; const code = 11; };
/// TIME: milliseconds since midnight.
pub const Time = struct { value: i32, pub const sql = "TIME"; const code = 12; };

/// TIMESTAMP(p) since 1970-01-01 00:00: milliseconds for p <= 3, microseconds for p <= 6, else nanoseconds.
pub fn Timestamp(comptime p: u8) type {
    return struct { value: i64, pub const sql = std.fmt.comptimePrint("TIMESTAMP({d})", .{p}); const code = 13; };
}
/// TIMESTAMP_LTZ(p), as Timestamp, in UTC.
pub fn TimestampLtz(comptime p: u8) type {
    return struct { value: i64, pub const sql = std.fmt.comptimePrint("TIMESTAMP_LTZ({d})", .{p}); const code = 14; };
}
/// DECIMAL(p, s): the value times 10 to the s.
pub fn Decimal(comptime p: u8, comptime s: u8) type {
    return struct { value: i128, pub const sql = std.fmt.comptimePrint("DECIMAL({d}, {d})", .{ p, s }); const code = 8; };
}

/// `wm_column` of ABI.md.
pub const Column = extern struct {
    type: u32,
    flags: u32,
    length: u32,
    null_count: u32,
    validity: ?[*]u8,
    offsets: [*]i32,
    data: [*]u8,
    data_bytes: u32,
    children: ?[*]Column,
    child_count: u32,
    parameter: u32,
    reserved: [5]u32,

    fn isNull(self: *const Column, row: usize) bool {
        const bits = self.validity orelse return false;
        return bits[row >> 3] >> @intCast(row & 7) & 1 == 0;
    }
};

/// `wm_batch` of ABI.md.
pub const Batch = extern struct { rows: u32, column_count: u32, columns: [*]const Column, reserved: u32 };

/// `wm_result` of ABI.md.
pub const Result = extern struct {
    columns: [*]Column,
    column_count: u32,
    rows: u32,
    @"error": ?[*]const u8,
    error_bytes: u32,
    reserved: [3]u32,
};

const constant: u32 = 1;
const nulls_unknown: u32 = 0xffff_ffff;

var results = std.heap.ArenaAllocator.init(std.heap.wasm_allocator);

/// Memory that lasts until the next batch.
pub fn allocator() std.mem.Allocator {
    return results.allocator();
}

fn wm_abi() callconv(.c) u32 {
    return 1;
}
fn wm_alloc(bytes: u32, alignment: u32) callconv(.c) ?[*]u8 {
    const log2: std.mem.Alignment = @enumFromInt(@ctz(alignment));
    return std.heap.wasm_allocator.rawAlloc(@max(bytes, 1), log2, 0);
}
fn wm_free(block: [*]u8, bytes: u32, alignment: u32) callconv(.c) void {
    const log2: std.mem.Alignment = @enumFromInt(@ctz(alignment));
    std.heap.wasm_allocator.rawFree(block[0..@max(bytes, 1)], log2, 0);
}
comptime {
    @export(&wm_abi, .{ .name = "wm_abi" });
    @export(&wm_alloc, .{ .name = "wm_alloc" });
    @export(&wm_free, .{ .name = "wm_free" });
}

/// Exports `function` as the scalar function `name`. One over numbers alone becomes a plain export, which the engine inlines.
pub fn scalar(comptime name: []const u8, comptime function: anytype) void {
    const F = @TypeOf(function);
    _ = Description(description(name, F)).written;
    comptime var plain = isNumber(Return(F));
    inline for (parameters(F)) |T| plain = plain and isNumber(T);
    if (plain) {
        @export(&Plain(function).call, .{ .name = name });
    } else {
        @export(&Columns(function).call, .{ .name = name ++ "__cols" });
    }
}

fn Return(comptime F: type) type {
    return @typeInfo(F).@"fn".return_type orelse @compileError("a function that SQL calls has no anytype");
}

/// The types of a function's parameters; the compiler's own description of them changed with version 0.17.
fn parameters(comptime F: type) []const type {
    const info = @typeInfo(F).@"fn";
    const generic = "a function that SQL calls has no anytype";
    comptime var types: []const type = &.{};
    if (@hasField(@TypeOf(info), "param_types")) {
        inline for (info.param_types) |T| types = types ++ .{T orelse @compileError(generic)};
    } else {
        inline for (info.params) |p| types = types ++ .{p.type orelse @compileError(generic)};
    }
    return types;
}

fn isNumber(comptime T: type) bool {
    return switch (T) {
        bool, i8, i16, i32, i64, f32, f64 => true,
        else => false,
    };
}

/// The SQL type of a Zig type without `?` and `!`.
fn sqlType(comptime T: type) []const u8 {
    return switch (T) {
        bool => "BOOLEAN",
        i8 => "TINYINT",
        i16 => "SMALLINT",
        i32 => "INT",
        i64 => "BIGINT",
        f32 => "FLOAT",
        f64 => "DOUBLE",
        []const u8, []u8 => "STRING",
        else => if (@typeInfo(T) == .@"struct" and @hasDecl(T, "sql")) T.sql else @compileError("no SQL type is known for " ++ @typeName(T)),
    };
}

fn Inner(comptime T: type) type {
    return switch (@typeInfo(T)) {
        .optional => |o| o.child,
        .error_union => |e| Inner(e.payload),
        else => T,
    };
}

/// The assembly that puts the function's line into the custom section.
fn description(comptime name: []const u8, comptime F: type) []const u8 {
    comptime var line: []const u8 = "{\\\"name\\\": \\\"" ++ name ++ "\\\", \\\"kind\\\": \\\"scalar\\\", \\\"arguments\\\": [";
    inline for (parameters(F), 0..) |T, i| {
        line = line ++ (if (i == 0) "\\\"" else ", \\\"") ++ comptime sqlType(Inner(T)) ++ "\\\"";
    }
    line = line ++ "], \\\"returns\\\": \\\"" ++ comptime sqlType(Inner(Return(F))) ++ "\\\"}\\n";
    return ".section .custom_section.wasmill.udf,\"\",@\n.ascii \"" ++ line ++ "\"\n.text\n";
}

/// Global assembly stands in a container of its own.
fn Description(comptime assembly: []const u8) type {
    return struct {
        comptime {
            asm (assembly);
        }
        const written = true;
    };
}

/// Calls with the values of one row; up to six arguments.
fn Plain(comptime function: anytype) type {
    const F = @TypeOf(function);
    const R = Return(F);
    const P = parameters(F);
    return switch (P.len) {
        0 => struct {
            fn call() callconv(.c) R {
                return function();
            }
        },
        1 => struct {
            fn call(a: P[0]) callconv(.c) R {
                return function(a);
            }
        },
        2 => struct {
            fn call(a: P[0], b: P[1]) callconv(.c) R {
                return function(a, b);
            }
        },
        3 => struct {
            fn call(a: P[0], b: P[1], c: P[2]) callconv(.c) R {
                return function(a, b, c);
            }
        },
        4 => struct {
            fn call(a: P[0], b: P[1], c: P[2], d: P[3]) callconv(.c) R {
                return function(a, b, c, d);
            }
        },
        5 => struct {
            fn call(a: P[0], b: P[1], c: P[2], d: P[3], e: P[4]) callconv(.c) R {
                return function(a, b, c, d, e);
            }
        },
        6 => struct {
            fn call(a: P[0], b: P[1], c: P[2], d: P[3], e: P[4], f: P[5]) callconv(.c) R {
                return function(a, b, c, d, e, f);
            }
        },
        else => @compileError("a function over numbers alone has at most six arguments; make one an optional"),
    };
}

/// Calls over a batch.
fn Columns(comptime function: anytype) type {
    return struct {
        fn call(batch: *const Batch, result: *Result) callconv(.c) u32 {
            _ = results.reset(.retain_capacity);
            run(batch, &result.columns[0]) catch |e| {
                const message = @errorName(e);
                result.@"error" = message.ptr;
                result.error_bytes = message.len;
                return 1;
            };
            return 0;
        }
        fn run(batch: *const Batch, out: *Column) anyerror!void {
            const R = Return(@TypeOf(function));
            const rows = batch.rows;
            var writer = try Writer(Inner(R)).init(rows);
            rows: for (0..rows) |row| {
                var arguments: std.meta.ArgsTuple(@TypeOf(function)) = undefined;
                inline for (comptime parameters(@TypeOf(function)), 0..) |T, i| {
                    const column = &batch.columns[i];
                    const at = if (column.flags & constant != 0) 0 else row;
                    if (column.isNull(at)) {
                        if (@typeInfo(T) == .optional) {
                            arguments[i] = null;
                        } else {
                            try writer.putNull(row);
                            continue :rows;
                        }
                    } else {
                        arguments[i] = read(Inner(T), column, at);
                    }
                }
                const given = @call(.auto, function, arguments);
                const value = if (@typeInfo(R) == .error_union) try given else given;
                if (@typeInfo(@TypeOf(value)) == .optional) {
                    if (value) |v| try writer.put(row, v) else try writer.putNull(row);
                } else {
                    try writer.put(row, value);
                }
            }
            try writer.give(out);
        }
    };
}

fn bytesOf(column: *const Column, at: usize) []const u8 {
    const from: usize = @intCast(column.offsets[at]);
    const to: usize = @intCast(column.offsets[at + 1]);
    return column.data[from..to];
}

fn read(comptime T: type, column: *const Column, at: usize) T {
    switch (T) {
        bool => return column.data[at >> 3] >> @intCast(at & 7) & 1 == 1,
        []const u8 => return bytesOf(column, at),
        Bytes => return .{ .value = bytesOf(column, at) },
        i8, i16, i32, i64, f32, f64 => {
            const values: [*]const T = @ptrCast(@alignCast(column.data));
            return values[at];
        },
        else => {
            const values: [*]const @FieldType(T, "value") = @ptrCast(@alignCast(column.data));
            return .{ .value = values[at] };
        },
    }
}

/// A result column under construction.
fn Writer(comptime T: type) type {
    const text = T == []const u8 or T == []u8 or T == Bytes;
    const Value = switch (T) {
        bool, i8, i16, i32, i64, f32, f64, []const u8, []u8 => T,
        else => @FieldType(T, "value"),
    };
    return struct {
        rows: u32,
        validity: ?[]u8 = null,
        values: if (text or T == bool) void else []align(8) Value,
        bits: if (T == bool) []u8 else void,
        offsets: if (text) []i32 else void,
        bytes: if (text) std.ArrayList(u8) else void,

        const Self = @This();

        fn init(rows: u32) !Self {
            const memory = allocator();
            var self: Self = .{ .rows = rows, .values = undefined, .bits = undefined, .offsets = undefined, .bytes = undefined };
            if (text) {
                self.offsets = try memory.alloc(i32, rows + 1);
                self.offsets[0] = 0;
                self.bytes = .empty;
            } else if (T == bool) {
                self.bits = try memory.alloc(u8, (rows + 7) / 8);
                @memset(self.bits, 0);
            } else {
                self.values = try memory.alignedAlloc(Value, .@"8", rows);
            }
            return self;
        }
        fn put(self: *Self, row: usize, value: T) !void {
            const plain: Value = if (Value == T) value else value.value;
            if (text) {
                try self.bytes.appendSlice(allocator(), plain);
                self.offsets[row + 1] = @intCast(self.bytes.items.len);
            } else if (T == bool) {
                if (value) self.bits[row >> 3] |= @as(u8, 1) << @intCast(row & 7);
            } else {
                self.values[row] = plain;
            }
        }
        fn putNull(self: *Self, row: usize) !void {
            if (self.validity == null) {
                self.validity = try allocator().alloc(u8, (self.rows + 7) / 8);
                @memset(self.validity.?, 0xff);
            }
            self.validity.?[row >> 3] &= ~(@as(u8, 1) << @intCast(row & 7));
            if (text) {
                self.offsets[row + 1] = @intCast(self.bytes.items.len);
            } else if (T != bool) {
                self.values[row] = std.mem.zeroes(Value);
            }
        }
        fn give(self: *Self, out: *Column) !void {
            out.null_count = nulls_unknown;
            out.validity = if (self.validity) |v| v.ptr else null;
            if (text) {
                out.offsets = self.offsets.ptr;
                out.data = self.bytes.items.ptr;
                out.data_bytes = @intCast(self.bytes.items.len);
            } else if (T == bool) {
                out.data = self.bits.ptr;
                out.data_bytes = @intCast(self.bits.len);
            } else {
                out.data = @ptrCast(self.values.ptr);
                out.data_bytes = @intCast(self.values.len * @sizeOf(Value));
            }
        }
    };
}

//! Functions in Zig.
//!   CREATE FUNCTION risk(amount DOUBLE, average DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE 'functions.wasm';
//!   CREATE FUNCTION initials(name STRING) RETURNS STRING LANGUAGE WASM USING FILE 'functions.wasm';

const std = @import("std");
const wasmill = @import("wasmill.zig");

fn risk(amount: f64, average: f64) f64 {
    return amount / (1.0 + @abs(average));
}

/// The first letter of each word, in capitals; NULL where there is no word. ASCII letters only.
fn initials(name: []const u8) !?[]const u8 {
    var letters: std.ArrayList(u8) = .empty;
    for (name, 0..) |c, i| {
        const first = i == 0 or !std.ascii.isAlphanumeric(name[i - 1]);
        if (first and std.ascii.isAlphabetic(c)) try letters.append(wasmill.allocator(), std.ascii.toUpper(c));
    }
    return if (letters.items.len == 0) null else letters.items;
}

fn firstKnown(a: ?[]const u8, b: ?[]const u8) ?[]const u8 {
    return a orelse b;
}

fn begins(text: []const u8, with: []const u8) bool {
    return std.mem.startsWith(u8, text, with);
}

fn root(x: f64) !f64 {
    return if (x < 0) error.NoRootOfANegativeNumber else @sqrt(x);
}

fn hour(at: wasmill.Timestamp(3)) wasmill.Timestamp(3) {
    return .{ .value = at.value - @mod(at.value, 3_600_000) };
}

fn withTax(price: wasmill.Decimal(10, 2), percent: i32) wasmill.Decimal(12, 2) {
    return .{ .value = @divTrunc(price.value * (100 + percent), 100) };
}

comptime {
    wasmill.scalar("risk", risk);
    wasmill.scalar("initials", initials);
    wasmill.scalar("first_known", firstKnown);
    wasmill.scalar("begins", begins);
    wasmill.scalar("root", root);
    wasmill.scalar("hour", hour);
    wasmill.scalar("with_tax", withTax);
}

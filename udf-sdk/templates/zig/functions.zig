//! Functions for wasmill. An argument that is no optional is never NULL.

const std = @import("std");
const wasmill = @import("wasmill.zig");

/// How risky a payment is, from 0 to 1.
fn risk(amount: f64, country: []const u8) f64 {
    const risky: f64 = if (std.mem.eql(u8, country, "ZZ")) 0.9 else if (std.mem.eql(u8, country, "YY")) 0.5 else 0.0;
    return @min(1.0, amount / 10_000.0 + risky);
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

comptime {
    wasmill.scalar("risk", risk);
    wasmill.scalar("initials", initials);
}

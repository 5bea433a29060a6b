// Functions in AssemblyScript.
//   CREATE FUNCTION risk(amount DOUBLE, average DOUBLE) RETURNS DOUBLE LANGUAGE WASM USING FILE 'functions.wasm';
//   CREATE FUNCTION initials(name STRING) RETURNS STRING LANGUAGE WASM USING FILE 'functions.wasm';
//   CREATE FUNCTION first_known(a STRING, b STRING) RETURNS STRING LANGUAGE WASM USING FILE 'functions.wasm';
import { Batch, Booleans, describe, fail, fromText, NULL_TEXT, Texts, toText, Values } from "./wasmill";
export { wm_abi, wm_alloc, wm_describe, wm_free } from "./wasmill";

describe("risk", ["DOUBLE", "DOUBLE"], "DOUBLE");
describe("initials", ["STRING"], "STRING");
describe("first_known", ["STRING", "STRING"], "STRING");
describe("root", ["DOUBLE"], "DOUBLE");
describe("is_weekend", ["DATE"], "BOOLEAN");

export function risk(amount: f64, average: f64): f64 {
  return amount / (1 + Math.abs(average));
}

/** The first letter of each word, in capitals; NULL where there is no word. ASCII letters only. */
export function initials(address: usize, length: i32): u64 {
  const name = fromText(address, length);
  let letters = "";
  let inWord = false;
  for (let i = 0; i < name.length; i++) {
    const c = name.charCodeAt(i) | 32;
    const letter = c >= 97 && c <= 122;
    if (letter && !inWord) letters += name.charAt(i).toUpperCase();
    inWord = letter || (inWord && name.charCodeAt(i) != 32);
  }
  return letters.length ? toText(letters) : NULL_TEXT;
}

/** The first that is not NULL. */
export function first_known__cols(input: usize, out: usize): u32 {
  const batch = changetype<Batch>(input);
  const a = batch.column(0), b = batch.column(1);
  const result = new Texts(batch.rows);
  for (let row: u32 = 0; row < batch.rows; row++) {
    const from = a.isNull(row) ? b : a;
    if (from.isNull(row)) result.putNull(row);
    else result.put(row, from.text(row));
  }
  return result.give(out);
}

/** Refuses what is below zero. */
export function root__cols(input: usize, out: usize): u32 {
  const batch = changetype<Batch>(input);
  const x = batch.column(0);
  const result = new Values<f64>(batch.rows);
  for (let row: u32 = 0; row < batch.rows; row++) {
    if (x.isNull(row)) result.putNull(row);
    else if (x.value<f64>(row) < 0) return fail(out, "no root of " + x.value<f64>(row).toString());
    else result.put(row, Math.sqrt(x.value<f64>(row)));
  }
  return result.give(out);
}

/** Whether a DATE is a Saturday or Sunday. */
export function is_weekend__cols(input: usize, out: usize): u32 {
  const batch = changetype<Batch>(input);
  const day = batch.column(0);
  const result = new Booleans(batch.rows);
  for (let row: u32 = 0; row < batch.rows; row++) {
    if (day.isNull(row)) result.putNull(row);
    else result.put(row, (((day.value<i32>(row) + 3) % 7) + 7) % 7 >= 5);
  }
  return result.give(out);
}

// Functions in JavaScript.
//   CREATE FUNCTION risk(amount DOUBLE, country STRING) RETURNS DOUBLE LANGUAGE WASM USING FILE 'functions.wasm';
//   CREATE FUNCTION initials(name STRING) RETURNS STRING LANGUAGE WASM USING FILE 'functions.wasm';
import { module, scalar, table } from './wasmill.js';

const RISKY = { ZZ: 0.9, YY: 0.5 };

export const functions = module([
  scalar('risk', ['DOUBLE', 'STRING'], 'DOUBLE', (amount, country) => Math.min(1, amount / 10000 + (RISKY[country] ?? 0))),
  scalar('blend', ['DOUBLE', 'DOUBLE'], 'DOUBLE', (a, b) => 0.7 * a + b / (1 + Math.abs(a)) + 0.25 * (b > 0 ? b : 0)),
  scalar('initials', ['STRING'], 'STRING', (name) => name.split(/[^A-Za-z]+/).map((w) => w.charAt(0).toUpperCase()).join('') || null),
  scalar('first_known', ['STRING', 'STRING'], 'STRING', (a, b) => a ?? b, { nulls: true }),
  scalar('scaled', ['DECIMAL(10, 2)', 'BIGINT'], 'DECIMAL(12, 3)', (price, by) => `${price.replace('.', '')}.${by}`),
  scalar('next_day', ['DATE'], 'DATE', (day) => new Date(day.getTime() + 86400000)),
  scalar('hour', ['TIMESTAMP(3)'], 'INT', (at) => at.getUTCHours()),
  scalar('positive', ['BIGINT'], 'BIGINT', (n) => { if (n < 0n) throw new RangeError(`${n} is below zero`); return n; }),
  table('words', ['STRING'], ['word STRING', 'place INT'], function* (line) {
    let place = 0;
    for (const word of line.split(/\s+/).filter((w) => w)) {
      if (word === '!') throw new Error('a lone exclamation mark');
      yield [word, ++place];
    }
  }),
  table('days', ['DATE', 'INT'], ['day DATE'], function* (first, count) {
    for (let i = 0; i < (count ?? 0); i++) yield new Date(first.getTime() + 86400000 * i);
  }, { nulls: true }),
]);

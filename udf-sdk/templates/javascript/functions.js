// Functions for wasmill. A function is not called for rows with a NULL argument.
import { module, scalar } from './wasmill.js';

const RISKY = { ZZ: 0.9, YY: 0.5 };

// How risky a payment is, from 0 to 1.
function risk(amount, country) {
  return Math.min(1, amount / 10000 + (RISKY[country] ?? 0));
}

// The first letter of each word, in capitals; NULL where there is no word. ASCII letters only.
function initials(name) {
  const words = name.split(/[^A-Za-z0-9]+/).filter((word) => /^[A-Za-z]/.test(word));
  return words.map((word) => word[0].toUpperCase()).join('') || null;
}

export const functions = module([
  scalar('risk', ['DOUBLE', 'STRING'], 'DOUBLE', risk),
  scalar('initials', ['STRING'], 'STRING', initials),
]);

// Makes a component of a JavaScript file: node build.mjs functions.js functions.wasm. Modules that it imports lie below its folder.
// WASMILL_NODE_MODULES names the folder that has the npm package @bytecodealliance/componentize-js, if it is not this one.
import { writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const [source, target] = process.argv.slice(2);
if (!source || !target) {
  console.error('usage: node build.mjs FUNCTIONS.js TARGET.wasm');
  process.exit(2);
}
const here = dirname(fileURLToPath(import.meta.url));
const library = 'node_modules/@bytecodealliance/componentize-js/src/componentize.js';
const { componentize } = await import(pathToFileURL(resolve(process.env.WASMILL_NODE_MODULES || here, library)));
const sourcePath = resolve(source);
const output = resolve(target);
process.chdir(dirname(sourcePath));
const { component } = await componentize({
  sourcePath,
  witPath: resolve(here, 'udf.wit'),
  worldName: 'udf',
  // A function has no authority: no clock, no randomness, no network, no output.
  disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event'],
});
await writeFile(output, component);

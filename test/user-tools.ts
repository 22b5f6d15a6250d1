import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { checkout } from './program.ts';

/** The compilers that a user's program may have, by the folders that package.json installs them in. */
export const compilers = [
  { name: 'TypeScript 5.9', folder: 'typescript-5.9' },
  { name: 'TypeScript 7', folder: 'typescript' },
];

/** Module resolutions of programs. The first has Node.js and no DOM; the second is for bundled programs. */
export const resolutions = {
  nodenext: { module: 'nodenext', lib: ['esnext'] },
  bundler: { module: 'esnext', moduleResolution: 'bundler' },
};

/** Options of the strictest project that a user may have. */
export const strict = {
  target: 'es2024',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  declaration: true,
  rewriteRelativeImportExtensions: true,
};

const node24 = join(checkout, 'test/node-24/node_modules/.bin/node');
const withoutNode24 =
  !existsSync(node24) && process.env.TEST_SERVERS !== 'required' && 'Node.js 24 is missing; npm ci in test/node-24 installs it';

/** The oldest and the newest Node.js that the package supports, with the reason why tests skip one. */
export const nodes = [
  { name: 'Node.js 24', node: node24, skip: withoutNode24 },
  { name: 'Node.js 26', node: process.execPath, skip: false },
];

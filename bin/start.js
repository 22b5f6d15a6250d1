// Runs the command-line program: its TypeScript in a checkout, what was built from it in a package.

import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';

const inCheckout = existsSync(new URL('../src/cli/main.ts', import.meta.url));
const ours = (path) => new URL(inCheckout ? `../src/${path}.ts` : `../dist/src/${path}.js`, import.meta.url).href;

/** A user's module, wherever it lies, gets the Millrace that serves it, not another copy. */
const own = new Map([
  ['millrace', ours('index')],
  ['millrace/testing', ours('testing/index')],
]);

registerHooks({
  resolve(specifier, context, nextResolve) {
    const url = own.get(specifier);
    if (url !== undefined) return nextResolve(url, context);
    try {
      return nextResolve(specifier, context);
    } catch (error) {
      // A lone file has no node_modules beside it; schemas should work there all the same.
      if (specifier !== 'zod' || error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
      return nextResolve(specifier, { ...context, parentURL: import.meta.url });
    }
  },
});

try {
  await import(ours('cli/main'));
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes('Cannot find package')) throw error;
  process.stderr.write(`millrace: ${error.message.split(' imported from')[0]}; run npm ci first\n`);
  process.exitCode = 1;
}

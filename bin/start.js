// Runs the command-line program: its TypeScript in a checkout, what was built from it in a package.

import { existsSync } from 'node:fs';
import { onStopOrder } from './stop-orders.js';

const inCheckout = existsSync(new URL('../src/cli/main.ts', import.meta.url));
const ours = (path) => new URL(inCheckout ? `../src/${path}.ts` : `../dist/src/${path}.js`, import.meta.url).href;

const { provideMillrace } = await import(ours('provide-millrace'));
provideMillrace();

const { main } = await importMain();
await main?.(process.argv.slice(2), { onStopOrder });

/** Without its dependencies the program cannot be imported; nothing else can be wrong with it. */
async function importMain() {
  try {
    return await import(ours('cli/main'));
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes('Cannot find package')) throw error;
    const remedy = inCheckout ? 'run npm ci first' : 'install millrace again';
    process.stderr.write(`millrace: ${error.message.split(' imported from')[0]}; ${remedy}\n`);
    process.exitCode = 1;
    return {};
  }
}

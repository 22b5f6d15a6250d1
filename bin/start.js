// Runs the command-line program: its TypeScript in a checkout, what was built from it in a package.

import { existsSync } from 'node:fs';
import { onStopOrder } from './stop-orders.js';

const inCheckout = existsSync(new URL('../src/cli/main.ts', import.meta.url));
const ours = (path) => new URL(inCheckout ? `../${path}.ts` : `../dist/${path}.js`, import.meta.url).href;

await import(ours('src/keep-ticks'));
const { provideMillrace } = await import(ours('src/provide-millrace'));
provideMillrace();

// The command line and the systems meet here: neither side knows the other one's parts.
const { main, shipped } = await importProgram();
await main?.(process.argv.slice(2), { orders: { onStopOrder }, shipped });

/** Without its dependencies the program cannot be imported; nothing else can be wrong with it. */
async function importProgram() {
  try {
    const { main } = await import(ours('src/cli/main'));
    return { main, shipped: await import(ours('systems/index')) };
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes('Cannot find package')) throw error;
    const remedy = inCheckout ? 'run npm ci first' : 'install millrace again';
    process.stderr.write(`millrace: ${error.message.split(' imported from')[0]}; ${remedy}\n`);
    process.exitCode = 1;
    return {};
  }
}

// Runs the command-line program: from TypeScript in a checkout, from the build output in a package.

import { existsSync } from 'node:fs';
import { onStopOrder } from './stop-orders.js';

const inCheckout = existsSync(new URL('../src/cli/main.ts', import.meta.url));
const ours = (path) => new URL(inCheckout ? `../${path}.ts` : `../dist/${path}.js`, import.meta.url).href;

await import(ours('src/keep-ticks'));
const { provideMillrace } = await import(ours('src/provide-millrace'));
provideMillrace();

// Joins the command line and the systems: neither side knows the other's parts.
const { main, shipped } = await importProgram();
await main?.(process.argv.slice(2), { orders: { onStopOrder }, shipped });

/** Reports missing dependencies, the only reason why the program cannot be imported. */
async function importProgram() {
  try {
    const { main } = await import(ours('src/cli/main'));
    return { main, shipped: await import(ours('systems/index')) };
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes('Cannot find package')) throw error;
    const remedy = inCheckout ? 'run npm ci first' : 'reinstall millrace';
    process.stderr.write(`millrace: ${error.message.split(' imported from')[0]}; ${remedy}\n`);
    process.exitCode = 1;
    return {};
  }
}

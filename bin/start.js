// Runs the command-line program: its TypeScript in a checkout, what was built from it in a package.

import { existsSync } from 'node:fs';

const inCheckout = existsSync(new URL('../src/cli/main.ts', import.meta.url));
const ours = (path) => new URL(inCheckout ? `../src/${path}.ts` : `../dist/src/${path}.js`, import.meta.url).href;

const { provideMillrace } = await import(ours('provide-millrace'));
provideMillrace();

try {
  await import(ours('cli/main'));
} catch (error) {
  if (error.code !== 'ERR_MODULE_NOT_FOUND' || !error.message.includes('Cannot find package')) throw error;
  process.stderr.write(`millrace: ${error.message.split(' imported from')[0]}; run npm ci first\n`);
  process.exitCode = 1;
}

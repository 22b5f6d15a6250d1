import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';

/** Slow-loading packages that few programs use. */
const seldomUsed = ['@nats-io/jetstream', '@nats-io/transport-node', 'undici', 'ioredis', 'piscina', 'pino-pretty'];

/** Prints which of the packages an import of a module has loaded. */
const program = `
import { registerHooks } from 'node:module';
const loaded = new Set();
registerHooks({
  load(url, context, nextLoad) {
    loaded.add(/.*node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url)?.[1]);
    return nextLoad(url, context);
  },
});
await import(process.argv[1]);
console.log(JSON.stringify([...loaded]));
`;

for (const face of ['src/index.ts', 'src/server/index.ts', 'src/testing/index.ts', 'src/cli/main.ts', 'systems/index.ts']) {
  test(`${face} loads nothing that only some programs use`, () => {
    const module = new URL(`../${face}`, import.meta.url).href;
    const printed = execFileSync(process.execPath, ['--input-type=module', '--eval', program, module], { encoding: 'utf8' });
    const loaded: readonly string[] = JSON.parse(printed);
    assert.ok(loaded.includes('zod') || loaded.includes('kysely'), `expected packages that are needed, found ${printed}`);
    assert.deepEqual(
      seldomUsed.filter((name) => loaded.includes(name)),
      [],
    );
  });
}

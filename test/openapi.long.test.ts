import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { digestOf, newSecret } from '../src/server/access/token.ts';
import { Tokens } from '../src/server/access/tokens.ts';
import { serveAll } from '../systems/all.fixture.test.ts';
import { checkout } from './program.ts';

const run = promisify(execFile);
const tools = join(checkout, 'test/openapi');
const withoutTools =
  !existsSync(join(tools, 'node_modules/.bin/redocly')) &&
  process.env.TEST_SERVERS !== 'required' &&
  'there is no Redocly; npm ci in test/openapi installs it';

/** Serves all systems, behind a token with all rights. */
async function serveLocked(t: TestContext) {
  const secret = newSecret();
  const tokens = new Tokens([{ name: 'ann', role: 'operate', digest: digestOf(secret), pipelines: undefined }]);
  const { url } = await serveAll(t, { access: { tokens } });
  const answer = await fetch(`${url}/openapi.json`, { headers: { authorization: `Bearer ${secret}` } });
  return { url, secret, description: await answer.text() };
}

describe('the OpenAPI description', { skip: withoutTools }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-openapi-'));
  const toolOf = (name: string) => join(tools, 'node_modules', name);
  const described = join(folder, 'openapi.json');

  before(() => {
    for (const name of ['client.ts', 'redocly.yaml', 'package.json']) cpSync(join(tools, name), join(folder, name));
    symlinkSync(join(tools, 'node_modules'), join(folder, 'node_modules'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  test('Redocly finds no fault with it', async (t) => {
    const { description } = await serveLocked(t);
    writeFileSync(described, description);
    const environment = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' };
    const words = ['lint', described, '--config', join(folder, 'redocly.yaml'), '--format', 'json'];
    const linted = await run(process.execPath, [toolOf('@redocly/cli/bin/cli.js'), ...words], { env: environment }).catch((error) => error);
    const { problems, totals } = JSON.parse(linted.stdout);
    assert.deepEqual(problems, []);
    assert.deepEqual(totals, { errors: 0, warnings: 0, ignored: 0 });
  });

  test('a generated client compiles, and calls a server', async (t) => {
    const { url, secret, description } = await serveLocked(t);
    writeFileSync(described, description);
    await run(process.execPath, [toolOf('openapi-typescript/bin/cli.js'), described, '--output', join(folder, 'schema.ts')]);
    const options = ['--strict', '--target', 'es2024', '--module', 'nodenext', '--moduleResolution', 'nodenext', '--types', 'node'];
    const roots = ['--typeRoots', join(checkout, 'node_modules/@types')];
    const words = [toolOf('typescript/bin/tsc'), ...options, ...roots, '--outDir', folder, join(folder, 'client.ts')];
    await run(process.execPath, words, { cwd: folder }).catch(({ stdout }) => assert.fail(stdout));
    const { stdout } = await run(process.execPath, [join(folder, 'client.js'), url, secret]);
    assert.deepEqual(JSON.parse(stdout), {
      accepted: 'accepted',
      speed: 500,
      paused: true,
      isPaused: true,
      schedules: ['messages running'],
      timeline: ['handled'],
      matched: 0,
      refusal: 'MILL_NOT_FOUND',
    });
  });
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Program, temporaryFolder } from './program.ts';

interface Made {
  readonly name: string;
  readonly role: string;
  readonly token: string;
  readonly line: string;
}

const run = (context: TestContext, folder: string, words: readonly string[], environment: Readonly<Record<string, string>> = {}) =>
  new Program(context, words, { folder, environment });

async function makeToken(context: TestContext, folder: string, words: readonly string[]): Promise<Made> {
  const { code, stdout, stderr } = await run(context, folder, ['token', ...words, '--json']).ended;
  assert.deepEqual([code, stderr], [0, '']);
  return JSON.parse(stdout);
}

test('a token is printed once, with the line that represents it, readable and as JSON', async (context) => {
  const folder = temporaryFolder(context);
  const { stdout } = await run(context, folder, ['token', 'ci', '--role', 'ingest']).ended;
  assert.match(stdout, /^millrace_[\w-]{43}$/m);
  assert.match(stdout, /^ci:ingest:[\da-f]{64}$/m);
  const made = await makeToken(context, folder, ['ci', '--role', 'read', '--pipeline', 'rockets', 'events']);
  assert.deepEqual(Object.keys(made), ['name', 'role', 'token', 'line']);
  assert.match(made.line, /^ci:read:[\da-f]{64}:rockets\+events$/);
  assert.ok(!stdout.includes(made.token));
});

const misuses: readonly (readonly [words: readonly string[], message: RegExp])[] = [
  [['token'], /--role|name/],
  [['token', 'ci'], /--role/],
  [['token', 'c i', '--role', 'read'], /name: expected letters/],
  [['token', 'ci', '--role', 'admin'], /--role: expected ingest, read, operate, found "admin"/],
  [['token', 'ci', '--role', 'read', '--pipeline', 'No'], /--pipeline: expected the name of a pipeline/],
];

for (const [words, message] of misuses) {
  test(`an impossible token is refused in one line: ${words.join(' ')}`, async (context) => {
    const { code, stdout, stderr } = await run(context, temporaryFolder(context), words).ended;
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, message);
    assert.equal(stderr.trimEnd().split('\n').length, 1);
  });
}

test('a server with tokens admits callers that have one, and a simulation with a token runs against it', async (context) => {
  const folder = temporaryFolder(context);
  const made = await makeToken(context, folder, ['load', '--role', 'operate']);
  writeFileSync(join(folder, 'tokens'), `# who may what\n${made.line}\n`);
  const server = run(context, folder, ['serve', 'rockets', '--port', '0', '--database', 'memory:'], { MILLRACE_TOKENS_FILE: 'tokens' });
  const url = await server.listening();
  assert.equal((await fetch(`${url}/rockets`)).status, 401);
  assert.equal((await fetch(`${url}/rockets`, { headers: { authorization: `Bearer ${made.token}` } })).status, 200);
  const simulate = ['simulate', 'rockets', url, '--max-messages', '200'];
  const without = await run(context, folder, simulate).ended;
  assert.equal(without.code, 1);
  assert.match(without.stderr, /requires a token: set MILLRACE_TOKEN/);
  const { code, stdout } = await run(context, folder, simulate, { MILLRACE_TOKEN: made.token }).ended;
  assert.equal(code, 0);
  assert.match(stdout, /all 20 rockets are right/);
  const { stderr } = await server.kill('SIGTERM');
  assert.ok(!stderr.includes(made.token));
});

/** Invalid starts: arguments, environment, and the one line of the error. */
const unlocked: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>, RegExp])[] = [
  ['a host that others reach', ['--host', '0.0.0.0'], {}, /0\.0\.0\.0 is not a loopback address.*MILLRACE_TOKENS.*--open/],
  ['such a host by a variable', [], { HOST: '::' }, /:: is not a loopback address/],
  ['openness and tokens at once', ['--open'], { MILLRACE_TOKENS: `a:read:${'0'.repeat(64)}` }, /expected --open or tokens, found both/],
  ['tokens by two ways', [], { MILLRACE_TOKENS: 'x', MILLRACE_TOKENS_FILE: 'y' }, /found both/],
  ['no token at all', [], { MILLRACE_TOKENS: ' , ' }, /MILLRACE_TOKENS: expected at least one token/],
  ['a file that is not there', [], { MILLRACE_TOKENS_FILE: './nowhere' }, /MILLRACE_TOKENS_FILE: \.\/nowhere: cannot be read/],
  ['a word that is none', [], { METRICS_ACCESS: 'yes' }, /METRICS_ACCESS: expected open or tokens, found "yes"/],
];

for (const [what, words, environment, message] of unlocked) {
  test(`a server does not start with ${what}`, async (context) => {
    const folder = temporaryFolder(context);
    const { code, stdout, stderr } = await run(
      context,
      folder,
      ['serve', 'rockets', '--port', '0', '--database', 'memory:', ...words],
      environment,
    ).ended;
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(stderr, message);
    assert.equal(stderr.trimEnd().split('\n').length, 1);
  });
}

test('a server does not wait for a pipe of tokens that nobody writes, and says what it expects', { timeout: 60_000 }, async (context) => {
  const folder = temporaryFolder(context);
  execFileSync('mkfifo', [join(folder, 'tokens')]);
  const words = ['serve', 'rockets', '--port', '0', '--database', 'memory:'];
  const { code, stderr } = await run(context, folder, words, { MILLRACE_TOKENS_FILE: 'tokens' }).ended;
  assert.equal(code, 1);
  assert.match(stderr, /MILLRACE_TOKENS_FILE: tokens: cannot be read: expected a file, found a pipe, a folder or a device/);
});

test('a server listens on any address when told to be open', async (context) => {
  for (const [words, environment] of [
    [['--open'], {}],
    [[], { ACCESS: 'open' }],
  ] as const) {
    const server = run(
      context,
      temporaryFolder(context),
      ['serve', 'rockets', '--port', '0', '--host', '0.0.0.0', '--database', 'memory:', ...words],
      environment,
    );
    const url = await server.listening();
    assert.equal((await fetch(`${url.replace('0.0.0.0', '127.0.0.1')}/rockets`)).status, 200);
    const { stderr } = await server.kill('SIGTERM');
    assert.match(stderr, /anyone who reaches this address may do anything: set tokens \(MILLRACE_TOKENS\) .* ALLOWED_HOSTS/);
  }
});

test('an open server on a loopback address prints no warning', async (context) => {
  const server = run(context, temporaryFolder(context), ['serve', 'rockets', '--port', '0', '--open', '--database', 'memory:']);
  await server.listening();
  assert.doesNotMatch((await server.kill('SIGTERM')).stderr, /may do everything/);
});

test('the help of token puts the name first, since --pipeline takes all names that follow', async (context) => {
  const { stdout } = await run(context, temporaryFolder(context), ['token', '--help']).ended;
  assert.match(stdout, /^Usage: millrace token <name> --role <role> \[--pipeline <name\.\.\.>\] \[--json\]$/m);
});

test('SECURITY.md names every variable of access', () => {
  const text = readFileSync(new URL('../SECURITY.md', import.meta.url), 'utf8');
  for (const variable of ['MILLRACE_TOKENS', 'MILLRACE_TOKENS_FILE', 'ACCESS', 'METRICS_ACCESS', 'ALLOWED_HOSTS'])
    assert.ok(text.includes(`\`${variable}\``), variable);
});

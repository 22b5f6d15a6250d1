import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import test from 'node:test';
import { promisify } from 'node:util';
import { shortageOf } from './local-shortage.ts';

/**
 * A program that uses up its file descriptors, makes deliveries, and frees the descriptors once the engine reports that calls are
 * postponed. It prints the results.
 */
const program = `
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { createServer } from 'node:http';
import { http, memory, millrace, pipeline } from '${new URL('../index.ts', import.meta.url)}';

const server = createServer((request, response) => request.resume().on('end', () => response.writeHead(204).end()));
await once(server.listen(0, '0.0.0.0'), 'listening');
const { port } = server.address();
const told = [];
const warnings = [];
const log = { debug() {}, info() {}, warn: (fields, message) => warnings.push(message), error() {} };
const hooks = pipeline('hooks', {
  event: { '~standard': { version: 1, vendor: 'none', validate: (value) => ({ value }) } },
  key: ({ key }) => key,
  state: { '~standard': { version: 1, vendor: 'none', validate: (value) => ({ value }) } },
  deliver: {
    hook: {
      to: http({ allow: ['127.0.0.0/8'] }),
      retry: { attempts: 2, backoff: 10 },
      outcome: (state, turn, { status, attempts }) => void told.push([status, attempts]),
    },
  },
  handle: ({ host }, state, turn) => turn.deliver('hook', {}, { url: 'http://' + host + ':' + port }),
});
const mill = await millrace({ store: memory(), pipelines: [hooks], log: { ...log, child: () => log } }).start();
const free = [];
try {
  for (;;) free.push(openSync('/dev/null', 'r'));
} catch {}
for (const host of ['127.0.0.1', '127.0.0.2', 'localhost']) await mill.ingest('hooks', { key: host, host });
while (mill.endpointWaits().length === 0) await new Promise(setImmediate);
const [{ postponed }] = mill.endpointWaits();
const [before, warned] = [told.length, warnings.length];
for (const one of free) closeSync(one);
while (told.length < 3) await new Promise(setImmediate);
console.log(JSON.stringify({ postponed, before, told, warnings, letters: (await mill.deadLetters()).length }));
process.exit();
`;

test('without file descriptors a call is postponed, which costs no attempt and is logged once', {
  skip: process.platform === 'win32' && 'there is no ulimit',
  timeout: 60_000,
}, async () => {
  const limited = ['-c', 'ulimit -n 96; exec "$0" "$@"', process.execPath, '--input-type=module', '--eval', program];
  const { stdout } = await promisify(execFile)('sh', limited);
  const { postponed, ...rest } = JSON.parse(stdout);
  assert.match(postponed, /^this process has run out of file descriptors \((connect|getaddrinfo|socket) EMFILE\)$/);
  assert.deepEqual(rest, {
    before: 0,
    told: Array(3).fill(['delivered', 1]),
    warnings: ['calls are postponed: this machine cannot make any'],
    letters: 0,
  });
});

const errorOf = (code: string) => Object.assign(new Error('it failed'), { code, syscall: 'connect' });

test('a failure that the owner of an address can provoke is not a shortage of this machine', () => {
  for (const code of ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM']) {
    for (const isTrusted of [true, false]) assert.match(shortageOf(errorOf(code), { isTrusted }) ?? '', /has run out of/, code);
    assert.ok(shortageOf(new AggregateError([errorOf(code)]), { isTrusted: false }), code);
  }
  for (const code of ['EADDRNOTAVAIL', 'EAI_AGAIN']) {
    assert.ok(shortageOf(errorOf(code), { isTrusted: true }), code);
    assert.equal(shortageOf(errorOf(code), { isTrusted: false }), undefined, code);
  }
  for (const other of [errorOf('ECONNREFUSED'), errorOf('ENETUNREACH'), errorOf('ENOTFOUND'), new Error('no code'), 'EMFILE', undefined]) {
    assert.equal(shortageOf(other, { isTrusted: true }), undefined);
  }
});

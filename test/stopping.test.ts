import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { checkout, Program, type ProgramOptions, temporaryFolder } from './program.ts';

const launcher = join(checkout, 'bin/millrace.js');
const oldNode = process.env.PATH?.split(delimiter)
  .map((folder) => join(folder, 'node'))
  .find((path) => existsSync(path) && /^v(1\d|2[0-3])\./.test(execFileSync(path, ['--version'], { encoding: 'utf8' })));
const withoutOldNode = oldNode === undefined && 'there is no Node.js older than 24 on the PATH';

/** The command that makes the program after it PID 1. */
const asFirst = ['unshare', '--fork', '--pid', '--mount-proc', '--kill-child'];
const withoutNamespaces = spawnSync('unshare', [...asFirst.slice(1), 'true']).status !== 0 && 'no PID namespace can be made here';

/** A pipeline that handles its one event once a file `go` exists. */
const slow = `
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { pipeline, table } from 'millrace';
import * as z from 'zod';

const done = table('done', { id: 'text' }, { primaryKey: ['id'] });

export default pipeline('slow', {
  event: z.object({}),
  tables: { done },
  async handle(event, state, turn) {
    console.log('handling');
    while (!existsSync(new URL('go', import.meta.url))) await pause(10);
    turn.put(done, { id: turn.id });
  },
});
`;

type Started = Pick<ProgramOptions, 'command' | 'node' | 'ownGroup'>;

/** Serves until an event is being handled. */
async function serve(context: TestContext, how: (folder: string) => Started) {
  const folder = temporaryFolder(context);
  const module = join(folder, 'slow.mjs');
  writeFileSync(module, slow);
  const words = ['serve', module, '--port', '0', '--database', join(folder, 'mill.db')];
  const started = how(folder);
  const environment = { npm_config_update_notifier: 'false' };
  // The npm scripts contain `serve` themselves.
  const program = new Program(context, started.command?.includes('npm') ? words.slice(1) : words, { folder, environment, ...started });
  const url = await program.listening();
  await fetch(`${url}/pipelines/slow/events`, { method: 'POST', body: '{}' });
  await program.printed(/handling/);
  return { program, url };
}

/** Lets the handler end, waits for the program to end, and checks that the stop was drained. */
async function assertDrained(program: Program) {
  writeFileSync(join(program.folder, 'go'), '');
  const ended = await program.ended;
  const path = join(program.folder, 'mill.db');
  assert.equal(existsSync(`${path}-wal`), false, 'the database was not closed');
  const database = new DatabaseSync(path);
  assert.equal(database.prepare('SELECT count(*) AS count FROM done').get()?.count, 1, 'the event was not handled');
  database.close();
  return ended;
}

/** Returns the only child of a process: PID 1 in the namespace made by `unshare`. */
function onlyChild({ child }: Program): number {
  return Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8'));
}

const npmStart = (): Started => ({ command: ['npm', 'start', '--prefix', checkout, '--'] });
const npmScript = (script: string) => (folder: string) => {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ scripts: { serve: script } }));
  return { command: ['npm', 'run', 'serve', '--'] };
};

interface Way {
  readonly how: (folder: string) => Started;
  readonly signals: readonly NodeJS.Signals[];
  readonly skip?: string | false;
  /** Returns the process that gets the signal; by default the one that was started. */
  readonly target?: (program: Program) => number;
}

/** The documented ways to run it. npm passes SIGINT and SIGTERM on. */
const ways: Readonly<Record<string, Way>> = {
  'node bin/millrace.js': { how: () => ({ node: process.execPath }), signals: ['SIGTERM', 'SIGINT', 'SIGHUP'] },
  'node bin/millrace.js on an old Node.js': {
    how: () => ({ node: oldNode ?? '' }),
    signals: ['SIGTERM', 'SIGINT', 'SIGHUP'],
    skip: withoutOldNode,
  },
  'the program as linked by npm': { how: () => ({ command: [launcher] }), signals: ['SIGTERM'] },
  'npm start': { how: npmStart, signals: ['SIGTERM', 'SIGINT'] },
  'a script with exec': { how: npmScript(`exec node ${launcher} serve`), signals: ['SIGTERM'] },
  'node bin/millrace.js as PID 1': {
    how: () => ({ command: [...asFirst, process.execPath, launcher] }),
    signals: ['SIGTERM', 'SIGINT'],
    skip: withoutNamespaces,
    target: onlyChild,
  },
  'node bin/millrace.js as PID 1 on an old Node.js': {
    how: () => ({ command: [...asFirst, oldNode ?? '', launcher] }),
    signals: ['SIGTERM'],
    skip: withoutNamespaces || withoutOldNode,
    target: onlyChild,
  },
  'npm start as PID 1': {
    how: () => ({ command: [...asFirst, ...(npmStart().command ?? [])] }),
    signals: ['SIGTERM'],
    skip: withoutNamespaces,
    target: onlyChild,
  },
};

for (const [name, { how, signals, skip = false, target = ({ child }: Program) => Number(child.pid) }] of Object.entries(ways)) {
  for (const signal of signals) {
    test(`work under way is finished at ${signal}, and the exit code is 0: ${name}`, { skip }, async (context) => {
      const { program } = await serve(context, how);
      process.kill(target(program), signal);
      const { code, stderr } = await assertDrained(program);
      assert.deepEqual([code, stderr], [0, '']);
    });
  }
}

test('Ctrl-C gracefully stops a program started by npm, even though it arrives from both the terminal and npm', async (context) => {
  const { program } = await serve(context, () => ({ ...npmStart(), ownGroup: true }));
  process.kill(-Number(program.child.pid), 'SIGINT');
  const { code, stderr } = await assertDrained(program);
  assert.deepEqual([code, stderr], [0, '']);
});

for (const [name, signal, how] of [
  ['npm that is killed', 'SIGKILL', npmStart],
  ['a shell between npm and it that a signal ends', 'SIGTERM', npmScript(`run() { node ${launcher} serve "$@"; exit; }; run`)],
] as const) {
  test(`it outlives its parent only to finish work under way: ${name}`, async (context) => {
    const { program } = await serve(context, how);
    program.child.kill(signal);
    await program.printed(/millrace: stopping, because/);
    const ended = await assertDrained(program);
    assert.deepEqual([ended.code, ended.signal], [null, signal]);
  });
}

test('it stops if its parent was gone before it began', async (context) => {
  const folder = temporaryFolder(context);
  execFileSync('mkfifo', [join(folder, 'begin')]);
  const script = `{ read begin < begin; exec ${process.execPath} ${launcher} serve --port 0 --database memory:; } &`;
  const environment = { npm_lifecycle_event: 'serve' };
  // Its own session: its new parent, PID 1 in a container, may be in the test's session.
  const program = new Program(context, [], { folder, environment, command: ['sh', '-c', script], ownGroup: true });
  await once(program.child, 'exit');
  writeFileSync(join(folder, 'begin'), 'now\n');
  const { stderr } = await program.ended;
  assert.match(stderr, /^millrace: stopping, because the parent process started by npm has ended/m);
});

for (const [name, node] of [
  ['a new', process.execPath],
  ['an old', oldNode],
] as const) {
  test(`a second signal ends it at once, on ${name} Node.js`, { skip: node === undefined && withoutOldNode }, async (context) => {
    const { program, url } = await serve(context, () => ({ node: node ?? '' }));
    program.child.kill('SIGTERM');
    const stopping = async (): Promise<void> => ((await fetch(`${url}/health`)).status === 503 ? undefined : stopping());
    await stopping();
    const { code } = await program.kill('SIGINT');
    assert.equal(code, 130);
  });
}

test('a signal stops it with exit code 0 while a user’s module loads forever', async (context) => {
  const folder = temporaryFolder(context);
  writeFileSync(join(folder, 'stuck.mjs'), `console.log('loading');\nsetInterval(() => {}, 1000);\nawait new Promise(() => {});`);
  const program = new Program(context, ['serve', './stuck.mjs', '--database', 'memory:'], { folder });
  await program.printed(/loading/);
  const { code, stdout, stderr } = await program.kill('SIGTERM');
  assert.deepEqual([code, stdout, stderr], [0, 'loading\n', '']);
});

/**
 * Runs tests: `npm test` runs all but the long ones, `npm run test:all` runs those too, and `npm test -- FILE…` runs the
 * named files. A file of long tests is called `*.long.test.ts`.
 */
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { run } from 'node:test';
import { parseArgs } from 'node:util';
import { shareMariadb } from './mariadb-database.ts';
import { withoutMariadb } from './mariadb-server.ts';
import { shareServers } from './postgres-database.ts';
import { report } from './report.ts';

const root = join(import.meta.dirname, '..');
/** Tests mostly wait, for a disk, a clock or another process, so more files run at once than there are cores. */
const filesAtOnce = Math.min(3 * availableParallelism(), 12);
/** Far longer than any test takes on a slow machine: a test that never ends fails, by name. */
const longestMs = 20 * 60_000;
/** Time limit of the whole run: a process left behind by a hanging test keeps its file from ending. The run then fails. */
const allMs = 43 * 60_000;
const fewFiles = 5;
/** Files that wait for long and files that start processes come first, which leaves short files for the end. */
const folders = ['sim', 'test', 'systems', 'src'];
const longest = [
  ...['visible-failure', 'deliveries', 'in-order', 'nth-failure.long', 'sends', 'timers', 'what-may-never-happen'].map(
    (name) => `src/engine/promises/${name}.test.ts`,
  ),
  'src/engine/inbox/inbox.test.ts',
  'src/store/differential.test.ts',
];

const { values, positionals } = parseArgs({ options: { all: { type: 'boolean', default: false } }, allowPositionals: true });
// Packages that tests install below `test/` include their own tests.
const all = folders.flatMap((folder) => globSync(`${folder}/**/*.test.ts`, { cwd: root, exclude: ['**/node_modules'] }));
const found = Array.from(new Set(all).intersection(new Set(longest)).union(new Set(all)));
const isLeftOut = (file: string) => file.endsWith('.long.test.ts') && !values.all;
const named = positionals.length > 0;
const files = named ? positionals.map((file) => resolve(file)) : found.filter((file) => !isLeftOut(file)).map((file) => join(root, file));

// Test processes, their threads and their servers all load the same files.
process.env.NODE_COMPILE_CACHE ??= join(root, 'node_modules/.cache/millrace-tests');
const isLong = files.length >= fewFiles;
// A few files start the servers they need by themselves.
const started = !isLong ? [] : await Promise.all([shareServers(), ...(withoutMariadb ? [] : [shareMariadb()])]);
const execArgv = isLong ? ['--import', join(import.meta.dirname, 'unwatched-promises.ts')] : [];
const events = run({ files, execArgv, concurrency: filesAtOnce, timeout: longestMs, signal: AbortSignal.timeout(allMs) });
const passed = await report(events, { files: files.length, long: named ? [] : found.filter(isLeftOut), root });
await Promise.all(started.map((stop) => stop()));
process.exitCode = passed ? 0 : 1;

import type { Mutant } from '../mutant.ts';
import { beside } from '../suites.ts';

const run = 'src/engine/schedules/schedule-run.ts';
const file = 'src/engine/schedules/schedules.ts';
const tests = [beside('engine/schedules/schedules')];

/** Schedules: runs never overlap, commands are carried out after the run under way. */
export const schedules: readonly Mutant[] = [
  { name: 'schedule-runs-overlap', promises: [3, 5], file, find: 'await this.#makeRun(', replace: 'void this.#makeRun(', tests },
  {
    name: 'schedule-run-broken-off-goes-on-beside-the-next',
    promises: [3, 8],
    file,
    find: 'while (this.#atWork.has(key)) await this.#atWork.get(key);',
    replace: '',
    tests,
  },
  {
    name: 'schedule-stop-answers-before-the-run-has-ended',
    promises: [8],
    file,
    find: "await command({ schedule: name, action: 'stop', pauseMs: null });\n        await finished(name);",
    replace: "await command({ schedule: name, action: 'stop', pauseMs: null });",
    tests,
  },
  {
    name: 'schedule-runs-after-its-stop',
    promises: [5, 8],
    file,
    find: "if (next === null) turn.timers.cancel('run');",
    replace: 'if (next === null) void turn;',
    tests,
  },
  {
    name: 'schedule-stop-forgotten-by-a-restart',
    promises: [8],
    file,
    find: "return state === undefined || state.status === 'running' ?",
    replace: "return state === undefined || state.status !== 'paused' ?",
    tests,
  },
  {
    name: 'schedule-beat-lost',
    promises: [5],
    file,
    find: 'return dueAt + (Math.floor((now - dueAt) / everyMs) + 1) * everyMs;',
    replace: 'return now + everyMs;',
    tests,
  },
  {
    name: 'schedule-makes-up-for-every-missed-run',
    promises: [5],
    file,
    find: 'return dueAt + (Math.floor((now - dueAt) / everyMs) + 1) * everyMs;',
    replace: 'return dueAt + everyMs;',
    tests,
  },
  {
    name: 'schedule-batch-bound-ignored',
    promises: [7],
    file: 'src/engine/schedules/batch-places.ts',
    find: 'if (this.#free === 0) return false;',
    replace: '',
    tests,
  },
  {
    name: 'schedule-concurrency-ignored',
    promises: [7],
    file: run,
    find: 'Array.from({ length: Math.min(concurrency, batch) }, work)',
    replace: 'Array.from({ length: batch }, work)',
    tests,
  },
  {
    name: 'schedule-run-ends-before-its-events',
    promises: [3],
    file: run,
    find: 'await work.finished(key, this.#grace);',
    replace: '',
    tests,
  },
  {
    name: 'schedule-run-goes-on-after-its-time',
    promises: [4],
    file: run,
    find: 'this.#means.work.abortAll();',
    replace: '',
    tests,
  },
  {
    name: 'schedule-takes-rows-that-wait-no-longer',
    promises: [2],
    file: 'src/sources/table-rows.ts',
    find: 'this.#waiting().clearLimit().clearOffset(),',
    replace: 'this.#waiting().clearWhere().clearLimit().clearOffset(),',
    tests,
  },
];

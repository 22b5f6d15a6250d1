import type { Mutant } from '../mutant.ts';
import { beside } from '../suites.ts';

const access = 'src/engine/schedules/run-work.ts';
const places = 'src/engine/schedules/batch-places.ts';
const run = 'src/engine/schedules/schedule-run.ts';
const rows = 'src/sources/table-rows.ts';
const behind = [beside('engine/schedules/sources', 'rows that')];
const crashes = [beside('engine/schedules/sources', 'a failed commit neither loses a rejected row nor duplicates its dead letter')];
const everyFails = [beside('engine/schedules/sources', 'in which every row fails')];

/** Sources of rows: each row has its turn, once, or is one dead letter. */
export const sources: readonly Mutant[] = [
  {
    name: 'source-takes-rows-that-are-pending',
    promises: [2],
    file: rows,
    find: 'if (!isPending.has(key.origin)) yield key;',
    replace: 'yield key;',
    tests: behind,
  },
  { name: 'source-looks-once', promises: [4], file: rows, find: 'if (keys.length < look) return;', replace: 'return;', tests: everyFails },
  {
    name: 'source-counts-the-offset-of-its-rows',
    promises: [4],
    file: rows,
    find: '.clearSelect().clearLimit().clearOffset()',
    replace: '.clearSelect()',
    tests: [beside('engine/schedules/source-rows', 'limit and offset in rows() have no effect; joins and distinct take each row once')],
  },
  {
    name: 'source-stumbles-over-large-integers',
    promises: [4],
    file: rows,
    find: "kindOf(columns[column] ?? 'text') !== 'integer'",
    replace: 'true',
    tests: [beside('engine/schedules/source-rows', 'beyond JavaScript’s integers')],
  },
  {
    name: 'source-row-that-cannot-be-read-fails-the-run',
    promises: [4, 9],
    file: rows,
    find: '// A broken query throws here too',
    replace: 'throw error;\n      // A broken query throws here too',
    tests: [beside('engine/schedules/source-rows', 'beyond JavaScript’s integers')],
  },
  {
    name: 'source-row-that-cannot-be-found-skipped',
    promises: [9],
    file: rows,
    find: 'return mayBeUnreadable(key) && (await this.#isWaiting(key)) ? { fault: unreadableKey, stack: null } : undefined;',
    replace: 'return undefined;',
    tests: [beside('engine/schedules/source-rows', 'no handler could have written')],
  },
  {
    name: 'source-event-that-throws-fails-the-run',
    promises: [4, 9],
    file: rows,
    find: 'return { fault: `event:',
    replace: 'throw error;\n      return { fault: `event:',
    tests: behind,
  },
  {
    name: 'source-query-that-is-wrong-is-blamed-on-rows',
    promises: [9],
    file: rows,
    find: 'await this.#waiting().clearLimit().limit(0).execute();',
    replace: '',
    tests: [beside('engine/schedules/source-rows', 'a rows() that throws or asks for something')],
  },
  {
    name: 'row-rejected-without-a-dead-letter',
    promises: [9],
    file: run,
    find: 'bury(row).then(',
    replace: 'Promise.resolve().then(',
    tests: behind,
  },
  {
    name: 'run-ends-before-its-dead-letters-are-on-disk',
    promises: [9],
    file: run,
    find: 'await Promise.all(this.#burials);',
    replace: '',
    tests: [beside('engine/schedules/source-rows', 'a run waits for its rows’ dead letters, and its status')],
  },
  {
    name: 'row-that-the-schema-refuses-is-no-dead-letter',
    promises: [9],
    file: run,
    find: 'faultsOfRows.has(code)) {',
    replace: 'false) {',
    tests: behind,
  },
  {
    name: 'rejected-row-keeps-its-place',
    promises: [4],
    file: run,
    find: 'this.#places.release();\n    const buried',
    replace: 'const buried',
    tests: behind,
  },
  { name: 'failed-row-keeps-its-place', promises: [4], file: run, find: 'this.#places.releaseWaiting();', replace: '', tests: behind },
  {
    name: 'duplicate-row-keeps-its-place',
    promises: [4, 10],
    file: run,
    find: "its event is a duplicate');\n      this.#places.release();",
    replace: "its event is a duplicate');",
    tests: [beside('engine/schedules/source-rows', 'duplicate by its id')],
  },
  {
    name: 'run-of-failing-rows-does-not-end',
    promises: [7],
    file: places,
    find: 'if (this.#waiting === 0) return;',
    replace: '',
    tests: everyFails,
  },
  {
    name: 'event-does-not-keep-its-origin',
    promises: [2],
    file: access,
    find: 'door.take(pipeline, event, { origin, isOfRun: true })',
    replace: 'door.take(pipeline, event, { isOfRun: true })',
    tests: [beside('engine/schedules/sources', 'waits for a retry is not taken again')],
  },
  {
    name: 'rejected-row-lost-with-its-commit',
    promises: [9],
    file: 'src/engine/partition.ts',
    find: 'await ownership.present.bury(row);',
    replace: 'return ownership.present.bury(row);',
    tests: crashes,
  },
  {
    name: 'rejected-row-cannot-be-redriven',
    promises: [9],
    file: 'src/engine/resolver.ts',
    find: "      case 'origin':\n        return this.#return(letter);\n",
    replace: '',
    tests: [beside('engine/schedules/sources', 'taken once more after a redrive')],
  },
  {
    name: 'refused-event-does-not-show-in-the-schedule',
    promises: [9],
    file: run,
    find: 'this.#failure ??= `an event was refused',
    replace: 'const ignored = `an event was refused',
    tests: [beside('engine/schedules/source-rows', 'a refused event of a custom source shows in the schedule’s status')],
  },
  {
    name: 'run-that-took-too-long-does-not-show-in-the-schedule',
    promises: [9],
    file: run,
    find: 'this.#failure ??= `the run took longer',
    replace: 'const ignored = `the run took longer',
    tests: [beside('engine/schedules/failing-sources')],
  },
  {
    name: 'run-whose-source-fails-leaves-its-events-behind',
    promises: [3],
    file: run,
    find: 'await Promise.allSettled(Array',
    replace: 'await Promise.all(Array',
    tests: [beside('engine/schedules/source-rows', 'whose source fails waits')],
  },
];

import type { Mutant } from '../mutant.ts';
import { contract, promise, simulation } from '../suites.ts';

const telling = 'src/engine/telling.ts';
const walk = 'src/engine/timeline-walk.ts';
const simulated = simulation('fixed seeds');
const found = simulation('the one that found this');

/** Timelines of keys tell what committed, and nothing else. */
export const timelines: readonly Mutant[] = [
  {
    name: 'timeline-block-lost-at-a-commit',
    promises: [9],
    file: 'src/engine/draft.ts',
    find: 'const block = this.told?.toBlock(number, this.#lanes);',
    replace: 'const told = this.told?.toBlock(number, this.#lanes);\n    const block = this.sends.length > 0 ? undefined : told;',
    tests: [simulated],
  },
  {
    name: 'timeline-chain-skips-a-block',
    promises: [9],
    file: telling,
    find: 'before[line] = moment - lane.newestBlock;',
    replace: 'before[line] = moment - lane.newestBlock + 1;',
    tests: [simulated],
  },
  {
    name: 'timeline-chain-broken-where-a-key-is-loaded',
    promises: [9],
    file: 'src/engine/lane-record.ts',
    find: 'this.newestBlock = block;',
    replace: 'this.newestBlock = block && undefined;',
    tests: [promise('kept-timelines', 'after a crash it continues')],
  },
  {
    name: 'timeline-of-a-key-lost-with-its-record',
    promises: [9],
    file: telling,
    find: 'for (const lane of changed) if (losesRecord(lane) && lane.line === undefined) this.#begin(lane);',
    replace: '',
    tests: [promise('kept-timelines', 'a key that an operator reopens'), found],
  },
  {
    name: 'timeline-block-of-a-commit-that-was-fenced',
    promises: [2, 9],
    file: 'src/store/memory/memory-lease.ts',
    find: 'this.#check();\n    return this.#means.commit(commit);',
    replace: `try {
      this.#check();
    } catch (error) {
      const none = { cursor: 0, holds: [], releases: [], keys: [], gaps: [], timers: [], outcomes: [], deliveries: [], rows: [], deadLetters: [], resolvedDeadLetters: [], sends: [] };
      this.#means.commit({ ...none, block: commit.block });
      throw error;
    }
    return this.#means.commit(commit);`,
    tests: [simulated],
  },
  {
    name: 'timeline-block-in-a-transaction-of-its-own',
    promises: [2, 9],
    file: 'src/store/sql/write/commits.ts',
    find: 'await connections.write(() => {\n      const flight = new Flight();\n      const parts',
    replace: `await connections.write(() => {
      const early = new Flight();
      addBlocks(early, statements, part(({ block }) => (block === undefined ? [] : [block])));
      return early;
    });
    drafts = drafts.map((draft) => ({ ...draft, commit: { ...draft.commit, block: undefined } }));
    await connections.write(() => {
      const flight = new Flight();
      const parts`,
    tests: [contract('postgres', 'a block exists if and only if its commit does')],
  },
  {
    name: 'timeline-tells-a-failed-attempt-again-after-a-retry',
    promises: [9],
    file: 'src/engine/told-turns.ts',
    find: "return told.tell(lane, { kind: 'failed', at,",
    replace:
      "if (cause.attempts > 0) tellFailure(told, lane, { ...cause, attempts: 0 }, failed);\n  return told.tell(lane, { kind: 'failed', at,",
    tests: [simulated],
  },
  {
    name: 'timeline-adds-items-to-the-line-of-an-earlier-block',
    promises: [9],
    file: telling,
    find: 'lane.endLine();',
    replace: '',
    tests: [simulated],
  },
  {
    name: 'timeline-tells-a-turn-that-failed-as-handled',
    promises: [9],
    file: 'src/engine/told-turns.ts',
    find: "told.tell(lane, { kind: 'failed', at,",
    replace: "told.tell(lane, { kind: 'handled', at,",
    tests: [simulated],
  },
  {
    name: 'timeline-page-begins-with-the-block-before-it',
    promises: [9],
    file: walk,
    find: 'this.#before = block;\n    if (text',
    replace: 'this.#before = block + 1;\n    if (text',
    tests: [simulated],
  },
  {
    name: 'timeline-page-forgets-what-continues-the-chain',
    promises: [9],
    file: walk,
    find: 'chain: Array.from(this.#waiting)',
    replace: 'chain: []',
    tests: [simulated],
  },
  {
    name: 'timeline-page-forgets-an-operator-at-its-end',
    promises: [9],
    file: walk,
    find: 'const isLast = this.#waiting.size === 0 && this.#audit.length === 0;',
    replace: 'const isLast = this.#waiting.size === 0;',
    tests: [simulated],
  },
  {
    name: 'timeline-cause-not-looked-for-in-indexed-blocks',
    promises: [9],
    file: 'src/engine/timeline-reader.ts',
    find: '{ limit: causesMax, place, named, audit: [] }',
    replace: '{ limit: causesMax, place, named: [], audit: [] }',
    tests: [promise('timeline', 'each call of a delivery leads to the turn that asked for it')],
  },
  {
    name: 'timeline-index-outlives-its-blocks-in-sqlite',
    promises: [9],
    file: 'src/store/sqlite/partition/timeline-blocks.ts',
    find: 'if (gone > 0) this.#forgetIndex.run(',
    replace: 'if (gone < 0) this.#forgetIndex.run(',
    tests: [contract('sqlite', 'blocks below a number are deleted')],
  },
  {
    name: 'timeline-index-outlives-its-blocks-on-servers',
    promises: [9],
    file: 'src/store/sql/write/block-statements.ts',
    find: "  await run(deletion('millrace_key_blocks'));\n",
    replace: '',
    tests: [promise('kept-timelines', 'what is older than the retention is gone')],
  },
  {
    name: 'failed-attempts-of-an-event-that-the-log-delivers-later-forgotten',
    promises: [9],
    file: 'src/engine/lanes.ts',
    find: 'const mayHaveFailed = waiting.position <= draft.cursor && lane.mayHaveBeenReadBack(waiting.order);',
    replace: 'const mayHaveFailed = false;',
    tests: [found],
  },
];

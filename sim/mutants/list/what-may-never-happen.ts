import type { Mutant } from '../mutant.ts';
import { beside, promise } from '../suites.ts';

const lane = 'src/engine/lane.ts';
const checkStanding = 'src/engine/check-standing.ts';

/** A violated assumption ends the tenure before any of its effects is on disk. */
export const whatMayNeverHappen: readonly Mutant[] = [
  {
    name: 'lane-that-goes-from-any-status-to-any',
    promises: [3],
    file: lane,
    find: 'if (this.#status !== from) throw',
    replace: 'if (this.#status === undefined) throw',
    tests: [beside('engine/lane')],
  },
  {
    name: 'next-number-that-falls',
    promises: [2, 3],
    file: 'src/engine/lane-record.ts',
    find: 'if (next < this.#next) throw',
    replace: 'if (next < 0) throw',
    tests: [beside('engine/lane')],
  },
  {
    name: 'end-of-a-turn-that-took-time-fails-unheard',
    promises: [9],
    file: 'src/engine/runner.ts',
    find: '      failed(error);',
    replace: '',
    tests: [promise('what-may-never-happen', 'a turn that took time ends')],
  },
  {
    name: 'alarm-fails-unheard',
    promises: [9],
    file: 'src/engine/lane-turns.ts',
    find: 'this.#context.failed(error);\n    }\n  }\n}',
    replace: '}\n  }\n}',
    tests: [promise('what-may-never-happen', 'a retry comes due')],
  },
  {
    name: 'commit-goes-on-after-what-may-never-happen',
    promises: [2, 9],
    file: 'src/engine/tenure-state.ts',
    find: 'work();\n    } catch (error) {\n      this.fail(error);',
    replace: 'work();\n    } catch {',
    tests: [promise('what-may-never-happen', 'a key gets a place')],
  },
  {
    name: 'redrive-fails-and-half-of-it-is-kept',
    promises: [2, 9],
    file: 'src/engine/resolver.ts',
    find: "if (codeOf(error) !== 'MILL_CONFLICT') this.#context.failed(error);",
    replace: '',
    tests: [promise('what-may-never-happen', 'a parked key is opened')],
  },
  {
    name: 'what-may-never-happen-is-not-logged',
    promises: [9],
    file: 'src/engine/hindrance.ts',
    find: 'if (impossible.has(failure.code)) this.#log.error(',
    replace: 'if (impossible.has(failure.code)) this.#log.debug(',
    tests: [promise('what-may-never-happen', 'an event is dispatched')],
  },
  {
    name: 'cursor-that-fell-taken-on',
    promises: [2, 9],
    file: checkStanding,
    find: 'if (cursor < known.cursor) refuse(',
    replace: 'if (cursor < 0) refuse(',
    tests: [promise('what-may-never-happen', 'cursor has fallen')],
  },
  {
    name: 'log-that-became-shorter-taken-on',
    promises: [1, 9],
    file: checkStanding,
    find: 'if (head < known) refuse(',
    replace: 'if (head < 0) refuse(',
    tests: [promise('what-may-never-happen', 'has become shorter')],
  },
  {
    name: 'cursor-beyond-the-log-taken-on',
    promises: [1, 9],
    file: checkStanding,
    find: 'if (cursor > head) refuse(',
    replace: 'if (head < 0) refuse(',
    tests: [promise('what-may-never-happen', 'beyond the log')],
  },
  {
    name: 'positions-out-of-order-taken-on',
    promises: [1, 3, 9],
    file: 'src/engine/feed.ts',
    find: 'if (position !== last + 1) throw',
    replace: 'if (position < 0) throw',
    tests: [promise('what-may-never-happen', 'positions of the log out of order')],
  },
  {
    name: 'held-events-out-of-order-taken-on',
    promises: [3, 9],
    file: lane,
    find: 'if (last !== undefined && held.order <= last.order)',
    replace: 'if (last !== undefined && held.order < 0)',
    tests: [promise('what-may-never-happen', 'held events out of order'), beside('engine/lane')],
  },
];

import type { Mutant } from '../mutant.ts';
import { beside, contract, promise } from '../suites.ts';

const runner = 'src/engine/runner.ts';
const resolver = 'src/engine/resolver.ts';
const schedules = 'src/engine/schedules/schedules.ts';
const accepted = 'src/engine/accepted-otherwise.ts';
const declaredCause = 'src/engine/declared-cause.ts';
const withdrawal = 'src/engine/outbox/withdrawal.ts';
const find = 'src/engine/leftovers/find-leftovers.ts';

/** Stored work whose declaration is gone is kept, named, and given up with its reason. */
export const goneDeclarations: readonly Mutant[] = [
  {
    name: 'gone-timer-vanishes',
    promises: [5, 9],
    file: runner,
    find: 'if (reason !== undefined) this.#parts.failures.giveUpCause(lane, cause, { reason, stack: null });',
    replace: 'if (reason !== undefined) this.#parts.writes.write(lane, this.#context.draft(), { ...nameOf(cause), dueAt: null });',
    tests: [promise('gone-timers')],
  },
  {
    name: 'gone-timer-counts-an-attempt',
    promises: [9],
    file: runner,
    find: 'this.#parts.failures.giveUpCause(lane, cause, { reason, stack: null });\n    else',
    replace: 'this.#parts.failures.giveUpCause(lane, { ...cause, attempts: 1 }, { reason, stack: null });\n    else',
    tests: [promise('gone-timers')],
  },
  {
    name: 'gone-timer-stays-armed',
    promises: [5],
    file: 'src/engine/failures.ts',
    find: '    this.#writes.write(lane, draft, { ...nameOf(cause), dueAt: null });\n  }\n\n  /** Gives the missing',
    replace: '  }\n\n  /** Gives the missing',
    tests: [promise('gone-timers')],
  },
  {
    name: 'gone-timer-found-among-what-every-object-has',
    promises: [9],
    file: declaredCause,
    find: 'if (Object.hasOwn(declared, name)) return undefined;',
    replace: 'if (name in declared) return undefined;',
    tests: [promise('gone-timers', 'two generations')],
  },
  {
    name: 'gone-endpoint-loses-its-outcomes',
    promises: [6, 9],
    file: declaredCause,
    find: 'if (Object.hasOwn(declared, name)) return undefined;',
    replace: "if (cause.kind === 'outcome' || Object.hasOwn(declared, name)) return undefined;",
    tests: [promise('gone-timers', 'an outcome that waits')],
  },
  {
    name: 'gone-timer-redriven-without-its-name',
    promises: [9],
    file: resolver,
    find: 'const reason = whyUndeclared(pipeline, cause);',
    replace: 'const reason = undefined;',
    tests: [promise('gone-timers')],
  },
  {
    name: 'gone-pipeline-redriven',
    promises: [9],
    file: 'src/engine/dead-letters.ts',
    find: 'if (declared.all.has(pipeline)) return letter;',
    replace: 'if (pipeline.length > 0) return letter;',
    tests: [promise('gone-pipelines', 'its dead letters')],
  },
  {
    name: 'declared-endpoint-withdrawn',
    promises: [6],
    file: 'src/engine/operations.ts',
    find: 'if (Object.hasOwn(deliver, endpoint)) {',
    replace: 'if (deliver === undefined) {',
    tests: [promise('gone-endpoints', 'an endpoint that is declared')],
  },
  {
    name: 'withdrawal-ends-after-one-draft',
    promises: [6],
    file: withdrawal,
    find: 'withdrawn += names.length;',
    replace: 'withdrawn += names.length;\n      if (names.length === withdrawnMax) return withdrawn;',
    tests: [promise('gone-endpoints', 'they can be withdrawn')],
  },
  {
    name: 'withdrawal-counted-though-the-store-failed',
    promises: [2],
    file: withdrawal,
    find: "if (this.#lanes.isClosed) throw new MillraceError('MILL_STORE_UNAVAILABLE', 'the partition is being recovered');",
    replace: 'if (this.#lanes.isClosed) return withdrawn;',
    tests: [promise('gone-endpoints', 'breaks off')],
  },
  {
    name: 'withdrawals-side-by-side',
    promises: [2],
    file: withdrawal,
    find: 'this.#last = withdrawn.catch(() => undefined);',
    replace: 'withdrawn.catch(() => undefined);',
    tests: [promise('gone-endpoints', 'two that withdraw')],
  },
  {
    name: 'leftover-states-not-counted',
    promises: [9],
    file: find,
    find: '(state === undefined ? [] : [name])',
    replace: '[name]',
    tests: [promise('gone-pipelines', 'states of a pipeline')],
  },
  {
    name: 'leftovers-not-named-in-the-log',
    promises: [9],
    file: 'src/engine/leftovers/leftovers.ts',
    find: 'this.#means.log.warn(fields, leftoverSentences[gone]);',
    replace: 'this.#means.log.debug(fields, leftoverSentences[gone]);',
    tests: [promise('gone-timers')],
  },
  {
    name: 'numbers-taken-for-positions',
    promises: [2, 3],
    file: accepted,
    find: 'if (order === undefined && number !== null) return',
    replace: 'if (order === undefined && number === undefined) return',
    tests: [promise('changed-order')],
  },
  {
    name: 'positions-taken-for-numbers',
    promises: [2, 3],
    file: accepted,
    find: 'if (order !== undefined && number === null) return',
    replace: 'if (order !== undefined && number === undefined) return',
    tests: [promise('changed-order')],
  },
  {
    name: 'held-events-not-looked-at-before-the-start',
    promises: [2, 3],
    file: accepted,
    find: 'const [key] = held > 0 ?',
    replace: 'const [key] = held < 0 ?',
    tests: [promise('changed-order')],
  },
  {
    name: 'gone-schedule-forgets-a-command',
    promises: [8],
    file: schedules,
    find: 'if (schedule === undefined) return noted(command, state, turn);',
    replace: 'if (schedule === undefined) return undefined;',
    tests: [beside('engine/schedules/gone-schedules')],
  },
  {
    name: 'gone-schedule-stays-paused',
    promises: [5],
    file: schedules,
    find: 'if (nextRunAt === null || pauseMs === null) return undefined;',
    replace: 'if (nextRunAt === null || pauseMs === null || nextRunAt <= now) return undefined;',
    tests: [beside('engine/schedules/gone-schedules')],
  },
  {
    name: 'forgotten-pipeline-keeps-its-dead-letters',
    promises: [9],
    file: 'src/store/sqlite/partition/forget-pipeline.ts',
    find: "    deletion('millrace_dead_letters', 'id', 'WHERE pipeline = ?'),\n",
    replace: '',
    tests: [contract('sqlite', 'a pipeline that is forgotten')],
  },
  {
    name: 'declared-pipeline-forgotten',
    promises: [1],
    file: 'src/store/sqlite/partition/writer.ts',
    find: 'if (!this.#partitions.has(pipeline)) return forgetPiece(this.#db, pipeline);',
    replace: 'if (this.#db.isOpen) return forgetPiece(this.#db, pipeline);',
    tests: [contract('sqlite', 'a pipeline that is declared')],
  },
];

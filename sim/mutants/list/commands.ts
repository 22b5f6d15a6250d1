import type { Mutant } from '../mutant.ts';
import { contract, promise } from '../suites.ts';

const given = 'src/engine/commands/given-commands.ts';
const received = 'src/engine/commands/received-commands.ts';
const inMemory = 'src/store/memory/memory-commands.ts';
const shared = 'src/store/sql/write/command-statements.ts';
const onPostgres = 'src/store/postgres';
const tests = (named: string) => promise('fleet-commands', named);

/** An engine forwards commands to the owner of a partition. */
export const commands: readonly Mutant[] = [
  {
    name: 'command-answered-apart-from-what-it-does',
    promises: [2],
    file: 'src/engine/resolver.ts',
    find: 'if (answer !== undefined) draft.answer(answer);',
    replace: '',
    tests: [tests('an owner that dies after committing a command has answered it in that commit')],
  },
  {
    name: 'command-not-left-to-the-next-owner',
    promises: [8],
    file: inMemory,
    find: 'for (const [id, { until }] of this.#kept)',
    replace: 'this.#kept.clear();\n    for (const [id, { until }] of this.#kept)',
    tests: [contract('memory', 'a command reaches the owner of its partition')],
  },
  {
    name: 'command-carried-out-when-its-time-is-over',
    promises: [9],
    file: inMemory,
    find: 'answer === undefined && until > this.#now()',
    replace: 'answer === undefined',
    tests: [contract('memory', 'or one that has expired')],
  },
  {
    name: 'command-carried-out-when-its-time-is-over-on-postgres',
    promises: [9],
    file: shared,
    find: 'AND command.answer IS NULL AND command.until > ',
    replace: 'AND command.answer IS NULL AND 0 < ',
    tests: [contract('postgres', 'or one that has expired')],
  },
  {
    name: 'second-answer-to-a-command-counts-on-postgres',
    promises: [9],
    file: `${onPostgres}/write/write-statements.ts`,
    find: 'WHERE command.id = given.id AND command.answer IS NULL',
    replace: 'WHERE command.id = given.id',
    tests: [contract('postgres', 'the first one counts')],
  },
  {
    name: 'command-told-to-engines-that-do-not-own',
    promises: [2],
    file: 'src/store/memory/memory-store.ts',
    find: 'commands.open.filter(({ partition }) => leases.ownerOf(partition) === self)',
    replace: 'commands.open',
    tests: [contract('memory', 'nobody gets a command for an unowned partition')],
  },
  {
    name: 'owner-not-told-of-a-command-on-postgres',
    promises: [],
    file: `${onPostgres}/lease/lease-statements.ts`,
    find: 'AND owner <> $3',
    replace: 'AND owner = $3',
    tests: ['src/store/postgres/several-stores.test.ts'],
  },
  {
    name: 'failure-of-the-store-given-as-an-answer',
    promises: [8, 9],
    file: received,
    find: 'if (error instanceof MillraceError && error.retryable) throw error;',
    replace: '',
    tests: [tests('a store failure at the owner, at')],
  },
  {
    name: 'command-begun-again-by-a-late-roll',
    promises: [9],
    file: received,
    find: ' && !this.#answered.has(command.id)',
    replace: '',
    tests: [tests('a command is not restarted by a roll from before its answer')],
  },
  {
    name: 'answers-not-looked-for-after-a-failure',
    promises: [8],
    file: given,
    find: 'this.#isLooking = false;',
    replace: 'this.#isLooking = this.#failure !== undefined;',
    tests: [tests('a temporarily unresponsive store loses no answer')],
  },
  {
    name: 'waiting-for-an-answer-keeps-an-engine-from-stopping',
    promises: [8],
    file: given,
    find: 'for (const answer of this.#waiting.values()) answer(undefined);',
    replace: '',
    tests: [tests('a stopping engine waits for no answer')],
  },
  {
    name: 'bulk-discard-counts-own-partitions-alone',
    promises: [9],
    file: 'src/engine/dead-letters.ts',
    find: 'if (!partitions.of(pipeline).some(({ isAway }) => isAway)) return',
    replace: 'if (pipeline !== undefined) return',
    tests: [tests('all dead letters of a pipeline')],
  },
  {
    name: 'discard-by-the-pauses-of-the-last-beat',
    promises: [9],
    file: 'src/engine/operations.ts',
    find: 'await fleet.followPauses();',
    replace: '',
    tests: [tests('any engine can discard a paused pipeline’s')],
  },
];

import type { Mutant } from '../mutant.ts';
import { beside, contract } from '../suites.ts';

const inletTests = (named: string) => beside('engine/inlets/inlets', named);
const intake = 'src/engine/inlets/record-intake.ts';

/** Records of brokers, and the stored reading positions. */
export const inlets: readonly Mutant[] = [
  {
    name: 'offset-moved-without-compare-and-set-in-files',
    promises: [2],
    file: 'src/store/sqlite/partition/source-offsets.ts',
    find: 'isIt} AND next = ?`',
    replace: 'isIt} AND ? IS NOT NULL`',
    tests: [contract('sqlite', 'a batch changes nothing if its offset is missing, or is another one')],
  },
  {
    name: 'offset-moved-without-compare-and-set-on-servers',
    promises: [2],
    file: 'src/store/sql/write/source-batches.ts',
    find: 'isIt} AND next = $5)`',
    replace: 'isIt} AND $5 = $5)`',
    tests: [contract('postgres', 'a batch changes nothing if its offset is missing, or is another one')],
  },
  {
    name: 'offset-moved-without-compare-and-set-in-steps',
    promises: [2],
    file: 'src/store/sql/write/source-batch-steps.ts',
    find: 'isIt} AND next = $6`',
    replace: 'isIt} AND $6 = $6`',
    tests: [
      contract('postgres', 'a batch changes nothing if its offset is missing, or is another one'),
      contract('postgres', 'simultaneous batches are judged separately'),
    ],
  },
  {
    name: 'offset-moved-without-compare-and-set-in-memory',
    promises: [2],
    file: 'src/store/memory/memory-source-offsets.ts',
    find: 'if ((this.#offsets.get(name)?.next ?? null) !== expected) return false;',
    replace: '',
    tests: [contract('memory', 'a batch changes nothing if its offset is missing, or is another one')],
  },
  {
    name: 'records-taken-under-a-lease-that-is-over-in-files',
    promises: [9],
    file: 'src/store/sqlite/partition/writer.ts',
    find: 'this.#advanceCursor({ partition, epoch, cursor: 0 });\n    if (!this.#sourceOffsets',
    replace: 'if (!this.#sourceOffsets',
    tests: [contract('sqlite', 'an expired lease takes nothing')],
  },
  {
    name: 'record-that-is-late-lost',
    promises: [9],
    file: 'src/store/sqlite/partition/writer.ts',
    find: 'letter !== null && (event === null || answer === isLate)',
    replace: 'letter !== null && event === null',
    tests: [contract('sqlite', 'an event that is too late becomes the dead letter it comes with')],
  },
  {
    name: 'record-without-room-buried',
    promises: [9],
    file: intake,
    find: 'if (isFaultOfInput(error)) return { letter',
    replace: 'if (error !== null) return { letter',
    tests: [inletTests('while the door has no room')],
  },
  {
    name: 'cold-keys-of-a-batch-loaded-one-by-one',
    promises: [4],
    file: intake,
    find: 'await admission.enterCold(pipeline, outgoing, others);',
    replace: 'await admission.enterCold(pipeline, outgoing, others.slice(0, 1));',
    tests: [inletTests('keys that are not in memory are loaded once')],
  },
  {
    name: 'topic-that-was-created-anew-read',
    promises: [9],
    file: 'src/engine/inlets/topic-state.ts',
    find: 'if (isAnother)',
    replace: 'if (isAnother && stored !== null)',
    tests: [inletTests('a topic that was created anew')],
  },
  {
    name: 'records-that-were-deleted-passed-over',
    promises: [9],
    file: 'src/engine/inlets/topic-state.ts',
    find: 'if (stored >= earliest) return',
    replace: 'if (stored >= 0) return',
    tests: [inletTests('records that were deleted')],
  },
  {
    name: 'batch-that-another-has-taken-not-counted',
    promises: [9],
    file: 'src/engine/inlets/source-reader.ts',
    find: "partitions.counters(pipeline.name).count('droppedBatches');",
    replace: '',
    tests: [inletTests('a batch that another process has taken')],
  },
];

import type { Mutant } from '../mutant.ts';
import { beside } from '../suites.ts';

const ofInlet = (named: string) => beside('inlets/nats/nats-inlet', named);
const reader = 'src/inlets/nats/stream-reader.ts';

/** Events from NATS streams, and deliveries to them. */
export const nats: readonly Mutant[] = [
  {
    name: 'nats-stream-of-another-creation-read',
    promises: [2],
    file: reader,
    find: 'if (found.created !== created)',
    replace: 'if (false)',
    tests: [ofInlet('is not read when it was created anew')],
  },
  {
    name: 'nats-reads-on-whatever-is-asked',
    promises: [2],
    file: reader,
    find: 'this.#consumer?.next !== from',
    replace: 'this.#consumer === undefined',
    tests: [ofInlet('NATS JetStream')],
  },
  {
    name: 'nats-messages-gone-unnoticed',
    promises: [9],
    file: 'src/inlets/nats/nats-inlet.ts',
    find: 'if (firstSequence > from + gap)',
    replace: 'if (false)',
    tests: [ofInlet('is not read past messages')],
  },
  {
    name: 'nats-message-without-the-id-of-its-delivery',
    promises: [6],
    file: 'src/inlets/nats/jet-stream.ts',
    find: 'msgID: id, ',
    replace: '',
    tests: [beside('inlets/nats/nats-transport', 'once within the duplicate window')],
  },
];

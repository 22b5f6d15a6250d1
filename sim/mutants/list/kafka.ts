import type { Mutant } from '../mutant.ts';
import { beside } from '../suites.ts';

const ofWriter = (named: string) => beside('inlets/kafka/topic-writer', named);
const ofPipelines = (named: string) => beside('inlets/kafka/kafka-pipelines', named);
const writer = 'src/inlets/kafka/topic-writer.ts';

/** Events from Kafka topics, and deliveries to them. */
export const kafka: readonly Mutant[] = [
  {
    name: 'kafka-deliveries-out-of-the-order-of-their-keys',
    promises: [6],
    file: writer,
    find: 'return this.#waiting.splice(0, count);',
    replace: 'return this.#waiting.splice(-count);',
    tests: [ofWriter('are written in the order of the calls')],
  },
  {
    name: 'kafka-key-in-any-partition',
    promises: [6],
    file: writer,
    find: 'key === null ? Math.floor',
    replace: 'key !== null ? Math.floor',
    tests: [ofWriter('are written in the order of the calls'), ofPipelines('keys go to the partitions that Java')],
  },
  {
    name: 'kafka-producer-not-idempotent',
    promises: [6],
    file: writer,
    find: 'idempotent: true, ',
    replace: '',
    tests: [ofWriter('are written by an idempotent producer')],
  },
  {
    name: 'kafka-delivery-without-its-id',
    promises: [6],
    file: 'src/inlets/kafka/outgoing-record.ts',
    find: "'millrace-delivery-id': call.id,",
    replace: '',
    tests: [ofPipelines('deliveries arrive in order per key')],
  },
  {
    name: 'kafka-record-of-an-aborted-transaction-read',
    promises: [2],
    file: 'src/inlets/kafka/fetched-records.ts',
    find: 'else if (!aborted.has(batch)) records',
    replace: 'else records',
    tests: [ofPipelines('the records of a transaction are read')],
  },
  {
    name: 'kafka-records-before-the-offset-read-again',
    promises: [2],
    file: 'src/inlets/kafka/fetched-records.ts',
    find: '.filter(({ offset }) => offset >= from)',
    replace: '',
    tests: [beside('inlets/kafka/kafka', 'reading begins at the requested offset')],
  },
];

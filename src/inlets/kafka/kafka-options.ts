import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { checkOptions, type OptionTable, required } from '../../pipeline/check-options.ts';
import type { OutgoingCall } from '../../pipeline/endpoint.ts';
import { arrayOf, expect, isPlainObject, oneOf, synchronous, text, trueOrFalse } from '../../pipeline/expectations.ts';
import { Place } from '../../pipeline/place.ts';
import { type ValueOptions, valueOptions } from '../values.ts';

/** How one signs in at the brokers. */
export interface KafkaSasl {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER';
  readonly username?: string;
  readonly password?: string;
  /** For `OAUTHBEARER`: the token, or what fetches one. */
  readonly token?: string | (() => string | Promise<string>);
}

/** Which partition a record goes to. */
export type KafkaPartitioner = (key: Uint8Array | null, partitions: number) => number;

export interface KafkaOptions extends ValueOptions {
  /** `host:port` of some of the brokers; the others are found by them. */
  readonly brokers: string | readonly string[];
  readonly topic: string;
  /** How this program names itself to the brokers. Default `millrace`. */
  readonly clientId?: string;
  /** Speaks TLS, with options of `node:tls` where there are some. Default: only where `sasl` is there, no: false. */
  readonly tls?: boolean | TlsOptions;
  readonly sasl?: KafkaSasl;

  /** Of a topic that events are taken from: the id of the one that takes the place of another of its name. Without it a topic that was created anew is not read. */
  readonly acceptedTopicId?: string;
  /** Of a topic that events are taken from: whether to go on with the earliest record where some were deleted before they were read. Default false. */
  readonly mayLoseRecords?: boolean;

  /** Of a topic that is delivered to: the key of a delivery's record; null for none. Default: the key whose turn asked for the delivery. */
  readonly recordKey?: (call: OutgoingCall) => string | null;
  /** Of a topic that is delivered to: `murmur2` (default), by which Java's clients place keys, or a function of your own. */
  readonly partitioner?: 'murmur2' | KafkaPartitioner;
  /** Of a topic that is delivered to: whether records are CloudEvents 1.0 in binary form, with their type and source where they are not the default. */
  readonly cloudEvents?: boolean | { readonly source?: string; readonly type?: string };
}

const tlsOrNot = expect('true, false or an object of TLS options', (value) => typeof value === 'boolean' || isPlainObject(value));

const sasl: OptionTable<KafkaSasl> = {
  mechanism: required(oneOf('PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER')),
  username: unshown('a text that is not empty'),
  password: unshown('a text that is not empty'),
  token: (value, place) => {
    if (typeof value !== 'function') unshown('a text that is not empty, or a function')(value, place);
  },
};

const cloudEvents: OptionTable<Exclude<NonNullable<KafkaOptions['cloudEvents']>, boolean>> = { source: text, type: text };

const kafkaOptions: OptionTable<KafkaOptions> = {
  ...valueOptions,
  brokers: required(checkBrokers),
  topic: required(topicName),
  clientId: text,
  tls: tlsOrNot,
  sasl: (value, place) => checkOptions(value, sasl, place),
  acceptedTopicId: text,
  mayLoseRecords: trueOrFalse,
  recordKey: synchronous('(call) => call.key'),
  partitioner: (value, place) => {
    if (value !== 'murmur2') synchronous('(key, partitions) => 0')(value, place);
  },
  cloudEvents: (value, place) => {
    if (typeof value !== 'boolean') checkOptions(value, cloudEvents, place);
  },
};

/** Checks the options of `kafka(…)`. Throws `MILL_INVALID_DECLARATION`, never with what may be a secret. */
export function checkKafkaOptions(options: unknown): void {
  checkOptions(options, kafkaOptions, new Place('kafka', 'MILL_INVALID_DECLARATION'));
}

/** The brokers of the option, each `host:port`. */
export function brokersOf({ brokers }: Pick<KafkaOptions, 'brokers'>): string[] {
  return (typeof brokers === 'string' ? brokers.split(',') : [...brokers]).map((broker) => broker.trim());
}

function checkBrokers(value: unknown, place: Place): void {
  if (typeof value === 'string') text(value, place);
  else arrayOf('brokers, such as localhost:9092', text)(value, place);
  if (Array.isArray(value) && value.length === 0) place.refuse('expected at least one broker, such as localhost:9092, found none');
}

/** As Kafka has them: at most 249 characters. */
function topicName(value: unknown, place: Place): void {
  expect('a topic of letters, digits, ., _ and -, at most 249', (name) => typeof name === 'string' && /^[\w.-]{1,249}$/.test(name))(
    value,
    place,
  );
}

/** What may be a secret is described by its kind alone. */
function unshown(expectation: string) {
  return (value: unknown, place: Place) => {
    if (typeof value !== 'string' || value === '')
      place.refuse(`expected ${expectation}, found ${value === '' ? 'an empty text' : typeof value}`);
  };
}

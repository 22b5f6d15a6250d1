import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { checkOptions, type OptionTable, required } from '../../pipeline/check-options.ts';
import type { OutgoingCall } from '../../pipeline/endpoint.ts';
import { arrayOf, expect, isPlainObject, oneOf, synchronous, text, trueOrFalse } from '../../pipeline/expectations.ts';
import { Place } from '../../pipeline/place.ts';
import { type ValueOptions, valueOptions } from '../values.ts';

/** The sign-in at the brokers. */
export interface KafkaSasl {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER';
  readonly username?: string;
  readonly password?: string;
  /** For `OAUTHBEARER`: the token, or a function that fetches one. */
  readonly token?: string | (() => string | Promise<string>);
}

/** Chooses the partition of a record. */
export type KafkaPartitioner = (key: Uint8Array | null, partitions: number) => number;

export interface KafkaOptions extends ValueOptions {
  /** `host:port` of some of the brokers, through which the others are found. */
  readonly brokers: string | readonly string[];
  readonly topic: string;
  /** The name of this program to the brokers. Default `millrace`. */
  readonly clientId?: string;
  /** Enables TLS, optionally with `node:tls` options. Default false. */
  readonly tls?: boolean | TlsOptions;
  readonly sasl?: KafkaSasl;

  /**
   * For a topic to read: the id of a topic accepted as the replacement of an earlier one with the same name. Without it a recreated topic
   * is not read.
   */
  readonly acceptedTopicId?: string;
  /** For a topic to read: continues with the earliest record if some were deleted before they were read. Default false. */
  readonly mayLoseRecords?: boolean;

  /**
   * For a topic to deliver to: returns the key of a delivery's record; null for none. Default: the key whose turn requested the delivery.
   */
  readonly recordKey?: (call: OutgoingCall) => string | null;
  /** For a topic to deliver to: `murmur2` (default), by which Java's clients place keys, or a custom function. */
  readonly partitioner?: 'murmur2' | KafkaPartitioner;
  /** For a topic to deliver to: writes records as CloudEvents 1.0 in binary form, optionally with their type and source. */
  readonly cloudEvents?: boolean | { readonly source?: string; readonly type?: string };
}

const tlsOrNot = expect('true, false or an object of TLS options', (value) => typeof value === 'boolean' || isPlainObject(value));

const sasl: OptionTable<KafkaSasl> = {
  mechanism: required(oneOf('PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER')),
  username: unshown('a non-empty text'),
  password: unshown('a non-empty text'),
  token: (value, place) => {
    if (typeof value !== 'function') unshown('a non-empty text, or a function')(value, place);
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

/** Checks the options of `kafka(…)`. Throws `MILL_INVALID_DECLARATION`, never quoting a possible secret. */
export function checkKafkaOptions(options: unknown): void {
  checkOptions(options, kafkaOptions, new Place('kafka', 'MILL_INVALID_DECLARATION'));
}

/** Returns the brokers of the option, each `host:port`. */
export function brokersOf({ brokers }: Pick<KafkaOptions, 'brokers'>): string[] {
  return (typeof brokers === 'string' ? brokers.split(',') : [...brokers]).map((broker) => broker.trim());
}

function checkBrokers(value: unknown, place: Place): void {
  if (typeof value === 'string') text(value, place);
  else arrayOf('brokers, such as localhost:9092', text)(value, place);
  if (Array.isArray(value) && value.length === 0) place.refuse('expected at least one broker, such as localhost:9092, found none');
}

/** Kafka's limit: at most 249 characters. */
function topicName(value: unknown, place: Place): void {
  expect('a topic of letters, digits, ., _ and -, at most 249', (name) => typeof name === 'string' && /^[\w.-]{1,249}$/.test(name))(
    value,
    place,
  );
}

/** A possible secret is described by its kind alone. */
function unshown(expectation: string) {
  return (value: unknown, place: Place) => {
    if (typeof value !== 'string' || value === '')
      place.refuse(`expected ${expectation}, found ${value === '' ? 'an empty text' : typeof value}`);
  };
}

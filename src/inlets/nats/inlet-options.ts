import { describeFound } from '../../describe-found.ts';
import { checkOptions, type OptionTable, required } from '../../pipeline/check-options.ts';
import { text, trueOrFalse } from '../../pipeline/expectations.ts';
import { Place } from '../../pipeline/place.ts';
import { type ValueOptions, valueOptions } from '../values.ts';
import { checkCredentials, type NatsConnectionOptions, natsConnectionOptions } from './connection-options.ts';

/** How events are taken from NATS. The `key` of {@link ValueOptions} is the property that takes the subject. */
export interface NatsInletOptions extends NatsConnectionOptions, ValueOptions {
  /** The stream that is read. It must keep its messages for a time or up to a size: retention `limits`. */
  readonly stream: string;
  /** Subjects of the messages that are read, in which `*` and `>` stand for any. Default: all of the stream. */
  readonly filter?: string | readonly string[];
  /** When the stream was created that takes the place of another one of its name: the operator's word that it is to be read. */
  readonly acceptedTopicId?: string | undefined;
  /** Whether to go on where messages have gone before they were read. Default false: the stream is not read on. */
  readonly mayLoseRecords?: boolean | undefined;
}

const inletOptions: OptionTable<NatsInletOptions> = {
  ...natsConnectionOptions,
  ...valueOptions,
  stream: required(checkStream),
  filter: checkFilter,
  acceptedTopicId: text,
  mayLoseRecords: trueOrFalse,
};

/** Throws `MILL_INVALID_DECLARATION`, never with what may be a secret. */
export function checkInletOptions(options: NatsInletOptions): void {
  const place = new Place('nats', 'MILL_INVALID_DECLARATION');
  checkOptions(options, inletOptions, place);
  checkCredentials(options, place);
}

/** The subjects that are read; none for all of the stream. */
export function subjectsOf({ filter = [] }: NatsInletOptions): readonly string[] {
  return typeof filter === 'string' ? [filter] : filter;
}

function checkStream(stream: unknown, place: Place): void {
  if (typeof stream === 'string' && /^[^\s.*>/\\\0]{1,200}$/u.test(stream)) return;
  place.refuse(`expected the name of a stream, such as ORDERS, found ${describeFound(stream)}`);
}

function checkFilter(filter: unknown, place: Place): void {
  const subjects: readonly unknown[] = Array.isArray(filter) ? filter : [filter];
  if (subjects.length === 0) place.expected('at least one subject', filter);
  for (const subject of subjects) {
    if (typeof subject !== 'string' || !/^[^\s.\0]+(\.[^\s.\0]+)*$/u.test(subject)) {
      place.refuse(`expected a subject such as orders.*, found ${describeFound(subject)}`);
    }
  }
}

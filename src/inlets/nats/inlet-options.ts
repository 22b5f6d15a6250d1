import { describeFound } from '../../describe-found.ts';
import { checkOptions, type OptionTable, required } from '../../pipeline/check-options.ts';
import { text, trueOrFalse } from '../../pipeline/expectations.ts';
import { Place } from '../../pipeline/place.ts';
import { type ValueOptions, valueOptions } from '../values.ts';
import { checkCredentials, type NatsConnectionOptions, natsConnectionOptions } from './connection-options.ts';

/** Options for taking events from NATS. The `key` of {@link ValueOptions} is the property that receives the subject. */
export interface NatsInletOptions extends NatsConnectionOptions, ValueOptions {
  /** The stream to read. It must keep its messages for a time or up to a size: retention `limits`. */
  readonly stream: string;
  /** Subjects of the messages to read, with the wildcards `*` and `>`. Default: all of the stream. */
  readonly filter?: string | readonly string[];
  /** The creation time of a stream that replaced an earlier one with the same name: the operator's permission to read it. */
  readonly acceptedTopicId?: string | undefined;
  /** Continues if messages were deleted before they were read. Default false: the stream is not read any further. */
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

/** Throws `MILL_INVALID_DECLARATION`, never quoting a possible secret. */
export function checkInletOptions(options: NatsInletOptions): void {
  const place = new Place('nats', 'MILL_INVALID_DECLARATION');
  checkOptions(options, inletOptions, place);
  checkCredentials(options, place);
}

/** Returns the subjects to read; none for all of the stream. */
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

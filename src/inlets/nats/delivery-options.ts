import { describeFound, describeKind } from '../../describe-found.ts';
import { checkOptions, type OptionTable, required } from '../../pipeline/check-options.ts';
import type { OutgoingCall } from '../../pipeline/endpoint.ts';
import { isPlainObject, text } from '../../pipeline/expectations.ts';
import { Place } from '../../pipeline/place.ts';
import { type CloudEventOptions, cloudEventOptions } from './cloud-event.ts';
import { checkCredentials, type NatsConnectionOptions, natsConnectionOptions } from './connection-options.ts';
import { subjectFault } from './subject.ts';

/** Options for publishing deliveries to NATS. */
export interface NatsDeliveryOptions extends NatsConnectionOptions {
  /**
   * The destination: a subject that a stream listens to, or a function that returns it for a delivery, such as
   * `(call) => 'orders.' + call.key`. A delivery with an invalid subject is refused.
   */
  readonly subject: string | ((call: OutgoingCall) => string);
  /** The stream that must accept the messages. Default: whichever listens to the subject. */
  readonly stream?: string;
  /** Additional headers of each message. They are never logged. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Makes each message a CloudEvent. */
  readonly cloudEvents?: boolean | CloudEventOptions;
}

/** Headers that describe the message itself and its handling by the stream, which callers may not set. */
const reserved = /^(nats-.*|content-type|traceparent|ce-.*)$/;

const deliveryOptions: OptionTable<NatsDeliveryOptions> = {
  ...natsConnectionOptions,
  subject: required(checkSubject),
  stream: text,
  headers: checkHeaders,
  cloudEvents: (value, place) => {
    if (typeof value !== 'boolean') checkOptions(value, cloudEventOptions, place);
  },
};

/** Throws `MILL_INVALID_DECLARATION`, never quoting a possible secret. */
export function checkDeliveryOptions(options: NatsDeliveryOptions): void {
  const place = new Place('nats', 'MILL_INVALID_DECLARATION');
  checkOptions(options, deliveryOptions, place);
  checkCredentials(options, place);
}

function checkSubject(subject: unknown, place: Place): void {
  if (typeof subject === 'function') return;
  const fault = subjectFault(subject);
  if (fault !== undefined) place.refuse(fault);
}

function checkHeaders(headers: unknown, place: Place): void {
  if (!isPlainObject(headers)) place.refuse(`expected an object of headers, found ${describeKind(headers)}`);
  for (const [name, value] of Object.entries(headers)) checkHeader(name, value, place);
}

function checkHeader(name: string, value: unknown, place: Place): void {
  if (!/^[!-9;-~]+$/.test(name)) place.refuse(`expected header names, found ${describeFound(name)}`);
  if (reserved.test(name.toLowerCase())) place.refuse(`the transport sets this header itself: ${name}`);
  if (typeof value === 'string' && !/[\r\n]/.test(value)) return;
  place.at(name).refuse('expected a text without line breaks, found a value that is not shown. Is an environment variable unset?');
}

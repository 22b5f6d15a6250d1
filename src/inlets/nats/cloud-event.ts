import type { OptionTable } from '../../pipeline/check-options.ts';
import type { OutgoingCall } from '../../pipeline/endpoint.ts';
import { expect, oneOf, text } from '../../pipeline/expectations.ts';

/** The form of deliveries as CloudEvents (version 1.0). The `id` is the delivery's, the `subject` the key. */
export interface CloudEventOptions {
  /** The source, as a URI reference: `https://shop.example/orders`. Default `/pipelines/` and the name of the pipeline. */
  readonly source?: string;
  /**
   * The type, such as `com.example.order.paid`, or a function that returns it for a delivery. Default: the pipeline and the endpoint,
   * `orders.out`.
   */
  readonly type?: string | ((call: OutgoingCall) => string);
  /** `binary`: attributes are headers, and the body is the payload. `structured`: the body is the whole event, as JSON. Default `binary`. */
  readonly mode?: 'binary' | 'structured';
}

const typeExpected = 'a non-empty text, or a function that returns one';

/** The checks of {@link CloudEventOptions}. */
export const cloudEventOptions: OptionTable<CloudEventOptions> = {
  source: text,
  type: expect(typeExpected, (value) => typeof value === 'function' || (typeof value === 'string' && value !== '')),
  mode: oneOf('binary', 'structured'),
};

/** Returns the attributes of a delivery, by name. They declare the payload as JSON. */
export function attributesOf(call: OutgoingCall, options: CloudEventOptions): Readonly<Record<string, string>> {
  const { source = `/pipelines/${call.pipeline}`, type = `${call.pipeline}.${call.endpoint}` } = options;
  return {
    specversion: '1.0',
    id: call.id,
    source,
    type: typeof type === 'string' ? type : type(call),
    subject: call.key,
    time: new Date(call.askedAt).toISOString(),
    datacontenttype: 'application/json',
    ...(call.traceparent !== undefined && { traceparent: call.traceparent }),
  };
}

/** Returns the whole event as JSON: the `structured` mode. */
export function structuredEvent(call: OutgoingCall, options: CloudEventOptions): string {
  const attributes = JSON.stringify(attributesOf(call, options));
  // The payload is JSON already, and possibly large.
  return `${attributes.slice(0, -1)},"data":${call.body}}`;
}

/**
 * Encodes a value for a header: anything but printable ASCII, and `"` and `%`, is percent-encoded, as the CloudEvents protocol bindings
 * require.
 */
export function headerValue(value: string): string {
  return value.replace(/[^!#$&-~]/gu, (character) => (character === ' ' ? '%20' : encodeURIComponent(character).replace('"', '%22')));
}

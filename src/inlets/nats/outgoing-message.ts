import type { OutgoingCall } from '../../pipeline/endpoint.ts';
import { attributesOf, type CloudEventOptions, headerValue, structuredEvent } from './cloud-event.ts';

/** The message form of a delivery. */
export interface MessageContent {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Converts a delivery to a message: its payload, or its CloudEvent by the NATS binding. */
export function messageOfCall(
  call: OutgoingCall,
  own: Readonly<Record<string, string>>,
  cloudEvents: boolean | CloudEventOptions,
): MessageContent {
  const trace = call.traceparent === undefined ? {} : { traceparent: call.traceparent };
  if (cloudEvents === false) return { body: call.body, headers: { ...own, 'content-type': 'application/json', ...trace } };
  const event = cloudEvents === true ? {} : cloudEvents;
  if (event.mode === 'structured') {
    return { body: structuredEvent(call, event), headers: { ...own, 'content-type': 'application/cloudevents+json', ...trace } };
  }
  const { datacontenttype = 'application/json', ...attributes } = attributesOf(call, event);
  const named = Object.entries(attributes).map(([name, value]): [string, string] => [`ce-${name}`, headerValue(value)]);
  return { body: call.body, headers: { ...own, 'content-type': datacontenttype, ...Object.fromEntries(named), ...trace } };
}

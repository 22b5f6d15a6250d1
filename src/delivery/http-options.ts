import type { LookupFunction } from 'node:net';
import type { OutgoingCall } from '../pipeline/endpoint.ts';
import type { CircuitOptions } from './circuit.ts';
import type { Judge } from './response.ts';

/** How calls over HTTP are made. */
export interface HttpOptions {
  /**
   * Where to. It is the operator's own choice, so it may be any address, also a private one. Without it, and for a delivery
   * with a `url` of its own, the address comes from data: then it must be one of the Internet (see `allow`).
   */
  readonly url?: string;
  /** Default `POST`. */
  readonly method?: 'POST' | 'PUT';
  /**
   * More headers, such as `authorization`. They are never logged, and never leave the origin that they are for: neither where a
   * redirect leads outside of it, nor, for a transport with a `url`, with a delivery to another address.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** What is sent, as JSON. Default: the payload. */
  readonly body?: (call: OutgoingCall) => string;
  /**
   * Signs every call as Standard Webhooks has it: `whsec_` and 24 to 64 bytes in base64. Of several each signs, for while a
   * receiver changes its own. Leave the option out to send unsigned; a secret that is undefined or empty is refused, because it
   * is most likely a variable that nobody has set.
   */
  readonly secret?: string | readonly string[];
  /** What an answer means. Default: 2xx delivered, 410 refused, all else failed, with the pause that `Retry-After` asks for. */
  readonly judge?: Judge;
  /** How many redirects with status 307 and 308 are followed, with the same body. Default 0: they are answers like any other. */
  readonly redirects?: number;
  /** Addresses and ranges beside those of the Internet that may be called when the address comes from data, such as `10.1.0.0/16`. */
  readonly allow?: readonly string[];
  /** When the server at `url` is left alone. Addresses from data have no circuit: an endpoint lets each of them rest by itself. */
  readonly circuit?: CircuitOptions | false;
  /**
   * Finds the addresses of a name, as `dns.lookup` does. Default: the system for `url`, and its name servers for addresses from data. For a
   * resolver of your own, and for tests.
   */
  readonly lookup?: LookupFunction;
}

import type { LookupFunction } from 'node:net';
import type { OutgoingCall } from '../pipeline/endpoint.ts';
import type { CircuitOptions } from './circuit.ts';
import type { Judge } from './response.ts';

/** Options for calls over HTTP. */
export interface HttpOptions {
  /**
   * The destination. It is the operator's choice, so any address is allowed, including private ones. Without it, or for a delivery with its
   * own `url`, the address comes from data and must be on the Internet (see `allow`).
   */
  readonly url?: string;
  /** Default `POST`. */
  readonly method?: 'POST' | 'PUT';
  /**
   * Additional headers, such as `authorization`. They are never logged and never leave their origin: neither by a redirect to another one,
   * nor, if the transport has a `url`, with a delivery to another address.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** Returns the request body, as JSON. Default: the payload. */
  readonly body?: (call: OutgoingCall) => string;
  /**
   * Signs every call according to Standard Webhooks: `whsec_` and 24 to 64 bytes in base64. With several secrets each one signs, so that a
   * receiver can rotate its own. Omit the option to send unsigned; an undefined or empty secret is refused, because it is most likely an
   * unset variable.
   */
  readonly secret?: string | readonly string[];
  /** Interprets a response. Default: 2xx delivered, 410 refused, anything else failed, with the pause from `Retry-After`. */
  readonly judge?: Judge;
  /** Maximum redirects with status 307 and 308 to follow, with the same body. Default 0: they are treated like any other response. */
  readonly redirects?: number;
  /** Non-Internet addresses and ranges, such as `10.1.0.0/16`, that may be called when the address comes from data. */
  readonly allow?: readonly string[];
  /** The conditions for leaving the server at `url` alone. Addresses from data have no circuit: an endpoint pauses each one separately. */
  readonly circuit?: CircuitOptions | false;
  /**
   * Resolves a name to addresses, like `dns.lookup`. Default: the system resolver for `url`, and the system's name servers for addresses
   * from data. For a custom resolver, and for tests.
   */
  readonly lookup?: LookupFunction;
}

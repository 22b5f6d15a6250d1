import type { Draw } from './draw.ts';
import type { Request } from './request.ts';
import type { Route } from './routes.ts';

/** What is done on a connection, one after the other. */
export type Step =
  | { readonly write: Buffer }
  /** A byte at a time, that many milliseconds apart. */
  | { readonly drip: Buffer; readonly everyMs: number }
  | { readonly pauseMs: number }
  /** Says that nothing more comes, and goes on reading. */
  | { readonly finish: true }
  /** Cuts the connection off: at once, or when the first bytes of an answer are there. */
  | { readonly reset: 'now' | 'when answered' };

/**
 * What has to come back:
 *
 * - `answers`: one for each request;
 * - `end`: at least one answer, or the end of the connection;
 * - `nothing`: the client leaves by itself after its steps.
 */
export type Expectation = 'answers' | 'end' | 'nothing';

/** One request of an attempt. */
export interface Asked {
  readonly method: string;
  /** The path of the route as the OpenAPI document writes it; empty when it is no known route. */
  readonly path: string;
  /** The pipeline that its parameter names, where the path has one. */
  readonly pipeline?: string | undefined;
  /** No more events than that are stored when the server takes it. */
  readonly eventsMax: number;
  /** Whether its events are marked, as those are of requests that may go without an answer. */
  readonly isMarked?: boolean;
}

/** What a kind of attempt makes. */
export interface Made {
  readonly steps: readonly Step[];
  readonly asked: readonly Asked[];
  readonly expects: Expectation;
  /** It must not be taken: an answer of 2xx is a fault. */
  readonly isInvalid?: boolean;
  /** How long to listen for more than was asked for, in milliseconds. */
  readonly lingerMs?: number;
}

export interface Attempt extends Made {
  readonly number: number;
  readonly kind: string;
  /** The route that it is aimed at: `GET /rockets/{id}`. */
  readonly route: string;
}

/** What a kind makes an attempt out of. */
export interface Material {
  readonly draw: Draw;
  readonly route: Route;
  /** A request that is valid for the route. */
  readonly valid: ValidRequest;
  /** Another, of any route. */
  another(): ValidRequest;
}

export interface ValidRequest {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  /** Undefined for a route without a body. */
  readonly json: unknown;
  readonly request: Request;
}

/** A way to be hostile. */
export interface Kind {
  readonly name: string;
  readonly weight: number;
  /** It takes seconds, most of which it waits. */
  readonly slow?: boolean;
  /** Whether it makes something of that route; by default of any. */
  suits?(route: Route): boolean;
  make(material: Material): Made;
}

import type { Draw } from './draw.ts';
import type { Request } from './request.ts';
import type { Route } from './routes.ts';

/** The steps on a connection, one after another. */
export type Step =
  | { readonly write: Buffer }
  /** One byte at a time, at this interval in milliseconds. */
  | { readonly drip: Buffer; readonly everyMs: number }
  | { readonly pauseMs: number }
  /** Half-closes the connection, and continues reading. */
  | { readonly finish: true }
  /** Resets the connection: at once, or at the first bytes of a response. */
  | { readonly reset: 'now' | 'when answered' };

/**
 * The required reaction:
 *
 * - `answers`: one for each request;
 * - `end`: at least one answer, or the end of the connection;
 * - `nothing`: the client leaves by itself after its steps.
 */
export type Expectation = 'answers' | 'end' | 'nothing';

/** One request of an attempt. */
export interface Asked {
  readonly method: string;
  /** The path of the route in the OpenAPI document; empty for an unknown route. */
  readonly path: string;
  /** The pipeline named by its parameter, if the path has one. */
  readonly pipeline?: string | undefined;
  /** Maximum events stored if the server accepts it. */
  readonly eventsMax: number;
  /** True if its events are marked, as in requests that may remain unanswered. */
  readonly isMarked?: boolean;
}

/** The result of a kind of attempt. */
export interface Made {
  readonly steps: readonly Step[];
  readonly asked: readonly Asked[];
  readonly expects: Expectation;
  /** It must be refused: a 2xx answer is a fault. */
  readonly isInvalid?: boolean;
  /** Time to wait for surplus responses, in milliseconds. */
  readonly lingerMs?: number;
}

export interface Attempt extends Made {
  readonly number: number;
  readonly kind: string;
  /** The targeted route: `GET /rockets/{id}`. */
  readonly route: string;
}

/** The inputs for an attempt. */
export interface Material {
  readonly draw: Draw;
  readonly route: Route;
  /** A request that is valid for the route. */
  readonly valid: ValidRequest;
  /** Returns another request, of any route. */
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

/** A kind of hostility. */
export interface Kind {
  readonly name: string;
  readonly weight: number;
  /** True if it takes seconds, mostly waiting. */
  readonly slow?: boolean;
  /** Returns whether it applies to a route; by default to any. */
  suits?(route: Route): boolean;
  make(material: Material): Made;
}

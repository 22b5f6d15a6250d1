import type { InexactNumbers } from './json-body.ts';

export interface IngestRouteOptions {
  /**
   * The treatment of a body with a number that JavaScript rounds, such as 1405478888888888901. `refuse` (default): 400. `by event`: for a
   * route that passes the body, or its items, to `mill.ingest` or `mill.ingestBatch` unchanged. Each event with such a number is refused
   * separately, or gets it as text if its pipeline says `inexactNumbers: 'text'`.
   */
  readonly inexactNumbers?: InexactNumbers;
  /**
   * The treatment of an `Idempotency-Key`. `refuse` (default): a request with one is 400, since its sender relies on it. `by route`: the
   * route handles it, for example by passing `idempotencyKeyOf(request)` to `mill.ingest`.
   */
  readonly idempotencyKey?: 'refuse' | 'by route';
}

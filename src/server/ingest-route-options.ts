import type { InexactNumbers } from './json-body.ts';

export interface IngestRouteOptions {
  /**
   * What becomes of a body with a number that JavaScript rounds, such as 1405478888888888901. `refuse` (default): it is 400.
   * `by event`: for a route that hands the body, or its items, to `mill.ingest` or `mill.ingestBatch` as they are. Each event
   * that has such a number is refused by itself, or has it as text where its pipeline says `inexactNumbers: 'text'`.
   */
  readonly inexactNumbers?: InexactNumbers;
  /**
   * What becomes of an `Idempotency-Key`. `refuse` (default): a request with one is 400, since its sender relies on it. `by route`: the
   * route looks at it, as by handing `idempotencyKeyOf(request)` to `mill.ingest`.
   */
  readonly idempotencyKey?: 'refuse' | 'by route';
}

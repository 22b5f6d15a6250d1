/** What the program asks of a member. */
export type Request =
  /** Takes events in at a rate of so many a second. */
  | { readonly call: 'load'; readonly rate: number; readonly seconds: number }
  /** Takes in what was kept back, and waits until there is nothing left to do. */
  | { readonly call: 'settle' }
  | { readonly call: 'stop' };

/** What came of a load. */
export interface Taken {
  readonly events: number;
  /** How long it took: longer than was asked for where the members could not keep the pace. */
  readonly seconds: number;
  /** Batches that were refused, and brought again. */
  readonly refusals: number;
}

/** What a member says: once by itself when it has started, then one answer to each request. */
export type Response =
  | { readonly call: Request['call'] | 'start'; readonly taken: Taken | undefined }
  | { readonly call: Request['call']; readonly failure: string };

/** A request from the program to a member. */
export type Request =
  /** Takes in events at this rate per second. */
  | { readonly call: 'load'; readonly rate: number; readonly seconds: number }
  /** Takes in the events held back, and waits until no work is left. */
  | { readonly call: 'settle' }
  | { readonly call: 'stop' };

/** The result of a load. */
export interface Taken {
  readonly events: number;
  /** The actual duration: longer than requested if the members could not keep the pace. */
  readonly seconds: number;
  /** Batches that were refused, and sent again. */
  readonly refusals: number;
}

/** A message from a member: one unprompted when it has started, then one answer to each request. */
export type Response =
  | { readonly call: Request['call'] | 'start'; readonly taken: Taken | undefined }
  | { readonly call: Request['call']; readonly failure: string };

/** Stored work whose declaration is gone, and its amount. */
export type Leftover =
  /** The pipeline itself is not declared. */
  | {
      readonly gone: 'pipeline';
      readonly pipeline: string;
      /** Accepted, unsettled events. */
      readonly events: number;
      /** Keys with a state. */
      readonly states: number;
      readonly timers: number;
      readonly deliveries: number;
      /** Outcomes that no key has been notified of. */
      readonly outcomes: number;
      readonly deadLetters: number;
      /** Rows of the inbox. */
      readonly inbox: number;
    }
  /** The pipeline no longer declares the endpoint. */
  | {
      readonly gone: 'endpoint';
      readonly pipeline: string;
      readonly endpoint: string;
      readonly deliveries: number;
      /** Outcomes that no key has been notified of. */
      readonly outcomes: number;
    }
  /** The pipeline no longer declares a timer of this name. */
  | { readonly gone: 'timer'; readonly pipeline: string; readonly timer: string; readonly timers: number }
  /** The pipeline no longer declares a state. */
  | { readonly gone: 'state'; readonly pipeline: string; readonly states: number }
  /** The pipeline is not declared, or no longer declares a schedule. */
  | { readonly gone: 'schedule'; readonly pipeline: string };

/** A sentence about each kind, for the log. */
export const leftoverSentences: Readonly<Record<Leftover['gone'], string>> = {
  pipeline: 'stored work belongs to a pipeline that is no longer declared',
  endpoint: 'stored work waits for an endpoint that is no longer declared',
  timer: 'stored timers have a name that is no longer declared',
  state: 'stored states belong to a pipeline that no longer declares a state',
  schedule: 'a stored schedule belongs to a pipeline that no longer declares one',
};

/** A leftover in words, without its pipeline: `endpoint shop is gone (deliveries 12, outcomes 0)`. */
export function describeLeftover({ gone, pipeline: _, ...rest }: Leftover): string {
  const amounts = Object.entries(rest).filter(([, value]) => typeof value === 'number');
  const name = Object.values(rest).find((value) => typeof value === 'string');
  const thing = gone === 'pipeline' ? 'the pipeline' : `${name === undefined ? 'its ' : ''}${gone}${name === undefined ? '' : ` ${name}`}`;
  const howMuch = amounts.length === 0 ? '' : ` (${amounts.map(([what, count]) => `${what} ${count}`).join(', ')})`;
  return `${thing} is gone${howMuch}`;
}

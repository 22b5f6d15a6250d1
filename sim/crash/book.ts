import type { ArrivedCall, Ingest, Ledger, Witness } from '../ledger.ts';

/** A run of the server, from its start to its death or its stop. */
export interface Life {
  /** Counted from 1. */
  readonly number: number;
  end: 'under way' | 'killed' | 'stopped';
  /** The time at which it ended, in milliseconds on the clock of `performance.now()`. */
  endedAt: number;
}

/** A client's request; `unknown` until it is answered. */
type OpenIngest = { -readonly [Field in keyof Ingest]: Ingest[Field] };

/** Identifies the event of a request. */
export type Named = Pick<Ingest, 'pipeline' | 'key' | 'name'>;

/** A call that arrived at one of our endpoints. */
export interface Call {
  readonly endpoint: 'sms' | 'explosions';
  /** Its idempotency key. */
  readonly id: string;
  readonly life: number;
  /** In milliseconds on the clock of `performance.now()`. */
  readonly arrivedAt: number;
  /** `unknown` until an answer was sent completely. */
  result: ArrivedCall['result'];
  /** The time at which the answer was sent, on the same clock. */
  answeredAt: number;
  /** The provider's id for the message; empty if it accepted none. */
  messageId: string;
}

/**
 * The harness's own knowledge about one group of rounds: its clients' requests and answers, the calls that arrived, the server's lives. It
 * only grows.
 */
export class Book {
  readonly lives: Life[] = [];
  readonly calls: Call[] = [];
  readonly #ingests: OpenIngest[] = [];
  #moment = 0;
  #onAccepted: () => void = () => undefined;

  /** The current life, or the last one; 0 before the first. */
  get life(): number {
    return this.lives.length;
  }

  beginLife(): Life {
    const life: Life = { number: this.lives.length + 1, end: 'under way', endedAt: Number.POSITIVE_INFINITY };
    this.lives.push(life);
    return life;
  }

  /** Records a try before it is made, so that it is known whatever its result. The returned function records the answer. */
  begin(event: Named): (answer: Ingest['answer']) => void {
    const ingest: OpenIngest = { ...event, answer: 'unknown', began: this.#next(), ended: Number.POSITIVE_INFINITY };
    this.#ingests.push(ingest);
    return (answer) => {
      ingest.answer = answer;
      ingest.ended = this.#next();
      if (answer === 'accepted') this.#onAccepted();
    };
  }

  /** Resolves with the next acceptance that a client receives. */
  accepted(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onAccepted = resolve;
    return promise;
  }

  /** Returns an immutable copy of its current contents. */
  copy(witnesses: readonly Witness[]): { readonly ledger: Ledger; readonly calls: readonly Call[]; readonly lives: readonly Life[] } {
    const ingests = this.#ingests.map((ingest) => ({ ...ingest }));
    const calls = this.calls.map((call) => ({ ...call }));
    const lives = this.lives.map((life) => ({ ...life }));
    return { ledger: { witnesses, ingests, calls: calls.flatMap(toArrived), resolved: [] }, calls, lives };
  }

  /** Counts a pipeline's tries with a given answer. */
  count(pipeline: string, answer: Ingest['answer']): number {
    return this.#ingests.filter((ingest) => ingest.pipeline === pipeline && ingest.answer === answer).length;
  }

  #next(): number {
    this.#moment += 1;
    return this.#moment;
  }
}

/** Returns the calls relevant to the ledger's witnesses: message calls are checked by their rows (`checks/messages.ts`). */
function toArrived({ endpoint, id, life, result }: Call): readonly ArrivedCall[] {
  if (endpoint === 'sms') return [];
  const [, key = ''] = id.split('/');
  return [{ pipeline: 'rockets', endpoint, key, id, life, result }];
}

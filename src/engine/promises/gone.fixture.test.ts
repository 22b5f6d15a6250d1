import * as z from 'zod';
import type { DeliveryOutcome } from '../../pipeline/endpoint.ts';
import { type AnyPipeline, pipeline } from '../../pipeline/pipeline.ts';
import type { Turn } from '../../pipeline/turn.ts';
import type { Store } from '../../store/store.ts';
import { type TestMill, testMill } from '../../testing/test-mill.ts';
import type { TestMillOptions } from '../../testing/test-mill-options.ts';
import type { Logger } from '../logger.ts';
import { failing } from './fixture.test.ts';

/** The action of an order: sets timers, delivers under an id, or fails. */
const Deed = z.object({
  key: z.string(),
  arm: z.array(z.string()).default([]),
  tell: z.array(z.string()).default([]),
  fail: z.boolean().default(false),
});
const Seen = z.object({ seen: z.array(z.string()) });

interface Declared {
  readonly name?: string;
  readonly timers?: readonly string[];
  readonly endpoints?: readonly string[];
  /** The reporting of delivery outcomes to keys; `stuck`: the report never ends. Default `heard`. */
  readonly outcomes?: 'heard' | 'unheard' | 'stuck';
  readonly order?: 'none' | 'key';
}

/** Sets any timer, for one minute, and delivers to any endpoint it declares. Its state records what it has seen. */
export function orders({ name = 'orders', timers = [], endpoints = [], outcomes = 'heard', order = 'none' }: Declared = {}) {
  const note = (state: z.infer<typeof Seen> | undefined, what: string) => ({ seen: [...(state?.seen ?? []), what] });
  const outcome = (state: z.infer<typeof Seen> | undefined, turn: Turn, { status }: DeliveryOutcome) =>
    outcomes === 'stuck' ? new Promise<never>(() => {}) : note(state, `${status} ${turn.id}`);
  const endpoint = { to: { call: failing }, order, retry: { attempts: 1 }, ...(outcomes !== 'unheard' && { outcome }) };
  return pipeline(name, {
    event: Deed,
    key: ({ key }) => key,
    state: Seen,
    retry: { attempts: 1 },
    onGiveUp: 'skip',
    deliver: Object.fromEntries(endpoints.map((name) => [name, endpoint])) as Record<string, typeof endpoint>,
    timers: Object.fromEntries(timers.map((name) => [name, (state: z.infer<typeof Seen> | undefined) => note(state, name)])),
    handle({ arm, tell, fail }, state, turn) {
      if (fail) throw new Error('not today');
      for (const name of arm) turn.timers.set(name as never, { after: '1m', data: { of: name } });
      for (const [at, to] of tell.entries()) turn.deliver(to, { at }, { id: `${turn.key} ${at}` });
      return note(state, 'event');
    },
  }) as AnyPipeline;
}

export async function seenBy(t: TestMill, key: string): Promise<readonly string[]> {
  return ((await t.state('orders', key)) as z.infer<typeof Seen> | undefined)?.seen ?? [];
}

/** A line of the log. */
export interface Line {
  readonly level: string;
  readonly message: string;
  readonly [field: string]: unknown;
}

export function linesLog(lines: Line[]): Logger {
  const write = (level: string) => (fields: object, message: string) => void lines.push({ ...fields, level, message });
  const log: Logger = { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error'), child: () => log };
  return log;
}

/** One store and one clock, on which engines with different declarations run one after another. */
export class Generations {
  readonly store: Store;
  /** The log lines of the current engine. */
  lines: Line[] = [];
  #present: TestMill | undefined;

  constructor(store: Store) {
    this.store = store;
  }

  /** Ends the previous engine and starts one with another declaration. */
  async next(pipelines: readonly AnyPipeline[], options: Partial<TestMillOptions> = {}): Promise<TestMill> {
    const startAt = this.#present?.clock.now() ?? Date.UTC(2026, 0, 1);
    await this.#present?.stop();
    this.lines = [];
    this.#present = await testMill({ store: this.store, pipelines, startAt, log: linesLog(this.lines), ...options });
    await this.#present.drain();
    await this.#present.deadLetters();
    return this.#present;
  }

  /** The current engine's warnings about leftovers, without their level. */
  get warnings(): readonly object[] {
    return this.lines.flatMap(({ level, ...line }) => (level === 'warn' && line.message.includes('stored') ? [line] : []));
  }
}

import * as z from 'zod';
import { pipeline } from '../../pipeline/pipeline.ts';
import { table } from '../../pipeline/table.ts';

const Step = z.object({ key: z.string(), n: z.int() });
/** The same, but numbers may arrive as texts. */
const StepOrText = z.object({ key: z.string(), n: z.coerce.number().pipe(z.int()) });
/** One row per turn: a second turn of an event would leave a second row. */
export const seen = table('seen', { key: 'text', nth: 'integer', n: 'integer' }, { primaryKey: ['key', 'nth'] });

/** Turns, for a test that waits for them. */
export class Turns {
  readonly steps: z.infer<typeof Step>[] = [];
  readonly #waiting = new Set<() => void>();

  note(step: z.infer<typeof Step>): void {
    this.steps.push(step);
    for (const look of this.#waiting) look();
  }

  /** Resolves once that many turns have run. */
  count(count: number): Promise<void> {
    return this.#until(() => this.steps.length >= count);
  }

  /** Resolves once the event with this number has had its turn. */
  has(wanted: number): Promise<void> {
    return this.#until(() => this.steps.some(({ n }) => n === wanted));
  }

  of(key: string): readonly number[] {
    return this.steps.filter((step) => step.key === key).map(({ n }) => n);
  }

  async #until(isSo: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = () => (isSo() ? resolve() : undefined);
    this.#waiting.add(look);
    look();
    await promise;
    this.#waiting.delete(look);
  }
}

/** A pipeline that records the events it handles, in order, in its table and for the test. */
export function stepsOf(
  turns: Turns,
  name = 'steps',
  more: {
    readonly numbered?: boolean /** In milliseconds. */;
    readonly skipAfter?: number;
    /** By default only numbers are accepted. */
    readonly reads?: 'texts';
    readonly before?: (n: number) => Promise<void> | void;
  } = {},
) {
  return pipeline(name, {
    event: more.reads === 'texts' ? StepOrText : Step,
    key: ({ key }) => key,
    ...(more.numbered === true && {
      order: { by: ({ n }: { n: number }) => n, gap: more.skipAfter === undefined ? 'wait' : { skipAfter: more.skipAfter } },
    }),
    state: z.object({ count: z.int() }),
    tables: { seen },
    retry: { attempts: 1 },
    async handle(step, state, turn) {
      await more.before?.(step.n);
      const nth = state?.count ?? 0;
      turn.add(seen, { key: step.key, nth, n: step.n });
      turns.note(step);
      return { count: nth + 1 };
    },
  });
}

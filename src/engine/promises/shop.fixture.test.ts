import assert from 'node:assert/strict';
import * as z from 'zod';
import type { Answer, OutgoingCall } from '../../pipeline/endpoint.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { TestMill } from '../../testing/test-mill.ts';
import { failing, Step } from './fixture.test.ts';

export const Told = z.object({ told: z.array(z.string()) });

interface ShopOptions {
  readonly order?: 'none' | 'key';
  readonly concurrency?: number;
  readonly rateLimit?: { calls: number; per: number };
  readonly attempts?: number;
  readonly by?: 'outbox' | 'pipeline';
  readonly timeout?: number;
  /** Called at the start of every attempt to notify the key. */
  readonly tell?: () => unknown;
  /** Called at the start of every attempt at an event. */
  readonly attempt?: (n: number, attempt: number) => void;
}

/** Delivers each step under the id `<key> <n>`; its state records the notifications, in order. */
export function shop({ order, concurrency, rateLimit, attempts = 3, by, timeout = 30_000, tell, attempt }: ShopOptions = {}) {
  return pipeline('shop', {
    event: Step,
    key: ({ key }) => key,
    state: Told,
    retry: { backoff: 1_000, jitter: 0 },
    deliver: {
      door: {
        to: { call: failing },
        retry: { attempts, backoff: 1_000, jitter: 0, ...(by && { by }) },
        timeout,
        ...(order && { order }),
        ...(concurrency && { concurrency }),
        ...(rateLimit && { rateLimit }),
        outcome(state, turn, { id, status, attempts }) {
          assert.equal(turn.id, id);
          const next = { told: [...(state?.told ?? []), `${status} ${id} after ${attempts}`] };
          const pause = tell?.();
          return pause instanceof Promise ? pause.then(() => next) : next;
        },
      },
    },
    handle({ key, n }, state, turn) {
      turn.deliver('door', { n }, { id: `${key} ${n}` });
      attempt?.(n, turn.attempt);
      return state;
    },
  });
}

export const idsOf = (calls: readonly OutgoingCall[]): string[] => calls.map(({ id }) => id);

export async function toldTo(t: TestMill, key: string): Promise<readonly string[]> {
  return ((await t.state('shop', key)) as z.infer<typeof Told> | undefined)?.told ?? [];
}

/** Answers that the test gives one by one. */
export function heldAnswers() {
  const waiting: { readonly call: OutgoingCall; readonly give: (answer: Answer) => void }[] = [];
  const answer = (call: OutgoingCall) => new Promise<Answer>((give) => waiting.push({ call, give }));
  return { waiting, answer };
}

export const delivered = { result: 'delivered' } as const satisfies Answer;
export const failed = { result: 'failed', reason: 'not today' } as const satisfies Answer;

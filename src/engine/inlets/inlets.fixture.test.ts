import type { TestContext } from 'node:test';
import * as z from 'zod';
import { until } from '../../../test/until.ts';
import type { Inlet } from '../../pipeline/inlet.ts';
import { pipeline } from '../../pipeline/pipeline.ts';
import type { Lease, Store } from '../../store/store.ts';
import { recordingLogger } from '../logger.fixture.test.ts';
import { type Mill, millrace } from '../mill.ts';
import type { MillOptions } from '../mill-options.ts';
import { withMembers } from '../promises/fixture.test.ts';

const Step = z.object({ key: z.string(), n: z.int() });
/** The numbers from 1. */
export const upTo = (last: number) => Array.from({ length: last }, (_, at) => at + 1);
/** A record of a step. */
export const record = (key: string, n: number) => ({ key, value: JSON.stringify({ key, n }) });

/** A pipeline whose keys remember the steps they have had. */
export function stepsFrom(
  from: Inlet,
  more: { readonly handle?: (n: number, key: string) => Promise<void> | void; readonly numbered?: boolean } = {},
) {
  return pipeline('steps', {
    event: Step,
    key: ({ key }) => key,
    ...(more.numbered === true && { order: { by: ({ n }: { n: number }) => n, gap: { skipAfter: 1 } } }),
    state: z.object({ ns: z.array(z.int()) }),
    from,
    retry: { attempts: 1 },
    async handle({ n, key }, state) {
      await more.handle?.(n, key);
      return { ns: [...(state?.ns ?? []), n] };
    },
  });
}

/** Starts an engine that the test stops. */
export async function started(context: TestContext, options: MillOptions) {
  const { log, lines } = recordingLogger();
  const mill = millrace({ log, ...options }) as Mill;
  await mill.start();
  context.after(() => mill.stop());
  return { mill, lines };
}

/** Resolves to the steps that a key has had, once there are so many. */
export async function applied(mill: Mill, key: string, count: number): Promise<readonly number[]> {
  let ns: readonly number[] = [];
  await until(async () => {
    ns = ((await mill.state('steps', key)) as { ns: number[] } | undefined)?.ns ?? [];
    return ns.length >= count;
  });
  return ns;
}

/** A store whose leases take batches in a way of their own. */
export function taking(store: Store, take: (lease: Lease) => Lease['takeBatch']): Store {
  return withMembers(store, {
    claim: async (partition) => {
      const lease = await store.claim(partition);
      return withMembers(lease, { takeBatch: take(lease) });
    },
  });
}

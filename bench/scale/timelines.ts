import { join } from 'node:path';
import { millrace, sqlite } from '../../src/index.ts';
import { workPipeline } from '../peers/millrace.ts';
import { type Distribution, distributionOf } from '../work/distribution.ts';

/** Reads the newest timeline page of random keys, one after another. In milliseconds. */
export async function readTimelines(
  folder: string,
  { keys, reads }: { readonly keys: number; readonly reads: number },
): Promise<Distribution> {
  const mill = await millrace({ store: sqlite(join(folder, 'millrace.db')), pipelines: [workPipeline({})] }).start();
  try {
    const took: number[] = [];
    while (took.length < reads) {
      const key = `account-${String(Math.floor(Math.random() * keys)).padStart(8, '0')}`;
      const from = performance.now();
      const { items } = await mill.timeline('work', key, { limit: 20 });
      // A few of the keys were never used.
      if (items.length > 0) took.push(performance.now() - from);
    }
    return distributionOf(took);
  } finally {
    await mill.stop();
  }
}

import { setTimeout as sleep } from 'node:timers/promises';

const timeoutMs = 30_000;
const shares = 'SELECT count(*) AS share FROM millrace_fences WHERE owner IS NOT NULL GROUP BY pipeline, owner';

/** Runs SQL that all kinds of servers understand. */
interface Asked {
  query(sql: string): Promise<{ readonly rows: readonly Record<string, unknown>[] }>;
}

/** Resolves when this many members of a fleet own all slices, evenly, give or take one, for every pipeline. */
export async function untilEven(client: Asked, members: number): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { rows } = await client.query(shares);
    const counts = rows.map(({ share }) => Number(share));
    const { rows: free } = await client.query('SELECT 1 FROM millrace_fences WHERE owner IS NULL LIMIT 1');
    const isEven = counts.length > 0 && counts.length % members === 0 && Math.max(...counts) - Math.min(...counts) <= 1;
    if (isEven && free.length === 0) return;
    if (performance.now() > deadline) throw new Error(`expected ${members} equal shares, found ${counts}`);
    await sleep(100);
  }
}

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { campaign } from './campaign.ts';

/** The machine may be busy with other tests. */
const boundMs = 30_000;

/** Attacks a server for the given time; fails if the server did anything wrong or kept real users waiting. */
export async function standsAttack(context: TestContext, seed: number, attackMs: number, withTokens = false): Promise<void> {
  const report = await campaign({ seed, attackMs, boundMs, withTokens });
  const { tally } = report.attack;
  context.diagnostic(`seed ${seed}: ${tally.requests} requests, ${report.bystanders.latencies.length} of real users`);
  assert.deepEqual(report.faults, []);
  assert.ok(tally.attempts > 0 && report.bystanders.latencies.length > 0);
}

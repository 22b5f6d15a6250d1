import assert from 'node:assert/strict';
import test from 'node:test';
import { memory, millrace } from '../../../src/index.ts';
import { integerFrom, randomOf } from '../../shared/random.ts';
import { accountsPipeline } from '../pipeline.ts';
import { takeIn } from './arrivals.ts';

test('a seed gives every update at least its delay after the previous one', async (context) => {
  const updates = Array.from({ length: 20 }, (_, index) => ({
    id: `${index}`,
    accountType: 'escrow',
    tokens: 1,
    callbackTimeMs: 0,
    data: {},
  }));
  for (const seed of [1, 2]) {
    const mill = await millrace({ store: memory(), pipelines: [accountsPipeline(() => undefined, { identifiedBy: 'caller' })] }).start();
    context.after(() => mill.stop());
    const ingest = mill.ingest.bind(mill);
    const askedAt: number[] = [];
    context.mock.method(mill, 'ingest', (...asked: Parameters<typeof ingest>) => {
      askedAt.push(performance.now());
      return ingest(...asked);
    });
    const arrivals = { file: { updates, idOf: String }, maxDelayMs: 60, random: randomOf(seed, 0) };
    await takeIn(mill, { ...arrivals, onDone: () => undefined, onSkipped: (index, reason) => assert.fail(`${index}: ${reason}`) });
    const random = randomOf(seed, 0);
    const delays = updates.map(() => integerFrom(random, 0, 60)).slice(1);
    const gaps = askedAt.slice(1).map((moment, index) => moment - (askedAt[index] ?? Number.NaN));
    assert.equal(gaps.length, delays.length);
    // Timers count whole milliseconds.
    for (const [index, delay] of delays.entries()) assert.ok((gaps[index] ?? 0) >= delay - 1.5, `${gaps}\n${delays}`);
  }
});

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { withoutKafka } from '../../test/kafka-server.ts';
import { withoutNats } from '../../test/nats-server.ts';
import { withoutPostgres } from '../../test/postgres-server.ts';
import { brokerKinds } from './broker.ts';
import { brokers } from './harness.ts';
import { linesOf } from './report.ts';

const skips = { kafka: withoutKafka, nats: withoutNats };

// The tests mostly wait: for faults that last and for servers that start.
describe('a topic under faults', { concurrency: true }, () => {
  for (const kind of brokerKinds)
    test(`records on ${kind} take effect once, in the order of their keys, whatever happens to the processes and the broker`, {
      skip: skips[kind] || withoutPostgres,
    }, async (context) => {
      const seed = randomInt(2 ** 31);
      context.diagnostic(`--seed ${seed}`);
      const outcome = await brokers({
        kind,
        nodes: 1,
        seed,
        events: 20_000,
        keys: 1_000,
        partitions: 12,
        deliverEvery: 5,
        faults: ['kill', 'freeze', 'kill-broker', 'stop'],
        everyMs: 4_000,
        // Longer than a lease.
        lastsMs: 5_000,
        signal: context.signal,
        progress: (line) => context.diagnostic(line),
      });
      for (const line of linesOf(outcome)) context.diagnostic(line);
      assert.deepEqual(outcome.broken, [], `--seed ${seed}; the logs are in ${outcome.folder}`);
      assert.equal(outcome.findings.applied, 20_000);
      assert.ok(outcome.takeOvers.slices > 0);
      assert.equal(outcome.harms.rebalances, 3);
      assert.equal(outcome.harms.zombies, 1);
      assert.ok(outcome.repeatedBatches > 0);
    });
});

import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import test from 'node:test';
import { withoutMariadb } from '../../test/mariadb-server.ts';
import { withoutPostgres } from '../../test/postgres-server.ts';
import { databaseKinds } from './database.ts';
import { fleet } from './harness.ts';
import { linesOf } from './report.ts';

const skips = { postgres: withoutPostgres, mysql: withoutMariadb };

for (const database of databaseKinds)
  test(`a fleet under load on ${database} keeps its promises, whatever happens to its processes and its database`, {
    skip: skips[database],
  }, async (context) => {
    const seed = randomInt(2 ** 31);
    context.diagnostic(`--seed ${seed}`);
    const outcome = await fleet({
      database,
      seed,
      keys: 2_000,
      rate: 200,
      faults: ['kill', 'freeze', 'cut-late', 'stop', 'restart-immediate'],
      everyMs: 6_000,
      // Longer than a lease.
      lastsMs: 5_000,
      signal: context.signal,
      progress: (line) => context.diagnostic(line),
    });
    for (const line of linesOf(outcome)) context.diagnostic(line);
    assert.deepEqual(outcome.broken, [], `--seed ${seed}; the logs are in ${outcome.folder}`);
    assert.equal(outcome.standstills.length, 5);
    assert.ok(outcome.findings.applied > 500);
  });

import { DatabaseSync } from 'node:sqlite';
import { setTimeout as pause } from 'node:timers/promises';
import type { Connection } from './connection.ts';

const pipelines = ['rockets', 'events', 'accounts', 'messages', 'workers'];

/** Time limit for everything to come to rest. */
const patienceMs = 90_000;
const lookAgainMs = 40;

/** Pending work in a database, by the thing it waits for. Timers and deliveries of schedules are excluded: they never rest. */
const waiting = [
  ...pipelines.map((name) => ({ what: `held events of ${name}`, sql: `SELECT count(*) FROM millrace_held_${name}` })),
  ...pipelines.map((name) => ({ what: `timers and outcomes of ${name}`, sql: `SELECT count(*) FROM millrace_causes_${name}` })),
  ...pipelines.map((name) => ({ what: `deliveries of ${name}`, sql: `SELECT count(*) FROM millrace_deliveries_${name}` })),
  ...pipelines.map((name) => ({ what: `events of ${name} beyond the cursor`, sql: beyondCursor(name) })),
  { what: 'pending messages', sql: `SELECT count(*) FROM messages WHERE status = 'PENDING'` },
];

function beyondCursor(pipeline: string): string {
  return `SELECT count(*) FROM millrace_log_${pipeline}
    WHERE position > (SELECT cursor FROM millrace_partitions WHERE pipeline = '${pipeline}')`;
}

/** Resolves once nothing is pending in a database that an engine is working on. Returns the pending work if that takes too long. */
export async function settled(database: string, isEnded: () => boolean): Promise<readonly string[]> {
  const deadline = performance.now() + patienceMs;
  const db = new DatabaseSync(database, { readOnly: true, timeout: 5_000 });
  try {
    const counts = waiting.map(({ what, sql }) => ({ what, count: db.prepare(sql) }));
    for (;;) {
      const found = counts.map(({ what, count }) => ({ what, number: Number(Object.values(count.get() ?? {})[0]) }));
      const left = found.filter(({ number }) => number > 0);
      if (left.length === 0 || isEnded()) return [];
      if (performance.now() > deadline) return left.map(({ what, number }) => `after ${patienceMs} ms there are still ${number} ${what}`);
      await pause(lookAgainMs);
    }
  } finally {
    db.close();
  }
}

/** Returns the faults in the server's own figures. */
export async function checkFigures(connection: Connection): Promise<readonly string[]> {
  const metrics = await connection.get('/metrics');
  const depth = metrics.kind === 'answered' ? fieldOf(metrics.body, 'current_queue_depth') : metrics.kind;
  const health = await connection.get('/health');
  const status = health.kind === 'answered' ? fieldOf(health.body, 'status') : health.kind;
  return [
    ...(depth === 0 ? [] : [`everything rests but /metrics has current_queue_depth ${JSON.stringify(depth)}`]),
    ...(status === 'ok' ? [] : [`everything rests but /health has status ${JSON.stringify(status)}`]),
  ];
}

function fieldOf(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
}

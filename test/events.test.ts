import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import test, { type TestContext } from 'node:test';
import { pathToFileURL } from 'node:url';
import * as z from 'zod';
import { checkout, Program, temporaryFolder } from './program.ts';

const Metrics = z.object({
  events_received: z.int(),
  events_processed: z.int(),
  events_failed: z.int(),
  average_processing_latency_ms: z.number(),
  current_queue_depth: z.int(),
  active_workers: z.int(),
  events_per_second: z.number(),
  uptime_seconds: z.number(),
});

function serveEvents(
  context: TestContext,
  folder: string,
  { system = 'events', environment = {} }: { readonly system?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): Program {
  return new Program(context, ['serve', system, '--port', '0', '--database', './mill.db'], { folder, environment });
}

function reading(data: object = {}) {
  return { id: randomUUID(), type: 'sensor_data', source: 'iot_device', data };
}

async function post(url: string, event: unknown) {
  const answer = await fetch(`${url}/events`, { method: 'POST', body: JSON.stringify(event) });
  return { status: answer.status, body: Object(await answer.json()) };
}

/** Posts events from many concurrent clients, each until its requests fail. Reports every answer to `answered`. */
async function load(url: string, events: readonly { readonly id: string }[], answered: (id: string, status: number) => void) {
  const left = events.values();
  const client = async () => {
    for (const event of left) {
      const status = await post(url, event).then(
        (answer) => answer.status,
        () => undefined,
      );
      if (status === undefined) return;
      answered(event.id, status);
    }
  };
  await Promise.all(Array.from({ length: 50 }, client));
}

async function metricsOf(url: string) {
  return Metrics.parse(await (await fetch(`${url}/metrics`)).json());
}

/** Returns the metrics once nothing is left to do; `each` receives the earlier ones. */
async function metricsWhenIdle(url: string, each: (metrics: z.infer<typeof Metrics>) => void = () => undefined) {
  for (;;) {
    const metrics = await metricsOf(url);
    each(metrics);
    if (metrics.current_queue_depth === 0) return metrics;
  }
}

/** Returns the ids in the table, as another program reads them. */
function storedIds(folder: string): string[] {
  const database = new DatabaseSync(join(folder, 'mill.db'), { readOnly: true });
  try {
    return database
      .prepare('SELECT id FROM processed_events')
      .all()
      .map(({ id }) => String(id));
  } finally {
    database.close();
  }
}

test('SIGTERM under load: accepted events are processed, later ones are refused, exit code 0', async (context) => {
  const folder = temporaryFolder(context);
  const program = serveEvents(context, folder);
  const url = await program.listening();
  const accepted: string[] = [];
  const statuses = new Set<number>();
  const enough = Promise.withResolvers<void>();
  const loading = load(url, Array.from({ length: 20_000 }, reading), (id, status) => {
    statuses.add(status);
    if (status === 202) accepted.push(id);
    if (accepted.length === 500) enough.resolve();
  });
  await enough.promise;
  const { code, stderr } = await program.kill('SIGTERM');
  await loading;
  assert.deepEqual([code, stderr], [0, '']);
  assert.ok(accepted.length < 20_000);
  assert.deepEqual(
    [...statuses].filter((status) => status !== 202 && status !== 503),
    [],
  );
  assert.deepEqual(storedIds(folder).sort(), accepted.sort());
});

test('kill -9 under load: after the next start every accepted event is there, and none twice', async (context) => {
  const folder = temporaryFolder(context);
  const first = serveEvents(context, folder);
  const url = await first.listening();
  const events = Array.from({ length: 20_000 }, reading);
  const accepted = new Set<string>();
  const enough = Promise.withResolvers<void>();
  const loading = load(url, events, (id, status) => {
    assert.equal(status, 202);
    accepted.add(id);
    if (accepted.size === 500) enough.resolve();
  });
  await enough.promise;
  await first.kill('SIGKILL');
  await loading;
  assert.ok(accepted.size < events.length);

  const second = serveEvents(context, folder);
  const again = await second.listening();
  await metricsWhenIdle(again);
  const stored = new Set(storedIds(folder));
  assert.deepEqual(
    [...accepted].filter((id) => !stored.has(id)),
    [],
  );
  // Events that were stored but not acknowledged are duplicates like the rest.
  for (const event of events.slice(0, 100)) {
    const { body } = await post(again, event);
    assert.deepEqual(body, { id: event.id, status: stored.has(event.id) ? 'duplicate' : 'accepted' });
  }
  await second.kill('SIGTERM');
  const ids = storedIds(folder);
  assert.equal(new Set(ids).size, ids.length);
});

test('the figures agree at every moment, with a custom processor that fails for some events', async (context) => {
  const folder = temporaryFolder(context);
  const module = pathToFileURL(join(checkout, 'systems/events/index.ts')).href;
  writeFileSync(
    join(folder, 'mine.ts'),
    `import { eventsSystem } from ${JSON.stringify(module)};
     export default eventsSystem({
       async processor({ data }, { attempt }) {
         if (data.fails === 'always' || (data.fails === 'once' && attempt === 1)) throw new Error('no luck');
         return { ...data, seen: true };
       },
     });`,
  );
  const environment = { WORKER_COUNT: '7', MAX_RETRIES: '1', LOG_LEVEL: 'silent' };
  const program = serveEvents(context, folder, { system: './mine.ts', environment });
  const url = await program.listening();
  const kinds = ['never', 'never', 'once', 'always'];
  const events = Array.from({ length: 2000 }, (_, index) => reading({ fails: kinds[index % kinds.length] }));
  let polls = 0;
  const check = (metrics: z.infer<typeof Metrics>) => {
    const { events_received, events_processed, events_failed, current_queue_depth, active_workers } = metrics;
    assert.ok(events_processed + events_failed <= events_received, JSON.stringify(metrics));
    assert.equal(current_queue_depth, events_received - events_processed - events_failed);
    assert.equal(active_workers, 7);
    polls += 1;
  };
  const answers: number[] = [];
  const loading = load(url, events, (_id, status) => answers.push(status));
  while (answers.length < events.length) check(await metricsOf(url));
  await loading;
  const idle = await metricsWhenIdle(url, check);
  assert.ok(polls > 5);
  assert.deepEqual(new Set(answers), new Set([202]));
  assert.deepEqual([idle.events_received, idle.events_processed, idle.events_failed], [2000, 1500, 500]);
  assert.equal(storedIds(folder).length, 1500);
  const failed = await fetch(`${url}/events/${events[3]?.id}`);
  assert.match(Object(await failed.json()).detail, /failed after 2 attempts: no luck/);
  const { code } = await program.kill('SIGTERM');
  assert.equal(code, 0);
});

for (const [environment, line] of [
  [{ WORKER_COUNT: '0' }, 'WORKER_COUNT: expected an integer from 1 to 10000, found "0"'],
  [{ MAX_RETRIES: 'many' }, 'MAX_RETRIES: expected an integer from 0 to 100, found "many"'],
  [{ DEDUPLICATION_WINDOW: 'soon' }, 'DEDUPLICATION_WINDOW: expected a duration up to 8760h, such as 500ms, 10s or 2m, found "soon"'],
] as const) {
  test(`a refused setting stops the start in one line: ${Object.keys(environment)}`, async (context) => {
    const { code, stdout, stderr } = await serveEvents(context, temporaryFolder(context), { environment }).ended;
    assert.deepEqual([code, stdout, stderr], [1, '', `millrace: ${line}\n`]);
  });
}

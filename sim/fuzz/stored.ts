import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { type Acceptances, schedulesPipeline } from './acceptances.ts';
import { ask, type Server } from './client.ts';
import { jsonOf } from './judge.ts';
import { Counts, differ, logOf, type PipelineCounts, Rows } from './rows.ts';

const settleTimeoutMs = 60_000;
const timeoutMs = 30_000;

const Metrics = z.object({ pipelines: z.record(z.string(), z.object({ events_received: z.int() })) });

export interface StoredOptions {
  readonly server: Server;
  /** The SQLite file. */
  readonly path: string;
  readonly acceptances: Acceptances;
  /** Commands that the start itself gave to schedules. */
  readonly boots: number;
}

/** Returns differences between the stored data and the answers: rows of the logs, rows of the tables, and the counters. */
export async function differencesInStore({ server, path, acceptances, boots }: StoredOptions): Promise<string[]> {
  const counts = await settled(server);
  const { pipelines } = Metrics.parse(jsonOf((await ask(server, { method: 'GET', target: '/metrics', timeoutMs })).body));
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const rows = new Rows(database);
    return [
      ...counts.flatMap(({ name }) => rows.differencesInLog(name, acceptances, 0)),
      ...rows.differencesInLog(schedulesPipeline, acceptances, boots),
      ...counts.flatMap(({ name, received }) => [
        ...differ(`${name}: events_received of /metrics`, pipelines[name]?.events_received, rows.count(logOf(name))),
        ...differ(`${name}: received of /pipelines`, received, rows.count(logOf(name))),
      ]),
      ...rows.differencesInTables(counts),
      ...rows.differencesInEvents(),
      ...rows.differencesInState('rockets', {
        type: 'type',
        mission: 'mission',
        status: 'status',
        last_message_number: 'lastMessageNumber',
      }),
      ...rows.differencesInState('accounts', { account_type: 'accountType', tokens: 'tokens', version: 'version' }),
    ];
  } finally {
    database.close();
  }
}

/** Counts the schedules' log rows before any commands. */
export function bootsIn(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    return new Rows(database).count(logOf(schedulesPipeline));
  } finally {
    database.close();
  }
}

/** Waits until nothing is left to do except waits for a missing number. */
async function settled(server: Server): Promise<readonly PipelineCounts[]> {
  const deadline = performance.now() + settleTimeoutMs;
  for (;;) {
    const { items } = Counts.parse(jsonOf((await ask(server, { method: 'GET', target: '/pipelines', timeoutMs })).body));
    if (items.every(({ depth, held }) => depth === held) || performance.now() > deadline) return items;
    await sleep(100);
  }
}

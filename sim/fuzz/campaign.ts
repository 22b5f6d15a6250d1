import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../src/errors.ts';
import { Acceptances } from './acceptances.ts';
import { Attack } from './attack.ts';
import { Bystanders } from './bystanders.ts';
import { Canary } from './canary.ts';
import { ask } from './client.ts';
import { jsonOf } from './judge.ts';
import { Memory } from './memory.ts';
import { Plan } from './plan.ts';
import { Provider } from './provider.ts';
import { routesOf } from './routes.ts';
import { bootsIn, differencesInStore } from './stored.ts';
import { Victim } from './victim.ts';

export interface CampaignOptions {
  readonly seed: number;
  /** Duration of the attack, in milliseconds. */
  readonly attackMs: number;
  /** Time limit for answering a real user. */
  readonly boundMs: number;
  /** True if the server requires tokens; some attempts then have none, or a wrong one. */
  readonly withTokens?: boolean;
  /** Makes only this one attempt. */
  readonly only?: number | undefined;
  /** Ends it early, with everything checked. */
  readonly signal?: AbortSignal;
  /** Called with the progress once a second. */
  onProgress?(text: string): void;
}

export interface Report {
  readonly seed: number;
  readonly faults: readonly string[];
  readonly attack: Attack;
  readonly bystanders: Bystanders;
  readonly acceptances: Acceptances;
  readonly memory: Memory;
  /** The time at which the attack ended, by {@link Memory}'s clock. */
  readonly attackedMs: number;
  readonly sockets: { readonly before: number; readonly after: number };
  readonly routes: number;
}

/** Idle time after the attack, in which V8 returns memory. In milliseconds. */
const idleMs = 10_000;
const shortIdleMs = 1_000;
/** Sockets of departed clients are closed within the server's time limits, and soon. */
const socketsTimeoutMs = 40_000;
const stopTimeoutMs = 30_000;
const lanes = 4;

/** Attacks its own server, and checks all requirements during and after the attack. */
export async function campaign(options: CampaignOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-fuzz-'));
  const provider = await Provider.start();
  let victim: Victim | undefined;
  try {
    victim = await Victim.start({ folder, providerUrl: provider.url, asksForTokens: options.withTokens === true });
    return await run(options, victim, join(folder, 'fuzz.db'));
  } finally {
    victim?.kill();
    provider.stop();
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function run(options: CampaignOptions, victim: Victim, path: string): Promise<Report> {
  const { seed, attackMs, boundMs } = options;
  const acceptances = new Acceptances();
  const routes = routesOf(jsonOf((await ask(victim, { method: 'GET', target: '/openapi.json', timeoutMs: boundMs })).body));
  const boots = bootsIn(path);
  const canary = new Canary(victim);
  await canary.begin(acceptances);
  const before = victim.sockets();

  const memory = new Memory();
  const startedAt = performance.now();
  const attack = new Attack({ plan: new Plan(seed, routes, victim.authorization), victim, acceptances });
  const bystanders = new Bystanders({ server: victim, acceptances, boundMs });
  const watch = setInterval(() => {
    memory.note({ atMs: performance.now() - startedAt, bytes: victim.memory(), accepted: acceptances.total.count });
    options.onProgress?.(`${attack.tally.requests} requests, ${attack.faults.length + bystanders.faults.length} faults`);
  }, 1_000);
  const served = bystanders.run(lanes);
  if (options.only === undefined) await attack.run({ deadline: startedAt + attackMs, signal: options.signal });
  else await attack.repeat(options.only);
  const attackedMs = performance.now() - startedAt;
  bystanders.stop();
  await served;
  await sleep(attackMs >= idleMs * 6 && options.signal?.aborted !== true ? idleMs : shortIdleMs);
  clearInterval(watch);

  const faults = await aftermath({ victim, canary, path, acceptances, boots, socketsBefore: before });
  const missed =
    options.only === undefined && options.signal?.aborted !== true ? routes.filter(({ name }) => !attack.tally.byRoute.has(name)) : [];
  if (missed.length > 0) faults.push(`expected every route to be tried, found ${missed.map(({ name }) => name).join(', ')} left out`);
  const after = victim.sockets();
  const code = await victim.stop(stopTimeoutMs);
  if (code !== 0) faults.push(`expected the server to stop with exit code 0, found ${code}`);
  if (victim.lines.length > 0) faults.push(`expected the server to log no error, found ${victim.lines.join('\n')}`);
  return {
    seed,
    faults: [...attack.faults, ...bystanders.faults, ...memory.faults(attackedMs), ...faults],
    attack,
    bystanders,
    acceptances,
    memory,
    attackedMs,
    sockets: { before, after },
    routes: routes.length,
  };
}

interface Aftermath {
  readonly victim: Victim;
  readonly canary: Canary;
  readonly path: string;
  readonly acceptances: Acceptances;
  readonly boots: number;
  readonly socketsBefore: number;
}

/** Checks the requirements after everything is over. */
async function aftermath({ victim, canary, path, acceptances, boots, socketsBefore }: Aftermath): Promise<string[]> {
  if (!victim.isAlive) return [`expected the server to live, found that it ended: ${victim.lines.join('\n')}`];
  try {
    // No batch may begin while rows are counted.
    const scheduler = { method: 'POST', target: '/scheduler', json: { action: 'stop' }, timeoutMs: stopTimeoutMs };
    acceptances.note({ method: 'POST', path: '/scheduler', eventsMax: 1 }, await ask(victim, scheduler));
    const { status, body } = await ask(victim, { method: 'GET', target: '/health', timeoutMs: stopTimeoutMs });
    return [
      ...(status === 200 ? [] : [`GET /health: expected 200, found ${status} ${body}`]),
      ...(await canary.differences()),
      ...(await differencesInStore({ server: victim, path, acceptances, boots })),
      ...(await socketsLeft(victim, socketsBefore)),
    ];
  } catch (error) {
    return [`after the attack: ${messageOf(error)}`];
  }
}

/** Waits until the server has as few sockets as before. */
async function socketsLeft(victim: Victim, before: number): Promise<string[]> {
  const deadline = performance.now() + socketsTimeoutMs;
  for (;;) {
    const sockets = victim.sockets();
    if (sockets <= before) return [];
    if (performance.now() > deadline) return [`expected ${before} open sockets as before, found ${sockets}`];
    await sleep(250);
  }
}

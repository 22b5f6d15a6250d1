import type { Store } from '../../../src/store/store.ts';
import type { Book } from '../book.ts';
import { nameOfUpdate } from '../loads/accounts.ts';
import type { RocketsLoad } from '../loads/rockets.ts';
import type { Told } from '../told.ts';
import { explosionId, isExplosion } from '../witnesses/rockets.ts';
import { nameOf, settled } from '../witnesses/workers.ts';

/**
 * Everything on disk at the end of a life, by name: a sent message, an accepted explosion, a fired callback. None of these may happen again
 * in a later life.
 */
export class Recorded {
  /** The life after which it was first seen, and its contents then. */
  readonly #seen = new Map<string, { readonly life: number; readonly as: string }>();

  /** Records what is on disk after a life. Returns forbidden changes. */
  async look(store: Store, life: number, { planned }: RocketsLoad): Promise<readonly string[]> {
    const found = await Promise.all([sentMessages(store), takenExplosions(store, planned), callbacks(store), spoken(store)]);
    const broken: string[] = [];
    for (const { name, as } of found.flat()) {
      const before = this.#seen.get(name);
      if (before === undefined) this.#seen.set(name, { life, as });
      else if (before.as !== as)
        broken.push(`${name} was on disk as ${before.as} after life ${before.life}, but is ${as} after life ${life}`);
    }
    return broken;
  }

  /** Returns what the calls and the log of a life repeat. */
  check(life: number, { calls }: Book, { happenings }: Told): readonly string[] {
    const broken: string[] = [];
    const counts = new Map<string, number>();
    for (const name of happenings) counts.set(name, (counts.get(name) ?? 0) + 1);
    for (const [name, times] of counts) if (times > 1) broken.push(`life ${life} reported ${times} times: ${name}`);
    const called = calls.filter((call) => call.life === life).map(({ endpoint, id }) => `${endpoint} ${id}`);
    for (const name of [...counts.keys(), ...called]) {
      const seen = this.#seen.get(name);
      if (seen !== undefined && seen.life < life)
        broken.push(`${name} was on disk after life ${seen.life} but happened again in life ${life}`);
    }
    return broken;
  }
}

interface OnDisk {
  readonly name: string;
  readonly as: string;
}

async function sentMessages(store: Store): Promise<readonly OnDisk[]> {
  const rows = await store.query(`SELECT id, message_id, sent_at FROM messages WHERE status = 'SUCCESS'`, []);
  return rows.map(({ id, message_id, sent_at }) => ({ name: `sms ${id}`, as: `sent as ${message_id} at ${sent_at}` }));
}

/** Returns explosions whose turn is on disk and whose delivery no longer is. */
async function takenExplosions(store: Store, planned: RocketsLoad['planned']): Promise<readonly OnDisk[]> {
  const pending = new Set((await store.query('SELECT id FROM millrace_deliveries_rockets', [])).map(({ id }) => id));
  const rows = await store.query(`SELECT rocket, number FROM rocket_messages WHERE type = 'RocketExploded'`, []);
  return rows.flatMap(({ rocket, number }) => {
    const id = explosionId(String(rocket), Number(number));
    const isTaken = isExplosion(planned.get(String(rocket)) ?? [], Number(number)) && !pending.has(id);
    return isTaken ? [{ name: `explosions ${id}`, as: 'taken' }] : [];
  });
}

async function callbacks(store: Store): Promise<readonly OnDisk[]> {
  const rows = await store.query('SELECT id, version, indexed_at, callback_at, cancelled_at FROM account_updates', []);
  return rows.flatMap(({ id, version, indexed_at, callback_at, cancelled_at }) => {
    const name = nameOfUpdate({ id: String(id), version: Number(version) });
    const moments = { indexed: indexed_at, callback: callback_at, cancelled: cancelled_at };
    return Object.entries(moments).flatMap(([what, at]) => (at === null ? [] : [{ name: `${what} ${name}`, as: `at ${at}` }]));
  });
}

async function spoken(store: Store): Promise<readonly OnDisk[]> {
  const names = (await store.query(settled, [])).map(({ body }) => nameOf(String(body)));
  return names.flatMap((name) => (name.startsWith('speak ') ? [{ name: name.replace('speak', 'spoke'), as: 'said' }] : []));
}

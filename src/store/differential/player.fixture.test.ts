import { MillraceError } from '../../errors.ts';
import { add, commitOf, declaration } from '../contract/fixtures.ts';
import type { Commit, NewEvent, Store } from '../store.ts';
import { Chance } from './chance.fixture.test.ts';
import { endpoints, keys, origins } from './random-parts.fixture.test.ts';
import { type Place, RandomWork } from './random-work.fixture.test.ts';

const all = 10_000;
const queries = [
  'SELECT * FROM accounts WHERE version >= ? ORDER BY id',
  'SELECT * FROM history WHERE length(what) >= ? ORDER BY what',
  'SELECT * FROM seats WHERE number >= ? ORDER BY "group", number',
];

/** Makes random calls that an engine could make, judging only by the answers. */
export class Player {
  /** Counts of successes: calls that found something, kinds of write, refusals. */
  readonly seen = new Set<string>();
  readonly #store: Store;
  readonly #chance: Chance;
  readonly #places: readonly Place[];
  readonly #random: RandomWork;
  #audited = 0;

  constructor(store: Store, upTo: (sides: number) => number) {
    this.#store = store;
    this.#chance = new Chance(upTo);
    this.#places = declaration.pipelines.map(({ name, numbered }) => {
      return { partition: { pipeline: name, slice: 0 }, numbered, lease: undefined, former: undefined, cursor: 0, head: 0, idsBefore: 0 };
    });
    this.#random = new RandomWork(this.#chance, this.#places);
  }

  async start(): Promise<void> {
    await this.#store.open(declaration);
    for (const place of this.#places) await this.#claim(place);
  }

  /** Makes one call that changes something in a partition, then calls of every other kind to inspect the result. */
  async step(): Promise<void> {
    const place = this.#chance.one(this.#places);
    const dice = this.#chance.upTo(40);
    if (dice === 1) await this.#reopen();
    else if (dice === 40) await this.#forget(place);
    else if (dice <= 4) await this.#claim(place);
    else if (dice <= 9) await this.#prune(place);
    else if (dice <= 22) await this.#append(this.#random.events());
    else await this.#commit(place, dice <= 25);
    await this.#look(place);
  }

  /** Leases may end with the store that granted them. */
  async #reopen(): Promise<void> {
    await this.#store.close();
    await this.#store.open(declaration);
    for (const place of this.#places) await this.#claim(place);
  }

  /** Deletes a pipeline's data while it is not declared; the pipeline then starts afresh. */
  async #forget(place: Place): Promise<void> {
    const { pipeline } = place.partition;
    await this.#store.close();
    await this.#store.open({ ...declaration, pipelines: declaration.pipelines.filter(({ name }) => name !== pipeline) });
    await this.#store.forget(pipeline);
    await this.#reopen();
    Object.assign(place, { former: undefined, idsBefore: 0 });
    this.seen.add('forget');
  }

  async #claim(place: Place): Promise<void> {
    const lease = await this.#store.claim(place.partition);
    const { cursor, head } = lease.standing;
    Object.assign(place, { former: place.lease, lease, cursor, head });
    this.seen.add('claim');
  }

  async #append(events: readonly NewEvent[]): Promise<void> {
    this.#noteAppended(events, await this.#store.append(events), 'append');
  }

  async #prune(place: Place): Promise<void> {
    const acceptedBefore = this.#random.moment - this.#chance.upTo(30);
    place.idsBefore = Math.max(place.idsBefore, this.#random.moment - this.#chance.upTo(30));
    const { partition, idsBefore } = place;
    const after = this.#chance.one([0, this.#chance.upTo(place.head + 1)]);
    const pruned = await this.#store.prune({ partition, acceptedBefore, idsBefore, after, limit: this.#chance.upTo(4) });
    if (pruned.count > 0) this.seen.add('prune');
    await this.#audit(place);
  }

  /** Records an operator's action, and perhaps deletes old ones. */
  async #audit({ partition: { pipeline } }: Place): Promise<void> {
    this.#audited += 1;
    const id = String(1_000 + this.#audited);
    const key = this.#chance.one([...keys, null]);
    const entry = { id, at: this.#audited, who: 'ann', action: 'pause', pipeline, key, subject: null, reason: null };
    if (this.#chance.upTo(2) === 1) await this.#store.noteAudit(entry);
    else await this.#store.setPaused(pipeline, this.#chance.upTo(2) === 1, entry);
    if (this.#chance.upTo(3) === 1) await this.#store.forgetAudit(this.#audited - 2);
  }

  async #commit(place: Place, isSpoilt: boolean): Promise<void> {
    const { partition, lease } = place;
    if (lease === undefined) return;
    const log = await this.#store.read(partition, 0, all);
    const letters = await this.#store.deadLetters({ pipeline: partition.pipeline, limit: all });
    const records = await this.#store.load(partition, keys);
    const work = this.#random.work(place, { log, letters, records });
    if (isSpoilt) return this.#refused(place, work);
    const { sends } = await lease.commit(commitOf(work));
    place.cursor = work.cursor ?? place.cursor;
    this.#noteWork(work);
    this.#noteAppended(work.sends ?? [], sends, 'send');
  }

  /** Makes a commit that has no effect, for one of two reasons. */
  async #refused(place: Place, work: Partial<Commit>): Promise<void> {
    const isStale = place.former !== undefined && this.#chance.upTo(2) === 1;
    const rows = [...(work.rows ?? []), ...(isStale ? [] : [add('history', [null])])];
    try {
      const lease = isStale ? place.former : place.lease;
      await lease?.commit(commitOf({ ...work, rows }));
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      this.seen.add(error.code);
    }
  }

  async #look({ partition, head }: Place): Promise<void> {
    const store = this.#store;
    const { upTo } = this.#chance;
    const key = this.#chance.one(keys);
    const moment = upTo(40);
    for (const limit of [upTo(3), all]) {
      // Only a list limited to few characters reveals a store that returns one item too many.
      const characters = { charactersMax: limit === all ? undefined : upTo(30) };
      this.#note('pendingOrigins', await store.pendingOrigins(partition, origins));
      this.#note('read', await store.read(partition, limit === all ? 0 : upTo(head + 1), limit, characters));
      this.#note('held', await store.held(partition, key, limit === all ? 0 : upTo(head + 1), limit, characters));
      this.#note('gaps', await store.gaps(partition, { limit }));
      this.#note('gaps', await store.gaps(partition, { until: moment, after: { since: upTo(40), key }, limit }));
      this.#note('heldKeys', await store.heldKeys(partition, limit === all ? null : key, limit));
      this.#note('dueCauses', await store.dueCauses(partition, limit === all ? all : moment, limit, characters));
      for (const endpoint of endpoints) {
        this.#note('dueDeliveries', await store.dueDeliveries(partition, endpoint, limit === all ? all : moment, limit, characters));
        this.#note('nextDeliveryDue', await store.nextDeliveryDue(partition, endpoint, moment));
        this.#note('dueMoments', await store.dueMoments(partition, endpoint, limit === all ? 0 : moment, limit));
      }
      this.#note('deadLetters', await store.deadLetters(limit === all ? { limit } : this.#random.letterQuery(partition), characters));
    }
    for (const among of [undefined, 'parked', 'gaps', 'retried'] as const) {
      this.#note(`keys: ${among}`, await store.keys(partition, { among, limit: all }));
      this.#note(
        'keys',
        await store.keys(partition, { among, after: this.#chance.one(keys), prefix: key.slice(0, upTo(2)), limit: upTo(3) }),
      );
    }
    const place = { dueAt: upTo(40), key, name: 'wake' };
    this.#note('timers', await store.timers(partition, { limit: all }));
    this.#note('timers', await store.timers(partition, { prefix: key.slice(0, upTo(2)), before: upTo(40), limit: upTo(3) }));
    this.#note('timers', await store.timers(partition, { after: place, limit: upTo(3) }));
    for (const endpoint of endpoints) {
      this.#note('deliveries', await store.deliveries(partition, { endpoint, after: { key, id: String(upTo(3)) }, limit: upTo(3) }));
      this.#note('deliveriesOfKey', await store.deliveriesOfKey(partition, endpoint, key, upTo(3)));
      this.#note('deliveryNames', await store.deliveryNames(partition, endpoint, upTo(4)));
      this.#note('deliveryNames', await store.deliveryNames(partition, endpoint, 3, key));
      const query = { endpoint, dueBy: moment, from: upTo(3) === 1 ? `key ${key}` : null, flows: upTo(3), each: upTo(2) };
      for (const characters of [{ charactersMax: upTo(30) }, {}]) {
        this.#note('dueByFlow', (await store.dueByFlow(partition, { ...query, ...characters })).deliveries);
      }
    }
    this.#note('inventory', await store.inventory({ uncounted: upTo(2) === 1 ? [partition.pipeline] : [], named: [partition.pipeline] }));
    this.#note('audit', await store.audit({ limit: upTo(3), ...(upTo(2) === 1 && { pipeline: partition.pipeline, key }) }));
    this.#note('nextCauseDue', await store.nextCauseDue(partition, moment));
    for (const characters of [{ charactersMax: upTo(30) }, {}]) {
      this.#note('load', await store.load(partition, [key, 'nobody', ...keys], characters));
      for (const sql of queries) this.#note('query', await store.query(sql, [upTo(3)], characters));
    }
  }

  #note(call: string, answer: number | null | readonly unknown[]): void {
    if (typeof answer === 'number' || (answer !== null && answer.length > 0)) this.seen.add(call);
  }

  #noteAppended(events: readonly NewEvent[], answers: readonly { readonly status: string }[], call: string): void {
    for (const [at, { status }] of answers.entries()) {
      const { partition, number, knownSince } = events[at] ?? {};
      const means = typeof number === 'number' ? 'number' : typeof knownSince === 'number' ? 'id' : 'nothing';
      this.seen.add(`${call} by ${means}: ${status}`);
      const place = this.#places.find((one) => one.partition === partition);
      if (place !== undefined && status === 'accepted') place.head += 1;
    }
  }

  #noteWork({ rows = [], deliveries = [], deadLetters = [], timers = [], outcomes = [], gaps = [], ...rest }: Partial<Commit>): void {
    for (const [part, items] of Object.entries(rest)) if (Array.isArray(items) && items.length > 0) this.seen.add(part);
    for (const { write } of rows) this.seen.add(`rows: ${write}`);
    for (const { write } of deliveries) this.seen.add(`deliveries: ${write}`);
    for (const { gap } of gaps) this.seen.add(gap === null ? 'gaps: forget' : 'gaps: note');
    for (const { dueAt } of timers) this.seen.add(dueAt === null ? 'timers: disarm' : 'timers: arm');
    for (const { dueAt } of outcomes) this.seen.add(dueAt === null ? 'outcomes: tell' : 'outcomes: keep');
    for (const { kind } of deadLetters) this.seen.add(`dead letter: ${kind}`);
  }
}

/** Everything that must have succeeded, or been refused, for a run to be complete. */
export const kinds: readonly string[] = [
  ...[
    'claim',
    'read',
    'load',
    'held',
    'heldKeys',
    'gaps',
    'dueCauses',
    'nextCauseDue',
    'dueDeliveries',
    'dueByFlow',
    'nextDeliveryDue',
    'dueMoments',
    'pendingOrigins',
    'deliveryNames',
    'deliveriesOfKey',
    'timers',
    'deliveries',
    'keys',
    ...['undefined', 'parked', 'gaps', 'retried'].map((among) => `keys: ${among}`),
    'inventory',
    'audit',
    'forget',
    'deadLetters',
  ],
  ...[
    'prune',
    'query',
    'holds',
    'releases',
    'keys',
    'resolvedDeadLetters',
    'sends',
    'gaps: note',
    'gaps: forget',
    'timers: arm',
    'timers: disarm',
    'outcomes: keep',
    'outcomes: tell',
  ],
  ...['append', 'send'].flatMap((call) =>
    ['nothing: accepted', 'id: accepted', 'id: duplicate', 'number: accepted', 'number: duplicate', 'number: late'].map(
      (answer) => `${call} by ${answer}`,
    ),
  ),
  ...['put', 'add', 'update'].map((write) => `rows: ${write}`),
  ...['ask', 'restore', 'retry', 'remove'].map((write) => `deliveries: ${write}`),
  ...['event', 'timer', 'outcome', 'delivery', 'gap', 'origin'].map((kind) => `dead letter: ${kind}`),
  ...['MILL_STORE_FENCED', 'MILL_COMMIT_REFUSED'],
];

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type Random, randomOf } from '../../systems/shared/random.ts';
import { Book, type Life } from './book.ts';
import { checkRepeats } from './checks/calls.ts';
import { Client } from './client.ts';
import { Connection } from './connection.ts';
import type { Endpoints } from './endpoints.ts';
import { environmentOf } from './environment.ts';
import { Examiner } from './examiner.ts';
import { Loads } from './loads/loads.ts';
import { type End, Server } from './server.ts';
import { checkFigures, settled } from './settle.ts';
import type { Tally } from './tally.ts';
import { type KillMoment, momentOfKill, untilKill } from './until-kill.ts';

export interface GroupOptions {
  /** Counted from 1. */
  readonly group: number;
  readonly seed: number;
  /** The folder for the database and the server's logs. */
  readonly folder: string;
  readonly port: number;
  readonly endpoints: Endpoints;
  readonly tally: Tally;
  /** Aborts to end the harness at once. */
  readonly signal: AbortSignal;
}

/**
 * A group of rounds on one database: the clients send all the time, the server is started and killed in each round, and at the end
 * everything comes to rest and is checked.
 */
export class Group {
  readonly #options: GroupOptions;
  readonly #random: Random;
  readonly #database: string;
  readonly #book = new Book();
  readonly #loads: Loads;
  readonly #connection: Connection;
  readonly #examiner: Examiner;
  readonly #broken: string[] = [];
  readonly #sending: Promise<void>;
  #server: Server | undefined;
  #isStopping = false;

  constructor(options: GroupOptions) {
    const { seed, group, port, folder, signal, endpoints, tally } = options;
    this.#options = options;
    this.#random = randomOf(seed, group * 1_000 + 999);
    this.#database = join(folder, 'crash.db');
    this.#connection = new Connection(port);
    const say = (broken: string) => void this.#broken.push(broken);
    const client = new Client({ book: this.#book, connection: this.#connection, signal, say });
    const isStopping = () => this.#isStopping || signal.aborted;
    this.#loads = new Loads({ client, seed, group, isStopping }, this.#database, say);
    this.#examiner = new Examiner({
      folder,
      database: this.#database,
      book: this.#book,
      loads: this.#loads,
      random: randomOf(seed, group * 1_000 + 998),
      tally,
      environment: environmentOf(endpoints.calmUrls),
      logOf: (life) => this.#logOf(life),
      say,
    });
    signal.addEventListener('abort', () => this.#server?.signal('SIGKILL'));
    endpoints.open(this.#book);
    this.#sending = this.#loads.run();
    // Whoever finally awaits it gets the failure.
    this.#sending.catch(() => undefined);
  }

  /** The violations found so far. */
  get broken(): readonly string[] {
    return this.#broken;
  }

  /** Starts the server, lets it work for a while, and kills it. */
  async round({ withCut }: { readonly withCut: boolean }): Promise<void> {
    const { tally } = this.#options;
    if (withCut) tally.cuts.owed += 1;
    const moment = momentOfKill(this.#random);
    const { server, life } = this.#start();
    await untilKill(server, moment, { book: this.#book, random: this.#random });
    this.#endLife(life, await server.kill(), moment);
    tally.rounds += 1;
    if (life.end === 'killed') tally.kills[moment] += 1;
    else tally.stops += 1;
    await this.#options.endpoints.drained();
    await this.#examiner.take(life);
  }

  /** Lets everything come to rest, stops the server, and checks everything. */
  async finish(): Promise<void> {
    const { tally } = this.#options;
    const { server, life } = this.#start();
    await server.ready;
    if (server.pid !== ownerOf(this.#database)) this.#broken.push('the process to be killed does not own the database');
    this.#isStopping = true;
    await this.#sending;
    this.#broken.push(...(await settled(this.#database, () => server.end !== undefined)));
    const settledAt = Date.now();
    this.#broken.push(...(await checkFigures(this.#connection)));
    this.#endLife(life, await server.stop(), 'shutdown');
    tally.stops += 1;
    await this.#examiner.take(life, settledAt);
    await this.#examiner.done();
    const repeats = checkRepeats(this.#book);
    this.#broken.push(...repeats.broken);
    tally.add(this.#book, repeats, this.#loads.messages.rows.size);
  }

  /** Leaves only the files behind. Without `finish`, abort the harness's signal first. */
  async close(): Promise<void> {
    this.#isStopping = true;
    await this.#server?.kill();
    await this.#connection.close();
    await Promise.allSettled([this.#sending, this.#examiner.done()]);
  }

  #start(): { readonly server: Server; readonly life: Life } {
    const { folder, port, endpoints } = this.#options;
    const life = this.#book.beginLife();
    const log = this.#logOf(life.number);
    const server = new Server({ folder, database: `sqlite:${this.#database}`, port, log, environment: environmentOf(endpoints.urls) });
    this.#server = server;
    return { server, life };
  }

  #logOf(life: number): string {
    return join(this.#options.folder, `life-${life}.log`);
  }

  #endLife(life: Life, { code, signal }: End, moment: KillMoment): void {
    life.endedAt = performance.now();
    life.end = signal === 'SIGKILL' ? 'killed' : 'stopped';
    const isExpected = signal === 'SIGKILL' || (code === 0 && moment === 'shutdown');
    if (!isExpected && !this.#options.signal.aborted) this.#broken.push(`life ${life.number} ended by itself with ${signal ?? code}`);
  }
}

/** Returns the process that owns a database. */
function ownerOf(database: string): unknown {
  const side = new DatabaseSync(`${database}-owner`, { readOnly: true, timeout: 1_000 });
  try {
    return side.prepare('SELECT pid FROM owner').get()?.pid;
  } finally {
    side.close();
  }
}

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '../crash/connection.ts';
import { type End, Server } from '../crash/server.ts';
import type { FleetDatabase } from './database.ts';
import { type Cut, Link } from './link.ts';

/** Time after a freeze during which requests sent before or during it may still be around, in milliseconds. */
const wakingMs = 8_000;
/** A process that takes longer counts as stuck, and the request goes to another one: a process must refuse within five seconds. */
const connectionOptions = { answerTimeoutMs: 6_000, connectionsMax: 100 };

export interface MemberOptions {
  readonly name: string;
  readonly folder: string;
  readonly port: number;
  readonly database: FleetDatabase;
  /** The module of the pipelines that it serves, and the environment variables for them. */
  readonly served: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Called when the process ended by itself. */
  ended(words: string): void;
}

/** The counters of a live process. */
export interface MemberCounts {
  /** Commits refused because their leases had expired. */
  readonly fencedCommits: number;
  /** Batches of a topic that were read and dropped because another process had taken their partitions. */
  readonly droppedBatches: number;
}

const none: MemberCounts = { fencedCommits: 0, droppedBatches: 0 };

/** One process of the fleet, through all of its lives, with its own link to the database. */
export class Member {
  readonly name: string;
  readonly connection: Connection;
  readonly #options: MemberOptions;
  readonly #link: Link;
  #server: Server;
  #lives = 0;
  /** Counters of the previous lives, and of the current life when they were last read. */
  #countedBefore = none;
  #countedNow = none;
  #isHealthy = true;
  #isClosing = false;
  /** The time since which it is not frozen, on the clock of `performance.now()`; undefined while it is frozen. */
  #awakeAt: number | undefined = 0;

  private constructor(options: MemberOptions, link: Link) {
    this.name = options.name;
    this.#options = options;
    this.#link = link;
    this.connection = new Connection(options.port, connectionOptions);
    this.#server = this.#start();
  }

  /** Resolves once it serves. */
  static async start(options: MemberOptions): Promise<Member> {
    const member = new Member(options, await Link.to(options.database.port));
    await member.#server.ready;
    return member;
  }

  /** True if no fault is being inflicted on it. */
  get isHealthy(): boolean {
    return this.#isHealthy;
  }

  get pid(): number {
    const { pid } = this.#server;
    if (pid === undefined) throw new Error(`${this.name} has no process`);
    return pid;
  }

  /** The end of the current life, if it has ended. */
  get end(): End | undefined {
    return this.#server.end;
  }

  /** Inflicts a fault, and marks it healthy again afterwards. */
  async suffer(work: () => Promise<void>): Promise<void> {
    this.#isHealthy = false;
    await work();
    this.#isHealthy = true;
  }

  /** True if it is alive and has not been frozen for a while. */
  get canAnswer(): boolean {
    return this.end === undefined && this.#awakeAt !== undefined && performance.now() - this.#awakeAt > wakingMs;
  }

  freeze(): void {
    this.#awakeAt = undefined;
    this.#server.signal('SIGSTOP');
  }

  wake(): void {
    this.#server.signal('SIGCONT');
    this.#awakeAt = performance.now();
  }

  async kill(): Promise<void> {
    await this.look();
    await this.#server.kill();
  }

  /** Stops it gracefully. Throws if it does not end in time, or with a code other than 0. */
  async stop(): Promise<void> {
    await this.look();
    const { code, signal } = await this.#server.stop();
    if (code !== 0) throw new Error(`${this.name}: expected it to stop with 0, found ${signal ?? code}`);
  }

  /** Begins its next life. Resolves once the new process serves. */
  async startAgain(): Promise<void> {
    this.#countedBefore = this.counted;
    this.#countedNow = none;
    this.#server = this.#start();
    await this.#server.ready;
    this.#awakeAt = performance.now();
  }

  cut(how: Cut): void {
    this.#link.cut(how);
  }

  goOn(): void {
    this.#link.goOn();
  }

  /** Records its counters, since they are lost when the process ends. */
  async look(): Promise<void> {
    const answer = await this.connection.get('/pipelines');
    if (answer.kind !== 'answered' || answer.status !== 200) return;
    const { items } = answer.body as { items: readonly MemberCounts[] };
    this.#countedNow = items.reduce(sumOf, none);
  }

  /** Returns the totals over all lives, as last read. */
  get counted(): MemberCounts {
    return sumOf(this.#countedBefore, this.#countedNow);
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    await this.#server.kill();
    await this.connection.close();
    await this.#link.close();
  }

  #start(): Server {
    const { folder, port, database, served, environment, ended } = this.#options;
    this.#lives += 1;
    const log = join(folder, `${this.name}-${this.#lives}.log`);
    const server = new Server({
      folder,
      served: [served],
      port,
      database: database.url.replace(`:${database.port}/`, `:${this.#link.port}/`),
      log,
      environment: { ...environment, LOG_LEVEL: 'info' },
    });
    void server.ended.then(({ code, signal }) => {
      if (this.#isHealthy && !this.#isClosing)
        ended(`${this.name} ended by itself with ${signal ?? code}: ${readFileSync(log, 'utf8').slice(-500)}`);
    });
    return server;
  }
}

/** Adds up the counters of several processes. */
export function sumOf(a: MemberCounts, b: MemberCounts): MemberCounts {
  return {
    fencedCommits: a.fencedCommits + b.fencedCommits,
    droppedBatches: a.droppedBatches + b.droppedBatches,
  };
}

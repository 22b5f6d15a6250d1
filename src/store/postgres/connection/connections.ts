import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { Pool, PoolClient, QueryArrayResult } from 'pg';
import { MillraceError, messageOf } from '../../../errors.ts';
import { checkAuthority } from '../../sql/connection/authority.ts';
import type { Connections, Transaction, WritingOptions } from '../../sql/connection/connections.ts';
import { Flight, type StatementResult } from '../../sql/connection/flight.ts';
import { Sockets } from '../../sql/connection/sockets.ts';
import type { Statement } from '../../sql/connection/statement.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { toQuery } from './driver-query.ts';
import { rethrowMissing } from './missing-driver.ts';
import { isConnectionFault, isRepeatable, postgresErrors, stateOf } from './postgres-errors.ts';

/** Retries of a transaction that had no effect, and the longest wait between two attempts at first. */
const tries = 6;
const jitterMs = 20;
/** Extra time for a connection that does not answer, on top of the database's own limit. */
const silenceMs = 2_000;
/**
 * Time that the database waits for the rest of a flight, which was sent all at once. If a process is cut off in the middle, nobody waits
 * longer than that for its locks.
 */
const flightIdleMs = 2_000;

/**
 * Time that a connection above the idle limit waits for work. Work comes in bursts, and a new connection costs the database a process and
 * the plans of all statements.
 */
const surplusIdleMs = 1_000;

/**
 * A flight's statements find their rows by indexes, and in index order where there is one, whatever the planner knows of the tables
 * (`lookups.ts`). None is worth JIT compilation, which takes longer than any of them.
 */
const planning = ['enable_seqscan', 'enable_bitmapscan', 'jit'].map((setting) => `SET LOCAL ${setting} = off`);

/** The driver's own message for a query that follows a failed one. */
const isAftermath = (thrown: unknown) => stateOf(thrown) === '25P02';

/** The driver's settings for a connection, by its own names. */
interface ClientSettings {
  readonly connectionString: string;
  readonly enableChannelBinding: boolean;
  readonly application_name: string;
  readonly connectionTimeoutMillis: number;
  readonly keepAlive: boolean;
  readonly keepAliveInitialDelayMillis: number;
  /** Makes the socket of a connection. */
  readonly stream: () => Socket;
}

/** Deviations from a normal flight. */
interface Way {
  readonly pool?: Pool;
  /** Time limit for an answer, after which the connection is abandoned; by default the statement limit plus a margin. */
  readonly answerMs?: number;
}

/** The format of moments in the rows of a user's query. */
const moments = "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'";

/**
 * The connections of a store. Every transaction sets up what it needs for itself (`SET LOCAL`), so that nothing is left on a connection
 * that another client may get next: behind PgBouncer in transaction mode there is no other way.
 */
export class PostgresConnections implements Connections {
  readonly errors = postgresErrors;
  readonly options: ConnectionOptions;
  readonly #pool: Pool;
  /** The connection for beats, which must not wait behind anything: otherwise leases expire, and all other work is in vain. */
  readonly #beats: Pool;
  /** Busy connections, and since when. */
  readonly #busy = new Map<PoolClient, number>();
  readonly #sockets: Sockets;
  #writing: string;
  readonly #reading: string;
  /** For a transaction sent all at once. */
  readonly #briefly: string;
  /** For a transaction of several round trips. */
  readonly #inSteps: string;

  private constructor(options: ConnectionOptions, { pool, beats, sockets }: { pool: Pool; beats: Pool; sockets: Sockets }) {
    this.options = options;
    this.#pool = pool;
    this.#beats = beats;
    this.#sockets = sockets;
    const { schema, statementTimeoutMs, lockTimeoutMs } = options;
    const path = schema === undefined ? [] : [`SET LOCAL search_path TO "${schema.replaceAll('"', '""')}"`];
    const settings = [...path, `SET LOCAL statement_timeout = ${statementTimeoutMs}`];
    // The isolation level that the algorithms are designed for, whatever the database's default.
    this.#writing = ['BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE', ...settings, `SET LOCAL lock_timeout = ${lockTimeoutMs}`].join(
      '; ',
    );
    const idleFor = (ms: number) => `SET LOCAL idle_in_transaction_session_timeout = ${ms}`;
    this.#briefly = [idleFor(Math.min(flightIdleMs, statementTimeoutMs)), ...planning].join('; ');
    this.#inSteps = idleFor(statementTimeoutMs);
    this.#reading = ['BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', ...settings].join('; ');
  }

  /** Throws `MILL_INVALID_CONFIGURATION` if the driver or a certificate file is missing. Connects to nothing yet. */
  static async open(options: ConnectionOptions): Promise<PostgresConnections> {
    const { Pool } = await import('pg').catch(rethrowMissing);
    if (options.authorities !== undefined) checkAuthority(options.authorities);
    const sockets = new Sockets();
    const poolOf = (bounds: { readonly max: number; readonly min: number }) => {
      const pool = new Pool({
        ...clientSettingsOf(options, sockets),
        ...bounds,
        idleTimeoutMillis: surplusIdleMs,
        maxLifetimeSeconds: Math.ceil(options.connectionLifetimeMs / 1_000),
        pipeline: true,
      });
      // A connection that ends, idle or busy, also reports it here; without a listener that would end the process. Its user learns of it
      // from the query.
      pool.on('error', () => undefined);
      pool.on('connect', (client) => client.on('error', () => undefined));
      return pool;
    };
    const pool = poolOf({ max: options.maxConnections, min: options.maxIdleConnections });
    return new PostgresConnections(options, { pool, beats: poolOf({ max: 1, min: 1 }), sockets });
  }

  /** Makes every writing transaction wait for the disk before it is answered, whatever the database's default. */
  insistOnDisk(): void {
    this.#writing += '; SET LOCAL synchronous_commit = on';
  }

  /** The settings for a connection outside the pools. */
  get clientSettings(): ClientSettings {
    return clientSettingsOf(this.options, this.#sockets);
  }

  async write(make: () => Flight, answerMs?: number): Promise<void> {
    await this.#repeated(() => this.#write(make, answerMs === undefined ? {} : { answerMs }), isRepeatable);
  }

  async beat(make: () => Flight, answerMs: number): Promise<void> {
    await this.#repeated(() => this.#write(make, { pool: this.#beats, answerMs }), isRepeatable);
  }

  async read(...statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    const flight = new Flight();
    for (const statement of statements) flight.add(statement);
    return this.#fly(this.#reading, flight);
  }

  async reading<T>(work: (transaction: Transaction) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#withClient(async (client) => {
      const pid = await this.#begin(client, `${this.#reading}; ${moments}`);
      const cancel = () => void this.#cancel(pid);
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        const found = await work(this.#transaction(client));
        return found;
      } finally {
        signal?.removeEventListener('abort', cancel);
        // Any setting made by a user statement goes with it.
        await this.#bounded(client, client.query('ROLLBACK'));
      }
    });
  }

  async writing<T>(work: (transaction: Transaction) => Promise<T>, { mayRepeat, idleMs }: WritingOptions = {}): Promise<T> {
    const bounded = async (transaction: Transaction) => {
      if (idleMs !== undefined) await transaction.run({ text: `SET LOCAL idle_in_transaction_session_timeout = ${idleMs}`, values: [] });
      return work(transaction);
    };
    return this.#repeated(
      () => this.#withClient((client) => this.#writeOn(client, bounded)),
      (error) => isRepeatable(error) || mayRepeat?.(error) === true,
    );
  }

  /** A pooler reports its own process. */
  async endLost(thrown: unknown): Promise<void> {
    const backend = lostBackendOf(thrown);
    if (backend === undefined || this.options.isPooled) return;
    await this.read({
      text: "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND application_name = 'millrace'",
      values: [backend],
    });
  }

  giveUp(longerThanMs: number): void {
    const before = performance.now() - longerThanMs;
    for (const [client, since] of this.#busy) if (since <= before) client.connection.stream.destroy(silence());
  }

  endWith(signal: AbortSignal | undefined): () => void {
    const cut = () => this.#sockets.cut();
    if (signal?.aborted) cut();
    signal?.addEventListener('abort', cut, { once: true });
    return () => signal?.removeEventListener('abort', cut);
  }

  /** A silent server does not close its end: then the connection is closed without it. */
  async close(): Promise<void> {
    setTimeout(() => this.#sockets.cut(), silenceMs).unref();
    await Promise.all([this.#pool.end(), this.#beats.end()]);
  }

  /** Retries no longer than one statement may take: a caller waiting for a stuck lock should learn that. */
  async #repeated<T>(work: () => Promise<T>, mayRepeat: (thrown: unknown) => boolean): Promise<T> {
    const until = performance.now() + this.options.statementTimeoutMs;
    for (let nth = 1; ; nth += 1) {
      try {
        return await work();
      } catch (error) {
        if (nth === tries || performance.now() > until || !mayRepeat(error)) throw error;
        await wait(Math.random() * jitterMs * nth);
      }
    }
  }

  async #writeOn<T>(client: PoolClient, work: (transaction: Transaction) => Promise<T>): Promise<T> {
    await this.#begin(client, this.#writing);
    try {
      const done = await work(this.#transaction(client));
      checkCommit(await this.#bounded(client, client.query('COMMIT')));
      return done;
    } catch (error) {
      if (!isConnectionFault(error)) await this.#bounded(client, client.query('ROLLBACK'));
      throw error;
    }
  }

  #transaction(client: PoolClient): Transaction {
    return { run: async (statement) => toResult(lastOf(await this.#bounded(client, client.query(toQuery(statement, false))))) };
  }

  async #begin(client: PoolClient, begin: string): Promise<number> {
    const sent = [client.query(`${begin}; ${this.#inSteps}`), client.query('SELECT pg_backend_pid() AS pid')] as const;
    const [, pid] = await this.#bounded(client, Promise.all(sent));
    return Number(pid.rows[0]?.pid);
  }

  async #write(make: () => Flight, way?: Way): Promise<void> {
    const flight = make();
    flight.committed(await this.#fly(this.#writing, flight, way));
  }

  /** Sends everything at once. After a failed statement the rest fail too, and the COMMIT "succeeds" as a rollback. */
  async #fly(begin: string, { statements }: Flight, { pool, answerMs }: Way = {}): Promise<readonly StatementResult[]> {
    const { isPooled } = this.options;
    return this.#withClient(async (client) => {
      const sent = inOneWrite(client, () => [
        client.query(`${begin}; ${this.#briefly}`),
        ...statements.map((statement) => client.query(toQuery(statement, !isPooled))),
        client.query('COMMIT'),
      ]);
      const answers = await this.#bounded(client, Promise.allSettled(sent), answerMs);
      const [failed] = answers.flatMap((answer, at) => (answer.status === 'rejected' ? [{ at, reason: answer.reason }] : []));
      if (failed !== undefined) throw withTable(failed.reason, statements[failed.at - 1]);
      const results = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value as QueryArrayResult] : []));
      checkCommit(results.at(-1));
      return results.slice(1, -1).map(toResult);
    }, pool);
  }

  /** Returns a working client to the pool and closes a broken one. */
  async #withClient<T>(work: (client: PoolClient) => Promise<T>, pool = this.#pool): Promise<T> {
    const client = await this.#connect(pool);
    this.#busy.set(client, performance.now());
    let isBroken = true;
    try {
      const done = await work(client);
      isBroken = false;
      return done;
    } catch (error) {
      isBroken = isConnectionFault(error) || isAftermath(error);
      if (isBroken && error instanceof Error) Object.assign(error, { backend: backendOf(client) });
      throw error;
    } finally {
      this.#busy.delete(client);
      client.release(isBroken);
    }
  }

  async #connect(pool: Pool): Promise<PoolClient> {
    try {
      return await pool.connect();
    } catch (cause) {
      throw new MillraceError('MILL_STORE_UNAVAILABLE', `${this.options.name}: ${reasonOf(cause)}`, { cause });
    }
  }

  /** Returns the answer, or closes the connection: nobody may be behind a half-open one. */
  async #bounded<T>(client: PoolClient, answer: Promise<T>, answerMs = this.options.statementTimeoutMs + silenceMs): Promise<T> {
    const timer = setTimeout(() => client.connection.stream.destroy(silence()), answerMs);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  async #cancel(pid: number): Promise<void> {
    try {
      await this.read({ text: 'SELECT pg_cancel_backend($1)', values: [pid] });
    } catch {
      // Its time limit ends it then.
    }
  }
}

function clientSettingsOf({ url, bindsChannel, connectTimeoutMs }: ConnectionOptions, sockets: Sockets): ClientSettings {
  return {
    connectionString: url,
    enableChannelBinding: bindsChannel,
    application_name: 'millrace',
    connectionTimeoutMillis: connectTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    stream: () => sockets.make(),
  };
}

/** Returns the database's process for a connection; behind a pooler it is the pooler's. */
function backendOf(client: PoolClient): unknown {
  return (client as unknown as { processID: unknown }).processID;
}

/** Returns the database's process for a lost connection; undefined if it never had one. */
function lostBackendOf(thrown: unknown): number | undefined {
  return thrown instanceof Error && 'backend' in thrown && typeof thrown.backend === 'number' ? thrown.backend : undefined;
}

/**
 * Everything sent during the call leaves as one write: with separate writes the database would begin with the first, and hold its locks
 * until the last.
 */
function inOneWrite<T>({ connection: { stream } }: PoolClient, send: () => T): T {
  stream.cork();
  try {
    return send();
  } finally {
    stream.uncork();
  }
}

/** A name may stand for several addresses, each of which has failed. */
function reasonOf(thrown: unknown): string {
  return thrown instanceof AggregateError ? thrown.errors.map(messageOf).join('; ') : messageOf(thrown);
}

function silence(): Error {
  return new Error('the database does not answer');
}

function toResult({ rows, rowCount, fields }: QueryArrayResult): StatementResult {
  return { rows: rows as unknown[][], count: rowCount ?? rows.length, columns: fields.map(({ name }) => name) };
}

/** Returns the last result of several statements in one message. */
function lastOf(result: QueryArrayResult | QueryArrayResult[]): QueryArrayResult {
  return Array.isArray(result) ? (result.at(-1) as QueryArrayResult) : result;
}

/** After an error a COMMIT is answered too, with the tag of what it did. */
function checkCommit(result: { readonly command: string } | undefined): void {
  if (result?.command === 'COMMIT') return;
  throw new MillraceError('MILL_INTERNAL', `expected COMMIT, found ${result?.command}`);
}

/** Adds the declared table's name to a failed statement's error. */
function withTable(thrown: unknown, statement: Statement | undefined): unknown {
  if (thrown instanceof Error && statement?.table !== undefined) Object.assign(thrown, { declaredTable: statement.table });
  return thrown;
}

import { isIP } from 'node:net';
import { performance } from 'node:perf_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { Pool, PoolConnection, PoolOptions } from 'mysql2';
import { MillraceError, messageOf } from '../../../errors.ts';
import { checkAuthority } from '../../sql/connection/authority.ts';
import type { Connections, Transaction, WritingOptions } from '../../sql/connection/connections.ts';
import type { Flight, StatementResult } from '../../sql/connection/flight.ts';
import { Sockets } from '../../sql/connection/sockets.ts';
import type { Row, Statement } from '../../sql/connection/statement.ts';
import { fileOf, type Tls } from './address.ts';
import type { ConnectionOptions } from './connection-options.ts';
import { textOf } from './literals.ts';
import { rethrowMissing } from './missing-driver.ts';
import { isConnectionFault, isRepeatable, mysqlErrors, numberOf } from './mysql-errors.ts';
import { piecesOf, separator } from './pieces.ts';
import { beginReading, idleFor, idleSeconds, sessionStatements } from './session.ts';
import { type FoundField, foundValue, ownValue } from './values.ts';

/** Retries of a transaction that had no effect, and the longest wait between two attempts at first. */
const tries = 6;
const jitterMs = 20;
/** Extra time for a connection that does not answer, on top of the database's own limit. */
const silenceMs = 2_000;
/** Time that a connection above the idle limit waits for work. */
const idleMs = 60_000;
/** Share of the server's packet size to use: it counts more than the text. */
const packetShare = 0.5;
/** The smallest packet size a server can be configured with. */
const packetBytesMin = 1_024;

/** A statement in a combined text, and the handling of its rows. */
interface Sent {
  readonly text: string;
  readonly isForeign: boolean;
  readonly table: string | undefined;
}

/** Deviations from a normal flight. */
interface Way {
  readonly pool?: Pool;
  /** Time limit for an answer, after which the connection is abandoned; by default the statement limit plus a margin. */
  readonly answerMs?: number;
}

/** A transaction that reads. */
export interface Reading extends Transaction {
  /** Runs one user statement. Once there are enough rows the connection is dropped, which is how the server learns to stop. */
  find(text: string, isEnough: (row: Row) => boolean): Promise<StatementResult>;

  /** Passes on the rows of a statement as they arrive, however many. Reads no more before the last one is taken. */
  stream(statement: Statement, take: (row: Row) => Promise<void>): Promise<void>;
}

/**
 * The connections of a store. Flights send several statements in one text; connections that may run user statements, and transactions of
 * several round trips, send one at a time, so that no user text can contain more than one.
 */
export class MysqlConnections implements Connections {
  readonly options: ConnectionOptions;
  readonly errors = mysqlErrors;
  readonly #flights: Pool;
  readonly #steps: Pool;
  /** The connection for beats, which must not wait behind anything: otherwise leases expire, and all other work is in vain. */
  readonly #beats: Pool;
  /** Busy connections, and since when. */
  readonly #busy = new Map<PoolConnection, number>();
  /** Connections whose session is set up, and since when. */
  readonly #ready = new WeakMap<PoolConnection, number>();
  readonly #sockets: Sockets;
  /** Maximum bytes of a text of statements. */
  #textBytesMax = packetBytesMin;

  private constructor(
    options: ConnectionOptions,
    pools: { readonly flights: Pool; readonly steps: Pool; readonly beats: Pool; readonly sockets: Sockets },
  ) {
    this.options = options;
    this.#flights = pools.flights;
    this.#steps = pools.steps;
    this.#beats = pools.beats;
    this.#sockets = pools.sockets;
  }

  /** Throws `MILL_INVALID_CONFIGURATION` if the driver or a certificate file is missing. Connects to nothing yet. */
  static async open(options: ConnectionOptions): Promise<MysqlConnections> {
    const { createPool } = await import('mysql2').catch(rethrowMissing);
    if (options.tls?.caFile !== undefined) checkAuthority(options.tls.caFile);
    const sockets = new Sockets();
    const settings = clientSettingsOf(options, sockets);
    const poolOf = (bounds: { readonly max: number; readonly idle: number }, more: PoolOptions) => {
      const pool = createPool({ ...settings, connectionLimit: bounds.max, maxIdle: bounds.idle, idleTimeout: idleMs, ...more });
      // The user of a connection that ends learns of it from its query.
      pool.on('connection', (client) => client.on('error', () => undefined));
      return pool;
    };
    // Outside callers have two shares (`open-database.ts`), and the engine one more for work of several round trips.
    const steps = 2 * Math.max(1, Math.floor(options.maxConnections / 5)) + 1;
    const flights = options.maxConnections - steps;
    const idle = (max: number) => Math.min(max, Math.ceil((options.maxIdleConnections * max) / options.maxConnections));
    return new MysqlConnections(options, {
      flights: poolOf({ max: flights, idle: idle(flights) }, { multipleStatements: true }),
      steps: poolOf({ max: steps, idle: idle(steps) }, {}),
      beats: poolOf({ max: 1, idle: 1 }, { multipleStatements: true }),
      sockets,
    });
  }

  async write(make: () => Flight, answerMs?: number): Promise<void> {
    await this.#repeated(() => this.#write(make, answerMs === undefined ? {} : { answerMs }), isRepeatable);
  }

  async beat(make: () => Flight, answerMs: number): Promise<void> {
    await this.#repeated(() => this.#write(make, { pool: this.#beats, answerMs }), isRepeatable);
  }

  /** A single statement is on one snapshot by itself. */
  async read(...statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    const sent = statements.map(toSent);
    return this.#withClient(this.#flights, async (client) => {
      if (sent.length === 1) return this.#send(client, sent);
      const begin = beginReading.map(ownText);
      const results = await this.#send(client, [...begin, ...sent, ownText('COMMIT')]);
      return results.slice(begin.length, -1);
    });
  }

  async reading<T>(work: (transaction: Reading) => Promise<T>, signal?: AbortSignal): Promise<T> {
    return this.#withClient(this.#steps, async (client) => {
      await this.#begin(client, beginReading, this.#stepSeconds);
      const cancel = () => void this.#cancel(client.threadId);
      signal?.addEventListener('abort', cancel, { once: true });
      try {
        const done = await work({
          run: (statement) => this.#run(client, toSent(statement)),
          find: (text, isEnough) => this.#find(client, text, isEnough),
          stream: (statement, take) => this.#bounded(client, stream(client, toSent(statement), take)),
        });
        // Any setting made by a user statement goes with it.
        if (isWhole(client)) await this.#end(client, 'ROLLBACK');
        return done;
      } finally {
        signal?.removeEventListener('abort', cancel);
      }
    });
  }

  async writing<T>(work: (transaction: Transaction) => Promise<T>, { mayRepeat, idleMs: idle }: WritingOptions = {}): Promise<T> {
    const seconds = idle === undefined ? this.#stepSeconds : Math.ceil(idle / 1_000);
    return this.#repeated(
      () =>
        this.#withClient(this.#steps, async (client) => {
          await this.#begin(client, ['START TRANSACTION'], seconds);
          const done = await work({ run: (statement) => this.#run(client, toSent(statement)) });
          await this.#end(client, 'COMMIT');
          return done;
        }),
      (error) => isRepeatable(error) || mayRepeat?.(error) === true,
    );
  }

  /** A connection that has ended by itself, or belongs to nobody, is no longer known. */
  async endLost(thrown: unknown): Promise<void> {
    const thread = thrown instanceof Error && 'thread' in thrown ? thrown.thread : undefined;
    if (typeof thread === 'number') await this.#kill('CONNECTION', thread);
  }

  giveUp(longerThanMs: number): void {
    const before = performance.now() - longerThanMs;
    for (const [client, since] of this.#busy) if (since <= before) destroy(client);
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
    const ended = [this.#flights, this.#steps, this.#beats].map((pool) => new Promise<void>((resolve) => pool.end(() => resolve())));
    await Promise.all(ended);
  }

  /** Maximum idle time of a transaction with several round trips, in seconds. */
  get #stepSeconds(): number {
    return Math.max(idleSeconds.inFlight, Math.ceil(this.options.statementTimeoutMs / 1_000));
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

  async #write(make: () => Flight, { pool = this.#flights, answerMs }: Way = {}): Promise<void> {
    const flight = make();
    flight.committed(await this.#withClient(pool, (client) => this.#fly(client, flight, answerMs)));
  }

  /**
   * Sends everything at once, unless it is too much for one text or more statements depend on the answers. The server stops at the first
   * failure, and keeps the transaction open.
   */
  async #fly(client: PoolConnection, flight: Flight, answerMs?: number): Promise<readonly StatementResult[]> {
    const begin = ownText('START TRANSACTION');
    const commit = ownText('COMMIT');
    const first = flight.statements.map(toSent);
    const isWhole = !flight.hasLater && piecesOf([begin, ...first, commit], this.#textBytesMax).length === 1;
    if (isWhole) return (await this.#send(client, [begin, ...first, commit], answerMs)).slice(1, -1);
    const idle = ownText(idleFor(idleSeconds.inFlight));
    const answers = (await this.#send(client, [idle, begin, ...first], answerMs)).slice(2);
    const later = flight.later(answers).map(toSent);
    await this.#send(client, [...later, commit, ownText(idleFor(idleSeconds.outside))], answerMs);
    return answers;
  }

  async #begin(client: PoolConnection, begin: readonly string[], seconds: number): Promise<void> {
    for (const text of [idleFor(seconds), ...begin]) await this.#run(client, ownText(text));
  }

  async #end(client: PoolConnection, text: 'COMMIT' | 'ROLLBACK'): Promise<void> {
    for (const one of [text, idleFor(idleSeconds.outside)]) await this.#run(client, ownText(one));
  }

  async #run(client: PoolConnection, sent: Sent): Promise<StatementResult> {
    const [result] = await this.#send(client, [sent]);
    return result as StatementResult;
  }

  /** Sends the statements in as few texts as they fit into, one after another. */
  async #send(client: PoolConnection, all: readonly Sent[], answerMs?: number): Promise<readonly StatementResult[]> {
    const results: StatementResult[] = [];
    for (const piece of piecesOf(all, this.#textBytesMax)) results.push(...(await this.#bounded(client, query(client, piece), answerMs)));
    return results;
  }

  async #find(client: PoolConnection, text: string, isEnough: (row: Row) => boolean): Promise<StatementResult> {
    return this.#bounded(client, find(client, text, isEnough));
  }

  /** Returns a working client to the pool and closes a broken one. */
  async #withClient<T>(pool: Pool, work: (client: PoolConnection) => Promise<T>): Promise<T> {
    const client = await this.#connect(pool);
    this.#busy.set(client, performance.now());
    let isBroken = true;
    try {
      await this.#setUp(client);
      const done = await work(client);
      isBroken = false;
      return done;
    } catch (error) {
      isBroken = !(await this.#isRolledBack(client, error));
      if (isConnectionFault(error) && error instanceof Error) Object.assign(error, { thread: client.threadId });
      throw error;
    } finally {
      this.#busy.delete(client);
      if (isBroken || !isWhole(client)) client.destroy();
      else client.release();
    }
  }

  /** Whatever failed, a transaction may still be open. */
  async #isRolledBack(client: PoolConnection, error: unknown): Promise<boolean> {
    if (isConnectionFault(error)) return false;
    try {
      await this.#end(client, 'ROLLBACK');
      return true;
    } catch {
      return false;
    }
  }

  async #setUp(client: PoolConnection): Promise<void> {
    if (this.#ready.has(client)) return;
    for (const text of sessionStatements(this.options)) await this.#bounded(client, query(client, [ownText(text)]));
    const [packet] = await this.#bounded(client, query(client, [ownText('SELECT @@max_allowed_packet')]));
    this.#textBytesMax = Math.max(packetBytesMin, Math.floor(Number(packet?.rows[0]?.[0]) * packetShare));
    this.#ready.set(client, performance.now());
  }

  /** Replaces a connection that was used for long enough. */
  async #connect(pool: Pool): Promise<PoolConnection> {
    for (;;) {
      const client = await this.#acquire(pool);
      const since = this.#ready.get(client) ?? performance.now();
      if (performance.now() - since < this.options.connectionLifetimeMs) return client;
      client.destroy();
    }
  }

  async #acquire(pool: Pool): Promise<PoolConnection> {
    const { name, connectTimeoutMs } = this.options;
    const { promise, resolve, reject } = Promise.withResolvers<PoolConnection>();
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      reject(new Error(`no connection within ${connectTimeoutMs} ms`));
    }, connectTimeoutMs);
    pool.getConnection((error, client) => {
      if (error !== null && error !== undefined) reject(error);
      else if (isLate) client.release();
      else resolve(client);
    });
    try {
      return await promise;
    } catch (cause) {
      throw new MillraceError('MILL_STORE_UNAVAILABLE', `${name}: ${reasonOf(cause)}`, { cause });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Returns the answer, or closes the connection: nobody may be behind a half-open one. */
  async #bounded<T>(client: PoolConnection, answer: Promise<T>, answerMs = this.options.statementTimeoutMs + silenceMs): Promise<T> {
    const timer = setTimeout(() => destroy(client), answerMs);
    try {
      return await answer;
    } finally {
      clearTimeout(timer);
    }
  }

  async #cancel(thread: number | null): Promise<void> {
    if (thread === null) return;
    try {
      await this.#kill('QUERY', thread);
    } catch {
      // Its time limit ends it then.
    }
  }

  async #kill(what: 'CONNECTION' | 'QUERY', thread: number): Promise<void> {
    try {
      await this.read({ text: `KILL ${what} ${thread}`, values: [] });
    } catch (error) {
      if (numberOf(error) !== unknownThread) throw error;
    }
  }
}

/** The error number for a connection that no longer exists. */
const unknownThread = 1094;

function toSent(statement: Statement): Sent {
  return { text: textOf(statement), isForeign: statement.isForeign === true, table: statement.table };
}

function ownText(text: string): Sent {
  return { text, isForeign: false, table: undefined };
}

/**
 * The driver does not pass an IP address to the certificate check, which then uses `localhost`. With a trailing dot, the driver takes it
 * for a name, and the check for the address. The connection is made here, without the driver.
 */
function clientSettingsOf(options: ConnectionOptions, sockets: Sockets): PoolOptions {
  const { host, port, socket, user, password, database, tls, connectTimeoutMs } = options;
  const stream = () => {
    const made = sockets.make();
    if (socket === undefined) made.connect(port, host);
    else made.connect(socket);
    return made.setNoDelay(true).setKeepAlive(true, 10_000);
  };
  return {
    ...{
      host: isIP(host) === 0 ? host : `${host}.`,
      port,
      database,
      charset: 'UTF8MB4_BIN',
      timezone: 'Z',
      flags: ['-LOCAL_FILES'],
      stream,
    },
    ...{ connectTimeout: connectTimeoutMs, dateStrings: true, jsonStrings: true, rowsAsArray: true, gracefulEnd: true },
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { ssl: sslOf(tls) }),
  };
}

function sslOf({ checks, caFile, certFile, keyFile }: Tls) {
  return {
    rejectUnauthorized: checks !== 'nothing',
    verifyIdentity: checks === 'host',
    ...(caFile !== undefined && { ca: fileOf(caFile) }),
    ...(certFile !== undefined && { cert: fileOf(certFile) }),
    ...(keyFile !== undefined && { key: fileOf(keyFile) }),
  };
}

/** The driver's answer to a statement: rows, or a confirmation. */
type Answer = readonly Row[] | { readonly affectedRows?: number };

/** Runs the statements of one text, and returns the answer to each. */
function query(client: PoolConnection, statements: readonly Sent[]): Promise<readonly StatementResult[]> {
  const { promise, resolve, reject } = Promise.withResolvers<readonly StatementResult[]>();
  const typeCast = (field: FoundField, next: () => unknown) =>
    statements.some(({ isForeign }) => isForeign) ? foundValue(field, next) : ownValue(field);
  const command = client.query(
    { sql: statements.map(({ text }) => text).join(separator), rowsAsArray: true, typeCast },
    (error, answers, fields) => {
      if (error !== null) {
        reject(withTable(error, statements[failedAt(command)]?.table));
        return;
      }
      // For one statement the driver returns its answer, for several a list.
      const all = (statements.length === 1 ? [answers] : answers) as readonly Answer[];
      const names = (statements.length === 1 ? [fields] : fields) as readonly (readonly { readonly name: string }[] | undefined)[];
      resolve(all.map((answer, at) => toResult(answer, names[at])));
    },
  );
  return promise;
}

/** Passes on the rows of a statement as they arrive. */
function find(client: PoolConnection, sql: string, isEnough: (row: Row) => boolean): Promise<StatementResult> {
  const { promise, resolve, reject } = Promise.withResolvers<StatementResult>();
  const rows: Row[] = [];
  let columns: readonly string[] = [];
  const found = () => resolve({ rows, columns, count: rows.length });
  client
    .query({ sql, rowsAsArray: true, typeCast: foundValue })
    .on('error', reject)
    .on('fields', (fields: readonly { readonly name: string }[]) => {
      columns = fields.map(({ name }) => name);
    })
    .on('result', (row: unknown) => {
      if (!Array.isArray(row)) return;
      rows.push(row);
      if (!isEnough(row)) return;
      found();
      destroy(client);
    })
    .on('end', found);
  return promise;
}

async function stream(client: PoolConnection, { text, isForeign }: Sent, take: (row: Row) => Promise<void>): Promise<void> {
  const typeCast = isForeign ? foundValue : ownValue;
  const rows = client.query({ sql: text, rowsAsArray: true, typeCast }).stream({ highWaterMark: streamedRows });
  for await (const row of rows) await take(row);
}

/** Rows of a stream that wait to be taken. */
const streamedRows = 500;

function toResult(answer: Answer, fields: readonly { readonly name: string }[] | undefined): StatementResult {
  if (!('length' in answer)) return { rows: [], columns: [], count: answer.affectedRows ?? 0 };
  return { rows: answer, columns: fields?.map(({ name }) => name) ?? [], count: answer.length };
}

/** Returns the statement of a text at which the server stopped. Only the driver's internal count says so. */
function failedAt(command: unknown): number {
  return Number((command as { readonly _resultIndex?: unknown })._resultIndex);
}

/** Adds the declared table's name to a failed statement's error. */
function withTable(thrown: Error, table: string | undefined): Error {
  return table === undefined ? thrown : Object.assign(thrown, { declaredTable: table });
}

/** Returns whether it was not ended meanwhile. */
function isWhole(client: PoolConnection): boolean {
  return (client as unknown as { readonly stream: { readonly destroyed: boolean } }).stream.destroyed !== true;
}

function destroy(client: PoolConnection): void {
  const { stream } = client as unknown as { readonly stream: { destroy(error: Error): void } };
  stream.destroy(new Error('the database does not answer'));
}

/** A name may stand for several addresses, each of which has failed. */
function reasonOf(thrown: unknown): string {
  return thrown instanceof AggregateError ? thrown.errors.map(messageOf).join('; ') : messageOf(thrown);
}

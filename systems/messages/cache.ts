import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Answer, OutgoingCall, Transport, TransportLogger } from '../../src/index.ts';

/** The address of Redis, and the credentials for it. */
export interface RedisPlace {
  readonly host: string;
  readonly port: number;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly db?: number | undefined;
  /** True to use TLS. */
  readonly tls?: boolean | undefined;
}

const Entry = z.object({ messageId: z.string(), sentAt: z.string() });

/** Lifetime of an entry, after which writing it is pointless. */
const lifeSeconds = 24 * 60 * 60;
/** Delay between checks for Redis. */
const pauseMs = 1_000;
/** A slower Redis is useless: the end of a batch waits for its notes. In milliseconds. */
const timeoutMs = 2_000;

/**
 * Notes sent messages in Redis, for a day: `sent_messages:<messageId>` is the time it was sent. While Redis is unavailable the notes wait
 * without counting attempts; its loss and return are logged once each.
 */
export class RedisCache implements Transport {
  readonly #place: RedisPlace;
  readonly #now: () => number;
  #redis: Redis | undefined;
  #log: TransportLogger | undefined;
  #isDown = false;

  constructor(place: RedisPlace, now: () => number = Date.now) {
    this.#place = place;
    this.#now = now;
  }

  /** Does not wait for Redis: neither a start nor a message needs it. */
  async open(log: TransportLogger): Promise<void> {
    this.#log = log;
    // Only programs with a Redis wait for its client to load.
    const { Redis } = await import('ioredis');
    // It was closed meanwhile.
    if (this.#log === undefined) return;
    const { host, port, username, password, db = 0, tls = false } = this.#place;
    const redis = new Redis({
      host,
      port,
      db,
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(tls ? { tls: { servername: host } } : {}),
      lazyConnect: true,
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      connectTimeout: timeoutMs,
      commandTimeout: timeoutMs,
      retryStrategy: (attempt) => Math.min(attempt * 100, pauseMs),
    });
    redis.on('ready', () => this.#up());
    redis.on('error', (error) => this.#down(reasonOf(error)));
    redis.on('close', () => this.#down('the connection was closed'));
    this.#redis = redis;
    // The listeners handle the result.
    redis.connect().catch(() => undefined);
  }

  async call({ body }: OutgoingCall): Promise<Answer> {
    const { messageId, sentAt } = Entry.parse(JSON.parse(body));
    if (this.#now() - Date.parse(sentAt) >= lifeSeconds * 1000) return { result: 'delivered' };
    if (this.#redis?.status !== 'ready') return { result: 'postponed', reason: 'Redis is unavailable', retryAfterMs: pauseMs };
    try {
      await this.#redis.set(`sent_messages:${messageId}`, sentAt, 'EX', lifeSeconds);
      this.#up();
      return { result: 'delivered' };
    } catch (error) {
      const reason = reasonOf(error);
      this.#down(reason);
      return { result: 'postponed', reason, retryAfterMs: pauseMs };
    }
  }

  close(): void {
    // A deliberate close needs no log line.
    this.#log = undefined;
    this.#redis?.disconnect();
  }

  #up(): void {
    if (this.#isDown) this.#log?.info(this.#address, 'Redis is back; caching the waiting messages');
    this.#isDown = false;
  }

  #down(reason: string): void {
    if (!this.#isDown) this.#log?.warn({ ...this.#address, reason }, 'Redis is unavailable; sent messages are cached once it is back');
    this.#isDown = true;
  }

  get #address() {
    return { redis: `${this.#place.host}:${this.#place.port}` };
  }
}

/** Only the message: a refused command contains its words, and those of AUTH include the password. */
function reasonOf(error: unknown): string {
  // If a name has several addresses, each failed for its own reason.
  const cause: unknown = error instanceof AggregateError ? error.errors[0] : error;
  return cause instanceof Error ? cause.message : String(cause);
}

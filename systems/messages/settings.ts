import { type ConfigurationOf, durationUpTo, integerBetween, type Values } from '../../src/server/index.ts';
import type { RedisPlace } from './cache.ts';

/** Durations greater than zero. */
function positive({ accepts, read }: Values<number>): Values<number> {
  return { accepts: `${accepts}, not 0`, read: (text) => read(text) || undefined };
}

const url = (...protocols: readonly string[]): Values<string> => ({
  accepts: `a URL that begins with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  read(text) {
    const parsed = URL.parse(text);
    return parsed !== null && protocols.includes(parsed.protocol) && parsed.hostname !== '' ? text : undefined;
  },
});

const redisPath = /^\/?(?<db>\d{1,7})?$/;

/** A part that the client would ignore, such as a database named otherwise than by its number, is refused. */
const redisUrl: Values<string> = {
  accepts:
    'redis:// or rediss:// with a host, and at most a port, a user, a password, and a number as its database, such as redis://HOST:6379/0',
  read(text) {
    const accepted = url('redis:', 'rediss:').read(text);
    if (accepted === undefined) return undefined;
    const { port, pathname, search, hash } = new URL(accepted);
    return port !== '0' && redisPath.test(pathname) && search === '' && hash === '' ? accepted : undefined;
  },
};

const host: Values<string> = {
  accepts: 'a host name or an IP address',
  read: (text) => (/^[a-z0-9:][a-z0-9:._-]{0,252}$/i.test(text) ? text : undefined),
};

const headerValue: Values<string> = {
  accepts: 'printable ASCII, as in a header',
  read: (text) => (/^[!-~]([ -~]*[!-~])?$/.test(text) ? text : undefined),
};

const anyText: Values<string> = { accepts: 'any text', read: (text) => text };

/** Rows, batches and the provider, then Redis. */
export const settings = {
  interval: {
    variable: 'SCHEDULER_INTERVAL',
    meaning: 'time from the start of one batch to the start of the next',
    values: positive(durationUpTo('168h')),
    otherwise: '2m',
  },
  batchSize: {
    variable: 'MESSAGE_BATCH_SIZE',
    meaning: 'maximum messages in a batch',
    values: integerBetween(1, 10_000),
    otherwise: '2',
  },
  workers: {
    variable: 'MESSAGE_MAX_WORKERS',
    meaning: 'maximum messages sent at once',
    values: integerBetween(1, 1_000),
    otherwise: '2',
  },
  batchTimeout: {
    variable: 'SCHEDULER_BATCH_TIMEOUT',
    meaning: 'time limit for a batch; the next one takes the messages it did not begin',
    values: positive(durationUpTo('24h')),
    otherwise: '10s',
  },
  messageTimeout: {
    variable: 'MESSAGE_PER_MESSAGE_TIMEOUT',
    meaning: "time limit for the provider's answer",
    values: positive(durationUpTo('24h')),
    otherwise: '5s',
  },
  backoff: {
    variable: 'MESSAGE_RETRY_BACKOFF',
    meaning: 'the pause after the first failure; it doubles after each further one',
    values: durationUpTo('24h'),
    otherwise: '1s',
  },
  attempts: {
    variable: 'MESSAGE_MAX_ATTEMPTS',
    meaning: 'total attempts for a message; 1 means no retry',
    values: integerBetween(1, 1_000),
    otherwise: '3',
  },
  providerUrl: {
    variable: 'SMS_PROVIDER_URL',
    meaning: 'URL to POST messages to; without it they go to a sandbox',
    values: url('http:', 'https:'),
  },
  providerKey: {
    variable: 'SMS_PROVIDER_KEY',
    meaning: 'the key sent as x-ins-auth-key',
    values: headerValue,
    secret: true,
  },
  redisUrl: {
    variable: 'REDIS_URL',
    meaning: 'the Redis that records sent messages; without it and REDIS_HOST nothing is recorded',
    values: redisUrl,
    secret: true,
  },
  redisHost: { variable: 'REDIS_HOST', meaning: 'its host, instead of REDIS_URL', values: host },
  redisPort: { variable: 'REDIS_PORT', meaning: 'its port', values: integerBetween(1, 65_535), otherwise: '6379' },
  redisPassword: { variable: 'REDIS_PASSWORD', meaning: 'its password, unless REDIS_URL has one', values: anyText, secret: true },
  redisDb: {
    variable: 'REDIS_DB',
    meaning: 'the number of its database, unless REDIS_URL has one',
    values: integerBetween(0, 1_000_000),
    otherwise: '0',
  },
} as const;

export type MessagesConfiguration = ConfigurationOf<typeof settings>;

/** Returns the configured Redis; undefined if there is none. The other settings supply what the URL does not. */
export function redisPlace({ redisUrl, redisHost, redisPort, redisPassword, redisDb }: MessagesConfiguration): RedisPlace | undefined {
  if (redisUrl === undefined) {
    return redisHost === undefined ? undefined : { host: redisHost, port: redisPort, password: redisPassword, db: redisDb };
  }
  const { protocol, hostname, port, username, password, pathname } = new URL(redisUrl);
  const db = redisPath.exec(pathname)?.groups?.db;
  return {
    // An IPv6 address has brackets only in a URL.
    host: hostname.replace(/^\[|\]$/g, ''),
    port: port === '' ? redisPort : Number(port),
    username: username === '' ? undefined : decoded(username),
    password: password === '' ? redisPassword : decoded(password),
    db: db === undefined ? redisDb : Number(db),
    tls: protocol === 'rediss:',
  };
}

/** Decodes a part of a URL; one that is not percent-encoded stays unchanged. */
function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

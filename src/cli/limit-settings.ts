import { type Environment, readSettings, type Setting } from '../configuration/setting.ts';
import { durationBetween, integerBetween } from '../configuration/values.ts';
import { defaultLimits, type Limits, leastSends, limitsWith } from '../engine/limits.ts';
import { MillraceError } from '../errors.ts';
import { type HttpLimits, httpLimits, pathParameterLengthFor } from '../server/http-limits.ts';

const bytesMax = 100 * 1024 * 1024;

/** The engine's limits by the variables that set them: `MAX_` and the limit's name for counts, except for one that predates the rule. */
const engineSettings = {
  backlog: limit('backlog', 'QUEUE_SIZE', 100_000_000, 'maximum accepted events of a pipeline that wait; more are refused with 503'),
  sends: {
    variable: 'MAX_SENDS',
    meaning: 'unsettled events of a pipeline beyond which handlers that send to it wait',
    values: integerBetween(2, 500_000_000),
    unset: `${defaultLimits.sends}; five times the larger of QUEUE_SIZE and MAX_EFFECTS if either is set`,
  },
  effects: limit('effects', 'MAX_EFFECTS', 10_000_000, 'maximum sends, rows, timers and deliveries of one turn; more fail the turn'),
  deliveries: limit(
    'deliveries',
    'MAX_DELIVERIES',
    100_000_000,
    'deliveries of a pipeline without an outcome, beyond which its events are refused with 503',
  ),
  pendingPerKey: limit(
    'pendingPerKey',
    'MAX_PENDING_PER_KEY',
    100_000_000,
    'maximum events waiting for one key; more are refused with 503',
  ),
  held: limit(
    'held',
    'MAX_HELD',
    100_000_000,
    'unsettled events of a pipeline, beyond which events that would wait for their key are refused with 503',
  ),
  batch: limit('batch', 'MAX_BATCH', 100_000, 'events in one batch'),
  eventBytes: limit('eventBytes', 'MAX_EVENT_BYTES', bytesMax, 'bytes of one event; more are refused with 413'),
  keyLength: limit('keyLength', 'MAX_KEY_LENGTH', 1_000, 'characters of a key or an id'),
  validationMs: {
    variable: 'VALIDATION_TIMEOUT',
    meaning: 'time limit for the asynchronous schema of an event, after which the event is refused with 503',
    values: durationBetween('100ms', '24h'),
    otherwise: `${defaultLimits.validationMs / 1_000}s`,
  },
  warmKeys: limit('warmKeys', 'MAX_WARM_KEYS', 100_000_000, 'idle keys of a partition whose state stays in memory'),
  feed: limit('feed', 'MAX_FEED', 10_000_000, 'waiting events of a partition that stay in memory; the rest is read from the log'),
  commit: limit('commit', 'MAX_COMMIT', 100_000, 'turns in one commit'),
  reads: limit('reads', 'MAX_READS', 1_000_000, 'concurrent reads; more are refused with 503'),
  readTimeoutMs: {
    variable: 'READ_TIMEOUT',
    meaning: 'time limit for one read, after which it is cancelled with 503',
    values: durationBetween('10ms', '24h'),
    otherwise: `${defaultLimits.readTimeoutMs / 1_000}s`,
  },
  commandTimeoutMs: {
    variable: 'COMMAND_TIMEOUT',
    meaning: "time limit for another process of the fleet to carry out an operator's request; after that, 503",
    values: durationBetween('100ms', '24h'),
    otherwise: `${defaultLimits.commandTimeoutMs / 1_000}s`,
  },
  memoryBytes: limit(
    'memoryBytes',
    'MAX_MEMORY_BYTES',
    1024 * 1024 * 1024 * 1024,
    'bytes of memory for events and states; beyond that states are dropped, events are read from disk, and new ones are refused with 503',
  ),
} satisfies { readonly [Name in keyof Limits]: Setting<number> };

const httpSettings = {
  bodyBytes: {
    variable: 'MAX_BODY_BYTES',
    meaning: 'bytes of the body of a request; more are refused with 413',
    values: integerBetween(1, bytesMax),
    unset: `${httpLimits.bodyBytes}; MAX_EVENT_BYTES if larger`,
  },
  bodiesBytes: {
    variable: 'MAX_BODIES_BYTES',
    meaning: 'bytes of all arriving bodies, beyond which bodies are refused with 503',
    values: integerBetween(1, 1024 * 1024 * 1024 * 1024),
    otherwise: String(httpLimits.bodiesBytes),
  },
  answersBytes: {
    variable: 'MAX_ANSWERS_BYTES',
    meaning: 'bytes of all unread answers, beyond which slow readers are disconnected and further requests get 503',
    values: integerBetween(1, 1024 * 1024 * 1024 * 1024),
    otherwise: String(httpLimits.answersBytes),
  },
  answerTimeoutMs: {
    variable: 'ANSWER_TIMEOUT',
    meaning: 'time limit for a client to read an answer',
    values: durationBetween('1s', '24h'),
    otherwise: `${httpLimits.answerTimeoutMs / 1_000}s`,
  },
  connections: {
    variable: 'MAX_CONNECTIONS',
    meaning: 'open connections; more are closed at once',
    values: integerBetween(1, 1_000_000),
    otherwise: String(httpLimits.connections),
  },
  keepAliveTimeoutMs: {
    variable: 'KEEP_ALIVE_TIMEOUT',
    meaning: 'time limit for an idle connection between requests',
    values: durationBetween('1s', '24h'),
    otherwise: `${httpLimits.keepAliveTimeoutMs / 1_000}s`,
  },
  requestTimeoutMs: {
    variable: 'REQUEST_TIMEOUT',
    meaning: 'time limit for a request to arrive completely',
    values: durationBetween(`${httpLimits.headersTimeoutMs / 1_000}s`, '24h'),
    otherwise: `${httpLimits.requestTimeoutMs / 1_000}s`,
  },
} satisfies { readonly [Name in keyof HttpLimits]?: Setting<number> };

/** The configurable limits, by name: the engine's, then the HTTP server's. */
export const limitSettings = { ...engineSettings, ...httpSettings };

/**
 * Returns the engine's and the HTTP server's limits from the environment. A body has room for the largest event, and a path for the longest
 * key. Throws `MILL_INVALID_CONFIGURATION` for a value that is not accepted, and for a body limit below the event limit.
 */
export function readLimits(environment: Environment): { readonly limits: Limits; readonly http: HttpLimits } {
  const limits = engineLimits(environment);
  const { bodyBytes: chosenBytes, ...chosen } = readSettings(httpSettings, environment);
  if (chosenBytes !== undefined) checkEventFits(chosenBytes, limits.eventBytes, environment);
  const bodyBytes = chosenBytes ?? Math.max(httpLimits.bodyBytes, limits.eventBytes);
  return { limits, http: { ...httpLimits, ...chosen, bodyBytes, pathParameterLength: pathParameterLengthFor(limits.keyLength) } };
}

/** Names the variables, where `limitsWith` names the limits. */
function engineLimits(environment: Environment): Limits {
  const chosen = readSettings(engineSettings, environment);
  const least = leastSends(chosen);
  if (chosen.sends === undefined || chosen.sends >= least) return limitsWith(chosen);
  throw new MillraceError(
    'MILL_INVALID_CONFIGURATION',
    `${engineSettings.sends.variable}: expected at least ${least}, twice the larger of ${engineSettings.backlog.variable} and ` +
      `${engineSettings.effects.variable}, found ${chosen.sends}`,
  );
}

/** Nobody could send the largest event over HTTP. A default event limit makes no such promise. */
function checkEventFits(bodyBytes: number, eventBytes: number, environment: Environment): void {
  if (!environment[engineSettings.eventBytes.variable] || bodyBytes >= eventBytes) return;
  throw new MillraceError(
    'MILL_INVALID_CONFIGURATION',
    `${httpSettings.bodyBytes.variable}: expected at least the ${eventBytes} of ${engineSettings.eventBytes.variable}, found ${bodyBytes}`,
  );
}

function limit(name: keyof Limits, variable: string, max: number, meaning: string) {
  return { variable, meaning, values: integerBetween(1, max), otherwise: String(defaultLimits[name]) };
}

import type { Draw } from './draw.ts';
import { plainText } from './mark.ts';
import type { Route } from './routes.ts';

type Json = Readonly<Record<string, unknown>> | readonly unknown[];

/** The parts of a valid request to a route. */
export interface Sample {
  parameters?(draw: Draw): Readonly<Record<string, string>>;
  query?(draw: Draw): Readonly<Record<string, string>>;
  body?(draw: Draw): Json;
}

const page = (draw: Draw) => ({ limit: String(draw.integer(1, 100)) });
const window = (draw: Draw) => ({ window: draw.pick(['5m', '15m', '1h', '6h', '24h']) });
const sharedId = { parameters: (draw: Draw) => ({ id: draw.sharedUuid() }) };
/** A real pipeline would keep the real users waiting. */
const noPipeline = { parameters: (draw: Draw) => ({ pipeline: draw.pick(['gone', 'nobody']) }), query: () => ({ key: 'nobody' }) };
/** The body of operators' routes, with a reason. */
const why = { body: () => ({ reason: plainText }) };
const keyOfPipeline = {
  parameters: (draw: Draw) => ({ pipeline: draw.pick(Object.keys(events)), key: draw.pick([draw.sharedUuid(), accountId(draw), '1']) }),
};
const deliveryOfKey = {
  parameters: (draw: Draw) => ({
    pipeline: 'messages',
    key: draw.sharedUuid(),
    endpoint: draw.pick(['sms', 'gone']),
    id: draw.sharedUuid(),
  }),
};
/** The body of an operation on many dead letters that real users do not have. */
const letters = (draw: Draw) =>
  draw.chance(0.5)
    ? { ids: [draw.sharedUuid()], reason: plainText }
    : { filter: { pipeline: 'workers', kind: 'event', key: plainText }, dryRun: draw.chance(0.5), reason: plainText };
const account = { parameters: (draw: Draw) => ({ id: accountId(draw) }) };
const messageList = (draw: Draw) => ({
  ...page(draw),
  to: '+905551234567',
  from: '2022-02-02T19:39:05Z',
  until: '2099-02-02T19:39:05Z',
  ...(draw.chance(0.5) ? { page: '1' } : {}),
});

/** A valid request of every route of the OpenAPI document. */
export const samples: Readonly<Record<string, Sample>> = {
  'POST /messages': { body: rocketMessage },
  'GET /rockets': {
    query: (draw) => ({ ...page(draw), sort: draw.pick(['id', 'type', 'speed', 'mission', 'status']), order: draw.pick(['asc', 'desc']) }),
  },
  'GET /rockets/{id}': sharedId,
  'GET /rockets/{id}/history': { ...sharedId, query: page },
  'POST /events': { body: event },
  'GET /events': {
    query: (draw) => ({
      ...page(draw),
      type: draw.pick(['user_action', 'sensor_data', 'system_log']),
      source: draw.pick(['web', 'mobile', 'iot_device', 'system']),
      user_id: 'somebody',
      from: '2022-02-02T19:39:05Z',
      to: '2099-02-02T19:39:05Z',
    }),
  },
  'POST /events/batch': { body: (draw) => ({ events: several(draw, event) }) },
  'GET /events/{id}': sharedId,
  'POST /accounts': { body: (draw) => (draw.chance(0.6) ? accountUpdate(draw) : several(draw, accountUpdate)) },
  'GET /accounts': { query: (draw) => ({ ...page(draw), type: 'escrow', sort: draw.pick(['tokens', 'id', 'version']), order: 'asc' }) },
  'GET /accounts/highest': { query: page },
  'GET /accounts/{id}': account,
  'GET /accounts/{id}/updates': { ...account, query: page },
  'POST /messages/pending': { body: newMessage },
  'GET /messages/pending': { query: messageList },
  'GET /messages/sent': { query: messageList },
  'GET /messages/failed': { query: messageList },
  'GET /messages/{id}': sharedId,
  'POST /scheduler': { body: (draw) => ({ action: draw.chance(0.8) ? 'start' : 'stop' }) },
  'GET /scheduler': {},
  'POST /workers/messages': { body: speech },
  'GET /workers': { query: page },
  'GET /workers/{worker}': { parameters: (draw) => ({ worker: String(draw.integer(1, 5)) }) },
  'GET /health': {},
  'GET /ping': {},
  'GET /metrics': {},
  'GET /fleet': {},
  'GET /pipelines': { query: window },
  'GET /pipelines/{pipeline}': { parameters: (draw) => ({ pipeline: draw.pick(Object.keys(events)) }), query: window },
  'GET /engine': { query: window },
  'GET /concerns': {},
  'GET /access': {},
  'POST /pipelines/{pipeline}/events': { parameters: (draw) => ({ pipeline: draw.pick(Object.keys(events)) }) },
  'POST /pipelines/{pipeline}/events/batch': { parameters: (draw) => ({ pipeline: draw.pick(Object.keys(events)) }) },
  'GET /pipelines/{pipeline}/gaps': { parameters: (draw) => ({ pipeline: draw.pick(Object.keys(events)) }), query: page },
  'GET /pipelines/{pipeline}/keys': {
    parameters: (draw) => ({ pipeline: draw.pick(Object.keys(events)) }),
    query: (draw) => ({
      ...page(draw),
      ...(draw.chance(0.5) && { status: draw.pick(['open', 'waiting', 'blocked', 'parked']) }),
      ...(draw.chance(0.5) && { prefix: draw.pick(['a', '1', plainText, '%', '\u{10ffff}']) }),
    }),
  },
  'POST /pipelines/{pipeline}/keys/{key}/resume': { ...keyOfPipeline, ...why },
  // A real pipeline would keep the real users waiting.
  'POST /pipelines/{pipeline}/keys/{key}/park': { parameters: (draw) => ({ pipeline: 'gone', key: accountId(draw) }), ...why },
  'POST /pipelines/{pipeline}/keys/{key}/skip-gap': { parameters: (draw) => ({ pipeline: 'gone', key: accountId(draw) }), ...why },
  'GET /pipelines/{pipeline}/keys/{key}': keyOfPipeline,
  'GET /pipelines/{pipeline}/timers': {
    parameters: (draw) => ({ pipeline: draw.pick(Object.keys(events)) }),
    query: (draw) => ({ ...page(draw), prefix: draw.pick(['a', plainText]), before: '2099-02-02T19:39:05Z' }),
  },
  'GET /pipelines/{pipeline}/deliveries': {
    parameters: (draw) => ({ pipeline: draw.pick(Object.keys(events)) }),
    query: (draw) => ({ ...page(draw), endpoint: draw.pick(['sms', 'gone']), key: draw.sharedUuid() }),
  },
  'POST /pipelines/{pipeline}/keys/{key}/deliveries/{endpoint}/{id}/send': { ...deliveryOfKey, ...why },
  'POST /pipelines/{pipeline}/keys/{key}/deliveries/{endpoint}/{id}/withdraw': { ...deliveryOfKey, ...why },
  'GET /pipelines/{pipeline}/keys/{key}/timeline': {
    parameters: (draw) => ({ pipeline: draw.pick(Object.keys(events)), key: draw.pick([draw.sharedUuid(), accountId(draw), '1']) }),
    query: page,
  },
  'POST /pipelines/{pipeline}/deliveries/{endpoint}/withdraw': {
    parameters: (draw) => ({ pipeline: 'messages', endpoint: draw.pick(['sms', 'gone']) }),
    ...why,
  },
  'POST /pipelines/{pipeline}/pause': { ...noPipeline, ...why },
  'POST /pipelines/{pipeline}/resume': { parameters: (draw) => ({ pipeline: draw.pick(Object.keys(events)) }), ...why },
  'POST /pipelines/{pipeline}/events/discard': { ...noPipeline, ...why },
  'POST /pipelines/{pipeline}/dead-letters/discard': { ...noPipeline, ...why },
  'GET /pipelines/{pipeline}/schedule': { parameters: () => ({ pipeline: 'messages' }) },
  'POST /pipelines/{pipeline}/schedule': { parameters: () => ({ pipeline: 'messages' }), body: scheduleAction },
  'GET /schedules': { query: (draw) => ({ ...page(draw), ...(draw.chance(0.5) && { pipeline: draw.pick(['messages', 'gone']) }) }) },
  'GET /audit': { query: (draw) => ({ ...page(draw), pipeline: 'messages', key: draw.sharedUuid() }) },
  'GET /dead-letters': { query: (draw) => ({ ...page(draw), pipeline: 'messages', key: draw.sharedUuid() }) },
  'GET /dead-letters/groups': { query: (draw) => ({ ...page(draw), pipeline: 'messages' }) },
  'POST /dead-letters/redrive': { body: letters },
  'POST /dead-letters/discard': { body: letters },
  'GET /operations': { query: page },
  'GET /operations/{id}': sharedId,
  'POST /operations/{id}/undo': { ...sharedId, ...why },
  'POST /operations/{id}/stop': { ...sharedId, ...why },
  'GET /dead-letters/{id}': sharedId,
  'POST /dead-letters/{id}/redrive': { ...sharedId, ...why },
  'POST /dead-letters/{id}/discard': { ...sharedId, ...why },
};

const place = { row: '1', says: plainText, interval: 3, accumulated_time: 7, workers: 5 };

/** An event of each pipeline, for the generic routes. */
const events: Readonly<Record<string, (draw: Draw) => Json>> = {
  rockets: rocketMessage,
  events: event,
  accounts: accountUpdate,
  messages: (draw) => ({ kind: 'submitted', id: draw.uuid(), ...newMessage(draw), createdAt: '2026-11-21T10:00:00.000Z' }),
  workers: (draw) =>
    draw.chance(0.7)
      ? { act: 'speak', ...speech(draw), ...(draw.chance(0.3) ? { place } : {}) }
      : { act: 'hear', worker: 1, speaker: 2, message: plainText },
};

/** Returns the body of a valid request: for the generic routes it depends on the pipeline. */
export function bodyOf(route: Route, sample: Sample, { pipeline = '' }: Readonly<Record<string, string>>, draw: Draw): unknown {
  const make = events[pipeline];
  if (sample.body !== undefined || make === undefined) return sample.body?.(draw);
  if (route.name === 'POST /pipelines/{pipeline}/events') return make(draw);
  if (route.name === 'POST /pipelines/{pipeline}/events/batch') return { events: several(draw, make) };
  return undefined;
}

function several<T>(draw: Draw, make: (draw: Draw) => T): T[] {
  return Array.from({ length: draw.integer(1, 5) }, () => make(draw));
}

function rocketMessage(draw: Draw) {
  const metadata = {
    channel: draw.chance(0.9) ? draw.sharedUuid() : draw.uuid(),
    messageNumber: draw.integer(1, 200),
    messageTime: `${plainText}.86337+01:00`,
  };
  const [messageType, message] = draw.pick([
    ['RocketLaunched', { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' }],
    ['RocketSpeedIncreased', { by: 3000 }],
    ['RocketSpeedDecreased', { by: 0.5 }],
    ['RocketExploded', { reason: 'PRESSURE_VESSEL_FAILURE' }],
    ['RocketMissionChanged', { newMission: 'SHUTTLE_MIR' }],
  ] as const);
  return { metadata: { ...metadata, messageType }, message };
}

function event(draw: Draw) {
  const id = draw.chance(0.5) ? { id: draw.chance(0.2) ? draw.sharedUuid() : draw.uuid() } : {};
  const common = { ...id, source: draw.pick(['web', 'mobile', 'iot_device', 'system']), timestamp: `${plainText}Z`, user_id: 'u1' };
  return draw.chance(0.5)
    ? { ...common, type: 'user_action', data: { action: 'purchase', value: 9.5, metadata: { cart: ['a', { b: 1 }] } } }
    : { ...common, type: 'sensor_data', data: { temperature: 23.5, tags: ['x', 'y'], place: { lat: 1, lon: -2 } } };
}

function accountUpdate(draw: Draw) {
  return {
    id: accountId(draw),
    accountType: draw.pick(['escrow', 'mint', 'auction']),
    tokens: draw.integer(0, 1_000_000),
    callbackTimeMs: draw.integer(0, 1_000),
    data: { since: plainText, nested: { list: [1, 2, 3] } },
    version: draw.integer(0, 1_000),
  };
}

function accountId(draw: Draw): string {
  return `account-${draw.integer(0, 499)}`;
}

function newMessage(draw: Draw) {
  return {
    to: `+90555${draw.integer(1_000_000, 9_999_999)}`,
    content: draw.pick([plainText, `größer ✓ ${plainText}`, plainText.padEnd(255, 'x')]),
  };
}

function speech(draw: Draw) {
  return { worker: draw.integer(1, 5), message: `"Hello" ${plainText}`, destination_worker: draw.integer(1, 5) };
}

function scheduleAction(draw: Draw) {
  return draw.pick([{ action: 'start' }, { action: 'start' }, { action: 'stop' }, { action: 'pause', for: '50ms' }]);
}

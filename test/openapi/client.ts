/** Calls a server with a client that knows only its OpenAPI description. Prints the answers as JSON; compiled against the generated types. */
import createClient from 'openapi-fetch';
import type { paths } from './schema.js';

const [baseUrl = '', token = ''] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });

/** Returns the answer to a call. Throws if it was refused. */
function answerOf<T>({ data, error, response }: { readonly data?: T; readonly error?: unknown; readonly response: Response }): T {
  if (data === undefined) throw new Error(`${response.url} answered ${response.status}: ${JSON.stringify(error)}`);
  return data;
}

const rocket = { pipeline: 'rockets', key: '193270a9-c9cf-404a-8f83-838e71d9ae67' } as const;
const message = {
  metadata: { channel: rocket.key, messageNumber: 1, messageTime: '2022-02-02T19:39:05.863+01:00', messageType: 'RocketLaunched' },
  message: { type: 'Falcon-9', launchSpeed: 500, mission: 'ARTEMIS' },
} as const;
const accepted = answerOf(await client.POST('/pipelines/rockets/events', { body: message }));
const details = answerOf(await client.GET('/pipelines/rockets/keys/{key}', { params: { path: { key: rocket.key } } }));
const paused = answerOf(
  await client.POST('/pipelines/{pipeline}/pause', { params: { path: { pipeline: 'rockets' } }, body: { reason: 'a test' } }),
);
const { items: pipelines } = answerOf(await client.GET('/pipelines', {}));
const { items: schedules } = answerOf(await client.GET('/schedules', { params: { query: { limit: 5 } } }));
const { items: timeline } = answerOf(
  await client.GET('/pipelines/{pipeline}/keys/{key}/timeline', { params: { path: rocket, query: { limit: 10 } } }),
);
const dryRun = answerOf(await client.POST('/dead-letters/redrive', { body: { filter: { pipeline: 'rockets' }, dryRun: true } }));
const { error: refusal } = await client.GET('/dead-letters/{id}', { params: { path: { id: 'nobody' } } });

process.stdout.write(
  JSON.stringify({
    accepted: accepted.status,
    speed: details.state?.speed,
    paused: paused.paused,
    isPaused: pipelines.find(({ name }) => name === 'rockets')?.paused,
    schedules: schedules.map(({ pipeline, status }) => `${pipeline} ${status}`),
    timeline: timeline.map(({ kind }) => kind),
    matched: dryRun.matched,
    refusal: refusal?.code,
  }),
);

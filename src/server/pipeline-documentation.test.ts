import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { pino } from 'pino';
import * as z from 'zod';
import { pipeline } from '../pipeline/pipeline.ts';
import { serve, visits } from './fixture.test.ts';

const Operation = z.looseObject({ operationId: z.string().optional(), tags: z.array(z.string()), parameters: z.unknown().optional() });
const OpenApi = z.looseObject({
  paths: z.record(z.string(), z.record(z.string(), Operation)),
  components: z.looseObject({ schemas: z.record(z.string(), z.looseObject({})) }),
});

async function descriptionAt(url: string): Promise<z.infer<typeof OpenApi>> {
  return OpenApi.parse(await (await fetch(`${url}/openapi.json`)).json());
}

/** Returns the value under a path of names. */
function partOf(whole: unknown, ...names: readonly string[]): unknown {
  return names.reduce<unknown>((part, name) => Object(part)[name], whole);
}

const bodySchema = ['requestBody', 'content', 'application/json', 'schema'];

test('each pipeline has its own paths, under its system, with the schemas of its events and states', async (t) => {
  const { url } = await serve(t, { pipelines: [visits] });
  const { paths, components } = await descriptionAt(url);
  const events = paths['/pipelines/visits/events']?.post;
  assert.deepEqual([events?.operationId, events?.tags], ['visits.ingest', ['site']]);
  assert.deepEqual(
    JSON.stringify(events?.parameters).match(/"name":"[^"]+"/g),
    ['"name":"idempotency-key"'],
    'the pipeline is no parameter any more',
  );
  assert.deepEqual(partOf(events, ...bodySchema), { $ref: '#/components/schemas/visits.event' });
  const batch = paths['/pipelines/visits/events/batch']?.post;
  assert.deepEqual(partOf(batch, ...bodySchema, 'properties', 'events'), {
    type: 'array',
    minItems: 1,
    maxItems: 1_000,
    items: { $ref: '#/components/schemas/visits.event' },
  });
  const key = paths['/pipelines/visits/keys/{key}']?.get;
  assert.deepEqual(partOf(key, 'responses', '200', 'content', 'application/json', 'schema', 'properties', 'state', 'anyOf'), [
    { $ref: '#/components/schemas/visits.state' },
    { type: 'null' },
  ]);
  assert.deepEqual(components.schemas['visits.event'], {
    type: 'object',
    properties: { page: { type: 'string', minLength: 1 } },
    required: ['page'],
  });
  assert.deepEqual(partOf(components.schemas['visits.state'], 'required'), ['count']);
});

test('an idempotency key is a parameter only if no number identifies the events', async (t) => {
  const { url } = await serve(t);
  const { paths } = await descriptionAt(url);
  const hasKey = (path: string) => JSON.stringify(paths[path]?.post?.parameters ?? []).includes('"idempotency-key"');
  assert.deepEqual([hasKey('/pipelines/visits/events'), hasKey('/pipelines/numbered/events')], [true, false]);
});

test('operation ids are unique, and a pipeline without a schedule has no schedule routes', async (t) => {
  const scheduled = pipeline('scheduled', { event: z.object({}), schedule: { every: '1h', source: async () => [] }, handle() {} });
  const { url } = await serve(t, { pipelines: [visits, scheduled] });
  const { paths } = await descriptionAt(url);
  const ids = Object.values(paths).flatMap((item) => Object.values(item).flatMap(({ operationId }) => operationId ?? []));
  const own = (name: string) => [`${name}.ingest`, `${name}.ingestBatch`, `${name}.getKey`];
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(
    ids.filter((id) => id.includes('.')).toSorted(),
    [...own('scheduled'), 'scheduled.getSchedule', 'scheduled.setSchedule', ...own('visits')].toSorted(),
  );
});

test('schemas that refer to themselves or to definitions become components', async (t) => {
  const Place = z.object({ city: z.string() }).meta({ id: 'a place' });
  const Tree = z.object({
    place: Place,
    from: Place,
    get branches() {
      return z.array(Tree);
    },
  });
  const { url } = await serve(t, { pipelines: [pipeline('trees', { event: Tree, handle() {} })] });
  const document = await descriptionAt(url);
  assert.deepEqual(Object.keys(document.components.schemas).toSorted(), ['Problem', 'trees.event', 'trees.event.a_place']);
  const references = new Set(JSON.stringify(document).match(/(?<="\$ref":")[^"]+/g));
  assert.ok(references.has('#/components/schemas/trees.event') && references.has('#/components/schemas/trees.event.a_place'));
  for (const reference of references) assert.ok(partOf(document, ...reference.slice(2).split('/')) !== undefined, reference);
});

test('a schema that JSON Schema cannot describe takes any value; one whose library throws does too, and the log says why', async (t) => {
  const silent = { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } as const;
  const fail = (): never => {
    throw new Error('no such thing in JSON Schema');
  };
  const throwing = { '~standard': { ...silent['~standard'], jsonSchema: { input: fail, output: fail } } };
  const lines: string[] = [];
  const log = pino(
    new Writable({
      write(line, _encoding, done) {
        lines.push(String(line));
        done();
      },
    }),
  );
  const handle = () => undefined;
  const { url } = await serve(t, {
    pipelines: [pipeline('silent', { event: silent, handle }), pipeline('throwing', { event: throwing, handle })],
    log,
  });
  const { components } = await descriptionAt(url);
  assert.deepEqual([components.schemas['silent.event'], components.schemas['throwing.event']], [{}, {}]);
  const logged = lines.map((line) => JSON.parse(line)).filter(({ schema }) => schema === 'throwing.event');
  assert.equal(logged.length, 1);
  assert.match(logged[0].reason, /no such thing in JSON Schema/);
  assert.match(logged[0].stack, /pipeline-documentation\.test\.ts:97/);
});

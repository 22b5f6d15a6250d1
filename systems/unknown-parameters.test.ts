import assert from 'node:assert/strict';
import test from 'node:test';
import * as z from 'zod';
import { serveAll } from './all.fixture.test.ts';

const Described = z.object({ paths: z.record(z.string(), z.record(z.string(), z.looseObject({ tags: z.array(z.string()) }))) });
const Refused = z.object({ detail: z.string() });

test('every route of every system refuses an unknown parameter', async (t) => {
  const { url, systems } = await serveAll(t);
  const { paths } = Described.parse(await (await fetch(`${url}/openapi.json`)).json());
  const names = systems.map(({ name }) => name);
  const routes = Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, { tags }]) => (tags.some((tag) => names.includes(tag)) ? [{ method, path }] : [])),
  );
  assert.ok(routes.length >= 20);
  for (const { method, path } of routes) {
    const place = path.replaceAll(/\{.+?\}/g, '1');
    const response = await fetch(`${url}${place}?limmit=1`, { method: method.toUpperCase(), body: method === 'post' ? '{}' : null });
    const { detail } = Refused.parse(await response.json());
    assert.match(`${response.status} ${detail}`, /^400 query: limmit: no such parameter; /, `${method} ${path}`);
  }
});

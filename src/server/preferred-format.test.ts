import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preferredFormat } from './preferred-format.ts';

const prometheus2 = 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
const prometheus3 =
  'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;q=0.7,text/plain;version=0.0.4;q=0.4,*/*;q=0.1';
const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8';

const expected: readonly (readonly [accept: string | undefined, format: 'json' | 'prometheus'])[] = [
  [undefined, 'json'],
  ['', 'json'],
  ['*/*', 'json'],
  ['application/json', 'json'],
  ['application/*', 'json'],
  [browser, 'json'],
  ['image/png', 'json'],
  ['text/plain', 'prometheus'],
  ['TEXT/PLAIN; version=0.0.4', 'prometheus'],
  ['text/*', 'prometheus'],
  ['application/openmetrics-text', 'prometheus'],
  ['application/openmetrics-text; version=1.0.0, */*;q=0.1', 'prometheus'],
  [prometheus2, 'prometheus'],
  [prometheus3, 'prometheus'],
  ['text/plain, application/json', 'json'],
  ['text/plain;q=0.5, application/json', 'json'],
  ['text/plain, application/json;q=0.9', 'prometheus'],
  ['text/plain;q=0, */*', 'json'],
  ['text/plain;q=oops', 'json'],
];

test('metrics have the format that the client prefers, and JSON in case of doubt', () => {
  for (const [accept, format] of expected) assert.equal(preferredFormat(accept), format, accept ?? 'no header');
});

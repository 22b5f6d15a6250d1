import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { inexactNumbersOf } from '../pipeline/inexact-numbers.ts';
import type { InletRecord } from '../pipeline/inlet.ts';
import { decoderOf, type ValueOptions } from './values.ts';

type Headers = Readonly<Record<string, string>>;

function record(
  value: string | Uint8Array | null,
  { key = null, headers = {} }: { readonly key?: string | null; readonly headers?: Headers } = {},
): InletRecord {
  return {
    offset: 0,
    timestamp: 0,
    key: key === null ? null : Buffer.from(key),
    value: typeof value === 'string' ? Buffer.from(value) : value,
    headers: Object.entries(headers).map(([name, text]) => ({ name, value: Buffer.from(text) })),
  };
}

function decoded(options: ValueOptions, ...words: Parameters<typeof record>) {
  return decoderOf(options)(record(...words));
}

function refuses(options: ValueOptions, reason: RegExp, ...words: Parameters<typeof record>): void {
  assert.throws(() => decoded(options, ...words), { code: 'MILL_INVALID_EVENT', message: reason });
}

describe('values of records', () => {
  test('JSON is one event, whatever its kind', () => {
    assert.deepEqual(decoded({}, '{"n":1}'), [{ event: { n: 1 } }]);
    assert.deepEqual(decoded({}, ' [1, 2] '), [{ event: [1, 2] }]);
    assert.deepEqual(decoded({}, 'null'), [{ event: null }]);
  });

  test('a value that is not JSON, or not UTF-8, is refused, and the reason quotes it', () => {
    for (const text of ['no JSON', '{', '{"n":1}{"n":2}', "{'n':1}", '"\u0001"', '\ufeff']) refuses({}, /^expected JSON, found: /, text);
    refuses({}, /^expected UTF-8, found other bytes/, Uint8Array.of(0x22, 0xff, 0x22));
  });

  test('the engine knows the numbers that JavaScript rounds, even in an event that received a key', () => {
    const [found] = decoded({ key: 'name' }, '{"n":12345678901234567890}', { key: 'a' });
    assert.equal(Object(found?.event).name, 'a');
    assert.equal(inexactNumbersOf(found?.event).issueCount, 1);
  });

  test('a record without a value is refused or skipped', () => {
    for (const value of [null, '']) {
      refuses({}, /tombstone/, value);
      assert.deepEqual(decoded({ tombstones: 'skip' }, value), []);
      assert.deepEqual(decoded({ tombstones: 'skip', value: 'cloudevents' }, value), []);
    }
  });

  test('each element of an array is an event, and an empty array has none', () => {
    assert.deepEqual(decoded({ value: 'json-array' }, '[{"n":1},2]'), [{ event: { n: 1 } }, { event: 2 }]);
    assert.deepEqual(decoded({ value: 'json-array' }, '[]'), []);
    refuses({ value: 'json-array' }, /^expected a JSON array, found another value/, '{"n":1}');
  });

  test('events without a key property receive the key, and all events receive the headers', () => {
    const options: ValueOptions = { key: 'name', headers: 'with' };
    const more = { key: 'a', headers: { source: 'test', é: 'ü' } };
    assert.deepEqual(decoded(options, '{"n":1}', more), [{ event: { n: 1, name: 'a', with: { source: 'test', é: 'ü' } } }]);
    assert.deepEqual(decoded({ key: 'name' }, '{"name":null}', more), [{ event: { name: null } }]);
    assert.deepEqual(decoded({ key: 'name' }, '{"n":1}'), [{ event: { n: 1 } }], 'a record without a key adds none');
    assert.deepEqual(decoded({ key: 'name' }, '[1]', more), [{ event: [1] }], 'an array takes none');
    assert.deepEqual(decoded({ value: 'json-array', key: 'name' }, '[{},7]', more), [{ event: { name: 'a' } }, { event: 7 }]);
  });

  test('a key property named __proto__ is a property, not a prototype', () => {
    const [found] = decoded({ key: '__proto__' }, '{}', { key: 'a' });
    assert.deepEqual(Object.entries(Object(found?.event)), [['__proto__', 'a']]);
    assert.equal(Object.getPrototypeOf(found?.event), Object.prototype);
  });

  test('a key that is not UTF-8 is refused if the event is to receive it', () => {
    const bytes: InletRecord = { ...record('{}'), key: Uint8Array.of(0xff) };
    assert.throws(() => decoderOf({ key: 'name' })(bytes), { code: 'MILL_INVALID_EVENT' });
    assert.deepEqual(decoderOf({})(bytes), [{ event: {} }]);
  });

  test('the traceparent of the headers applies to all events without their own', () => {
    const headers = { Traceparent: '00-1' };
    assert.deepEqual(decoded({ value: 'json-array' }, '[1,2]', { headers }), [
      { traceparent: '00-1', event: 1 },
      { traceparent: '00-1', event: 2 },
    ]);
    const decode = () => [{ event: 1, traceparent: '00-2' }, { event: 2 }];
    const undecided = () => [{ event: 1, traceparent: undefined }];
    assert.deepEqual(decoded({ decode: undecided }, '', { headers }), [{ event: 1, traceparent: '00-1' }]);
    assert.deepEqual(decoded({ decode }, '', { headers }), [
      { traceparent: '00-2', event: 1 },
      { traceparent: '00-1', event: 2 },
    ]);
  });

  test('decode() replaces all of this, even for a record without a value', () => {
    const decode = ({ value, key }: InletRecord) => (value === null ? [] : [{ event: value.length, id: String(key) }]);
    assert.deepEqual(decoded({ decode, tombstones: 'reject' }, null), []);
    assert.deepEqual(decoded({ decode, value: 'json-array' }, Uint8Array.of(0xff), { key: 'a' }), [{ event: 1, id: 'a' }]);
  });
});

describe('CloudEvents', () => {
  const options: ValueOptions = { value: 'cloudevents' };
  const attributes = { specversion: '1.0', id: '1', source: '/test', type: 'tried' };
  const inHeaders = (more: Headers = {}, prefix = 'ce_') => ({
    headers: { ...Object.fromEntries(Object.entries(attributes).map(([name, value]) => [prefix + name, value])), ...more },
  });
  const structured = { headers: { 'content-type': 'application/cloudevents+json; charset=UTF-8' } };
  const batched = { headers: { 'content-type': 'application/cloudevents-batch+json' } };

  /** The only event, without its undefined properties. */
  function eventOf(...words: Parameters<typeof record>): unknown {
    const [found, ...others] = decoded(options, ...words);
    assert.deepEqual(others, []);
    return found?.event;
  }

  test('structured: the record is the event, whatever the case of the content type', () => {
    const event = { ...attributes, data: { n: 1 }, more: 'extension' };
    assert.deepEqual(eventOf(JSON.stringify(event), structured), event);
    assert.deepEqual(eventOf(JSON.stringify(event), { headers: { 'Content-Type': 'Application/CloudEvents+JSON' } }), event);
  });

  test('batched: each element is an event, and an empty batch has none', () => {
    const events = ['1', '2'].map((id) => ({ ...attributes, id }));
    assert.deepEqual(
      decoded(options, JSON.stringify(events), batched).map(({ event }) => event),
      events,
    );
    assert.deepEqual(decoded(options, '[]', batched), []);
  });

  test('binary: headers are the attributes, and the content type decides what the data is', () => {
    const json = { ...attributes, datacontenttype: 'application/vnd.test+json; charset=utf-8', data: { n: 1 } };
    assert.deepEqual(eventOf('{"n":1}', inHeaders({ 'content-type': json.datacontenttype })), json);
    assert.deepEqual(eventOf('{"n":1}', inHeaders()), { ...attributes, data: { n: 1 } }, 'without a content type it is JSON');
    const text = { ...attributes, datacontenttype: 'text/plain', data: '{"n":1}' };
    assert.deepEqual(eventOf('{"n":1}', inHeaders({ 'content-type': 'text/plain' })), text);
    const bytes = { ...attributes, datacontenttype: 'image/png', data_base64: '/w==' };
    assert.deepEqual(eventOf(Uint8Array.of(0xff), inHeaders({ 'content-type': 'image/png' })), bytes);
  });

  test('binary: headers with a dash, in any case, are attributes; other headers are not', () => {
    const headers = {
      'CE-ID': '1',
      'Ce-Source': '/test',
      'ce-type': 'tried',
      'ce-specversion': '1.0',
      ce_more: 'é',
      'ce_not-one': 'x',
      other: 'y',
    };
    assert.deepEqual(eventOf('1', { headers }), { ...attributes, more: 'é', data: 1 });
  });

  test('binary: an event without a value has no data, and is not a tombstone', () => {
    for (const value of [null, '']) assert.deepEqual(eventOf(value, inHeaders()), attributes);
    assert.deepEqual(eventOf(null, inHeaders({}, 'ce-')), attributes);
  });

  test('the attribute traceparent takes precedence over the header', () => {
    const event = { ...attributes, traceparent: '00-1' };
    const [found] = decoded(options, JSON.stringify(event), { headers: { ...structured.headers, traceparent: '00-2' } });
    assert.equal(found?.traceparent, '00-1');
    const [other] = decoded(options, '1', inHeaders({ traceparent: '00-2' }));
    assert.equal(other?.traceparent, '00-2');
  });

  test('an event is refused by the name of an attribute that is missing, empty or of the wrong kind', () => {
    for (const name of Object.keys(attributes)) {
      const { [name]: _, ...others } = attributes as Headers;
      const missing = new RegExp(`^expected a CloudEvent, found none of its attributes ${name}`);
      refuses(options, missing, JSON.stringify(others), structured);
      for (const value of ['', 1, null, {}]) refuses(options, missing, JSON.stringify({ ...others, [name]: value }), structured);
      refuses(options, missing, JSON.stringify([others]), batched);
    }
    refuses(options, /attributes id, source, type/, '1', { headers: { ce_specversion: '1.0' } });
    refuses(options, /attributes id, source, specversion, type/, '{"n":1}');
  });

  test('other versions are refused, and so are values that do not fit their form', () => {
    refuses(options, /version 1\.0, found version 0\.3/, JSON.stringify({ ...attributes, specversion: '0.3' }), structured);
    for (const text of ['null', '7', '"text"']) refuses(options, /^expected a CloudEvent, an object/, text, structured);
    refuses(options, /found none of its attributes/, '[]', structured);
    refuses(options, /^expected a batch of CloudEvents/, '{}', batched);
    refuses(options, /^expected a CloudEvent, an object/, '[null]', batched);
    refuses(options, /^expected JSON/, 'no JSON', structured);
    refuses(options, /^expected JSON/, 'no JSON', inHeaders({ 'content-type': 'application/json' }));
    refuses(options, /^expected UTF-8/, Uint8Array.of(0xff), inHeaders({ 'content-type': 'text/plain' }));
  });
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { checkout, Program, temporaryFolder } from '../program.ts';

const read = (file: string) => readFileSync(join(checkout, file), 'utf8');

test('compose.yaml follows the Compose specification, and the files that it mounts exist', () => {
  const compose = parse(read('compose.yaml'));
  const { $schema: _, ...schema } = JSON.parse(read('test/containers/compose-spec.json'));
  const ajv = new Ajv({ strict: false, validateFormats: false });
  const isValid = ajv.validate(schema, compose);
  assert.equal(isValid, true, JSON.stringify(ajv.errors));
  assert.equal(ajv.validate(schema, { services: { millrace: { prots: [] } } }), false);
  const services: readonly { readonly volumes?: readonly string[] }[] = Object.values(compose.services);
  for (const volume of services.flatMap(({ volumes = [] }) => volumes)) {
    const [from = ''] = volume.split(':');
    assert.ok(from.startsWith('./') ? existsSync(join(checkout, from)) : from in compose.volumes, volume);
  }
});

test('the settings used by the containers are Millrace’s settings', () => {
  const known = new Set(Array.from(read('.env.example').matchAll(/^# ([A-Z_]+)=/gm), ([, name]) => name));
  const image = /^ENV (.*)$/gm.exec(read('Dockerfile').slice(read('Dockerfile').lastIndexOf('FROM')))?.[1] ?? '';
  const set = [
    ...Object.keys(parse(read('compose.yaml')).services.millrace.environment),
    ...Array.from(image.matchAll(/(\w+)=/g), ([, name]) => name),
  ];
  assert.deepEqual(
    set.filter((name) => name !== 'NODE_ENV' && !known.has(name)),
    [],
  );
});

test('the broker in compose.yaml can feed each system that reads events from a topic', () => {
  const { millrace, kafka } = parse(read('compose.yaml')).services;
  const fed = Array.from(read('.env.example').matchAll(/^# ([A-Z_]+_KAFKA)=/gm), ([, name = '']) => name);
  assert.ok(fed.length > 1);
  for (const name of fed) assert.equal(millrace.environment[name], `\${${name}:-}`);
  assert.match(kafka.environment.KAFKA_ADVERTISED_LISTENERS, /^PLAINTEXT:\/\/kafka:9092$/);
});

test('every metric used by the dashboard and the alerts exists on a server', async (context) => {
  const server = new Program(context, ['serve', 'rockets', '--port', '0', '--database', 'memory:'], { folder: temporaryFolder(context) });
  const metrics = await (await fetch(`${await server.listening()}/metrics?format=prometheus`)).text();
  const types = new Map(Array.from(metrics.matchAll(/^# TYPE (\S+) (\S+)$/gm), ([, name = '', type]) => [name, type]));
  const nameOf = (series: string) => {
    const base = series.replace(/_(?:bucket|sum|count)$/, '');
    return types.get(base) === 'histogram' ? base : series;
  };
  const named = ['deploy/alerts.yml', 'deploy/grafana/dashboards/millrace.json'].flatMap((file) =>
    Array.from(read(file).matchAll(/\b(?:millrace|nodejs|process)_\w+/g), ([series]) => series),
  );
  assert.ok(new Set(named).size > 15);
  assert.deepEqual(
    named.filter((series) => !types.has(nameOf(series))),
    [],
  );
  await server.kill('SIGTERM');
});

const promtool = spawnSync('promtool', ['--version']).error === undefined || process.env.TEST_SERVERS === 'required';

test('promtool accepts the Prometheus configuration and the alerts', { skip: promtool ? false : 'there is no promtool here' }, () => {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'config', join(checkout, 'deploy/prometheus.yml')], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, /alerts\.yml\n\s+SUCCESS: \d+ rules found/);
});

test('the seed command inserts messages, which are then sent', async (context) => {
  const folder = temporaryFolder(context);
  const environment = { SCHEDULER_INTERVAL: '100ms', MESSAGE_BATCH_SIZE: '10' };
  const server = new Program(context, ['serve', 'messages', '--port', '0', '--database', 'memory:'], { folder, environment });
  const url = await server.listening();
  const seed = spawnSync(process.execPath, [join(checkout, 'deploy/seed-messages.js'), url, '3'], { encoding: 'utf8' });
  assert.deepEqual([seed.status, seed.stderr], [0, '']);
  while (Object(await (await fetch(`${url}/messages/sent`)).json()).total < 3);
  await server.kill('SIGTERM');
});

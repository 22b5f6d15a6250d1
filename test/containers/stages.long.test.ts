import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { freePort } from '../free-port.ts';
import { checkout } from '../program.ts';
import { stagesOf } from './dockerfile.ts';
import { cannotMakeImages, Image } from './image.ts';

/** The time limit of `docker stop`. */
const stopMaxMs = 10_000;

describe('the Dockerfile, with its commands run in separate roots', { skip: cannotMakeImages() }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-image-'));
  const images = new Map<string, Image>();
  after(() => rmSync(folder, { recursive: true, force: true }));
  const cache = execFileSync('npm', ['config', 'get', 'cache'], { encoding: 'utf8' }).trim();

  for (const [at, stage] of stagesOf(readFileSync(join(checkout, 'Dockerfile'), 'utf8')).entries()) {
    test(`the stage ${stage.name || 'that is published'} builds`, () => {
      const image = new Image(join(folder, String(at)), images, cache);
      images.set(stage.name, image);
      image.build(stage);
    });
  }

  test('the image has the clients of all databases, no compiler, no tests and no sources', () => {
    const root = join(folder, '2/app');
    for (const name of ['pg', 'mysql2', 'fastify', '@platformatic/kafka']) assert.ok(existsSync(join(root, 'node_modules', name)), name);
    for (const name of ['node_modules/typescript', 'node_modules/vite', 'src', 'test']) assert.ok(!existsSync(join(root, name)), name);
  });

  test('as PID 1 and without privileges it serves, is healthy, leaves no zombie, and ends on SIGTERM in time', async (context) => {
    const port = await freePort();
    const image = images.get('');
    assert.ok(image);
    const outer = image.start({ PORT: String(port), ACCESS: 'open' });
    context.after(() => outer.kill('SIGKILL'));
    let printed = '';
    const ready = Promise.withResolvers<void>();
    for (const output of [outer.stdout, outer.stderr]) {
      output.setEncoding('utf8').on('data', (text: string) => {
        printed += text;
        if (printed.includes('listening on')) ready.resolve();
      });
    }
    outer.once('exit', (code) => ready.reject(new Error(`it ended with ${code}: ${printed}`)));
    await ready.promise;
    const url = `http://127.0.0.1:${port}`;
    assert.deepEqual(await (await fetch(`${url}/ping`)).json(), { pong: true });
    const [, script = ''] = /<script[^>]* src="(\/page\/[^"]+\.js)"/.exec(await (await fetch(url)).text()) ?? [];
    assert.equal((await fetch(url + script)).headers.get('content-type'), 'text/javascript; charset=utf-8');

    const pid = Number(readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, 'utf8').trim());
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    assert.match(status, /^NSpid:\s+\d+\s+1$/m);
    assert.match(status, /^Uid:\s+1000\s+1000/m);
    const { rest = '' } =
      stagesOf(readFileSync(join(checkout, 'Dockerfile'), 'utf8'))
        .at(-1)
        ?.instructions.find(({ name }) => name === 'HEALTHCHECK') ?? {};
    const health: readonly string[] = JSON.parse(/CMD (\[.*\])/.exec(rest)?.[1] ?? '[]');
    // Works like `docker exec`: another process in the same namespace. It throws unless the exit code is 0.
    const enter = ['--target', String(pid), '--pid', '--mount', '--root', '--', '/opt/node/node', ...health.slice(1)];
    execFileSync('nsenter', enter, { env: { PORT: String(port) } });
    assert.deepEqual(zombiesIn(readlinkSync(`/proc/${pid}/ns/pid`)), []);

    const from = performance.now();
    process.kill(pid, 'SIGTERM');
    const [code] = await once(outer, 'exit');
    assert.equal(code, 0, printed);
    assert.ok(performance.now() - from < stopMaxMs);
    assert.equal(existsSync(`/proc/${pid}`), false);
  });
});

/** Returns the namespace's zombies: ended processes that nobody has reaped. */
function zombiesIn(namespace: string): readonly string[] {
  return readdirSync('/proc').filter((pid) => {
    try {
      return (
        /^\d+$/.test(pid) &&
        readlinkSync(`/proc/${pid}/ns/pid`) === namespace &&
        /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
      );
    } catch {
      // The process has ended in the meantime.
      return false;
    }
  });
}

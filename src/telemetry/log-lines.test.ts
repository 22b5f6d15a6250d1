import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { LogLines } from './log-lines.ts';

/** A named pipe that the test fills and empties. */
class Pipe {
  readonly #path: string;
  readonly #open = new Set<number>();
  readonly writer: number;
  #reader: number;

  constructor(context: TestContext) {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
    context.after(() => {
      for (const fd of this.#open) closeSync(fd);
      rmSync(folder, { recursive: true });
    });
    this.#path = join(folder, 'pipe');
    execFileSync('mkfifo', [this.#path]);
    this.#reader = this.#opened(constants.O_RDONLY);
    this.writer = this.#opened(constants.O_WRONLY);
  }

  /** Returns everything in it. */
  read(): string {
    const chunk = Buffer.alloc(1024 * 1024);
    let text = '';
    try {
      for (let bytes = readSync(this.#reader, chunk); bytes > 0; bytes = readSync(this.#reader, chunk)) {
        text += chunk.toString('utf8', 0, bytes);
      }
    } catch (error) {
      assert.equal(Object(error).code, 'EAGAIN');
    }
    return text;
  }

  /** Stops reading; the contents are lost. */
  leave(): void {
    closeSync(this.#reader);
    this.#open.delete(this.#reader);
  }

  /** Starts reading again. */
  enter(): void {
    this.#reader = this.#opened(constants.O_RDONLY);
  }

  #opened(flag: number): number {
    const fd = openSync(this.#path, flag | constants.O_NONBLOCK);
    this.#open.add(fd);
    return fd;
  }
}

/** Lines written to a descriptor, with the number of dropped ones and the reports about them. */
function linesTo(fd: number, bytesMax?: number) {
  const told: number[] = [];
  let dropped = 0;
  let heard = Promise.withResolvers<number>();
  const lines = new LogLines(fd, {
    dropped: () => {
      dropped += 1;
    },
    flowing: (count) => {
      told.push(count);
      heard.resolve(count);
      heard = Promise.withResolvers();
    },
    ...(bytesMax !== undefined && { bytesMax }),
  });
  return { lines, told, flowing: () => heard.promise, dropped: () => dropped };
}

const line = (n: number) => `${n} ${'ü'.repeat(400)}\n`;

test('a line is in the pipe when write returns', (context) => {
  const pipe = new Pipe(context);
  const { lines } = linesTo(pipe.writer);
  lines.write('one\n');
  assert.equal(pipe.read(), 'one\n');
});

test('without a reader, lines wait up to the limit, further ones are dropped and reported once, and none is cut or misplaced', async (context) => {
  const pipe = new Pipe(context);
  const { lines, told, flowing, dropped } = linesTo(pipe.writer, 100_000);
  for (let n = 0; n < 1_000; n += 1) lines.write(line(n));
  assert.ok(dropped() > 500, String(dropped()));
  const flows = flowing();
  let read = pipe.read();
  while (told.length === 0) {
    await Promise.race([flows, new Promise(setImmediate)]);
    read += pipe.read();
  }
  const kept = 1_000 - dropped();
  assert.ok(kept * 800 > 100_000 + 60_000, 'the pipe holds some, and memory as much as the bound');
  assert.equal(read, Array.from({ length: kept }, (_, n) => line(n)).join(''));
  assert.deepEqual(told, [dropped()]);
  lines.write('after\n');
  assert.equal(pipe.read(), 'after\n');
});

test('a line that lost its end is followed by a line break, and later lines reach the next reader', async (context) => {
  const pipe = new Pipe(context);
  const { lines, flowing, dropped } = linesTo(pipe.writer);
  const long = 'x'.repeat(200_000);
  lines.write(`${long}\n`);
  lines.write('lost\n');
  const read = pipe.read();
  assert.ok(read.length > 0 && read.length < long.length);
  pipe.leave();
  lines.flush(1_000);
  assert.equal(dropped(), 2);
  lines.write('lost too\n');
  pipe.enter();
  const flows = flowing();
  lines.write('{"level":"info"}\n');
  assert.equal(pipe.read(), '\n{"level":"info"}\n');
  assert.equal(await flows, 3);
});

test('at the end of a process waiting lines are written as soon as somebody reads, but only within a time limit', (context) => {
  const pipe = new Pipe(context);
  const { lines } = linesTo(pipe.writer);
  const text = 'x'.repeat(100_000);
  lines.write(`${text}\n`);
  const from = performance.now();
  lines.flush(50);
  assert.ok(performance.now() - from < 2_000);
  const read = pipe.read();
  lines.flush(1_000);
  assert.equal(read + pipe.read(), `${text}\n`);
});

test('a full disk drops lines and stops nobody', { skip: process.platform !== 'linux' }, () => {
  const fd = openSync('/dev/full', 'w');
  const { lines, dropped, told } = linesTo(fd);
  for (let n = 0; n < 3; n += 1) lines.write(line(n));
  closeSync(fd);
  assert.deepEqual([dropped(), told], [3, []]);
});

test('a file has every line', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'log');
  writeFileSync(path, '');
  const fd = openSync(path, 'a');
  const { lines, dropped } = linesTo(fd);
  for (let n = 0; n < 1_000; n += 1) lines.write(line(n));
  closeSync(fd);
  assert.equal(dropped(), 0);
  assert.equal(readFileSync(path, 'utf8').split('\n').length, 1_001);
});

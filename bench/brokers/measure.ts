import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Rooms } from '../measures/rooms.ts';
import type { Cleanup } from '../servers/cleanup.ts';
import type { HostAnswer, HostMessage, HostRequest, Reading } from './host.ts';
import type { ReaderDescription } from './readers.ts';
import type { FilledTopic } from './topics.ts';

/** The result of one reader in one run. */
export interface ReadingResult extends Pick<HostAnswer, 'verdict' | 'miscounted'> {
  readonly run: number;
  readonly reader: string;
  readonly events: number;
  /** Events per second, from the topic to the committed state. */
  readonly rate: number;
  /** Processor time of an event: in the reader's process, and in its Postgres. In microseconds. */
  readonly ownCpuUs: number;
  readonly serverCpuUs: number;
}

export interface MeasureMeans {
  readonly rooms: Rooms;
  readonly cleanup: Cleanup;
  readonly brokers: string;
  readonly partitions: number;
  /** The topics for the warm-up and for the measurement. */
  readonly topics: readonly [FilledTopic, FilledTopic];
}

const program = fileURLToPath(new URL('host.ts', import.meta.url));

/** Lets a reader read a topic from its beginning, in a warm process of its own. */
export async function measureReading(
  run: number,
  { name, database: kind }: ReaderDescription,
  { rooms, cleanup, brokers, partitions, topics }: MeasureMeans,
): Promise<ReadingResult> {
  const server = kind === 'postgres' ? 'postgres' : 'none';
  const entered = [await rooms.enter({ name, server }), await rooms.enter({ name, server })];
  try {
    const readings = topics.map(({ topic, events }, at): Reading => {
      const { folder = '', database = '' } = entered[at] ?? {};
      return { brokers, topic, partitions, folder, database, events };
    });
    const serverCpuMs = () => entered[1]?.serverCpuMs() ?? 0;
    const { answer, serverMs } = await ask({ reader: name, readings }, serverCpuMs, cleanup);
    const { events } = topics[1];
    return {
      run,
      reader: name,
      events,
      rate: (events / answer.elapsedMs) * 1_000,
      ownCpuUs: (answer.cpuMs / events) * 1_000,
      serverCpuUs: (serverMs / events) * 1_000,
      verdict: answer.verdict,
      miscounted: answer.miscounted,
    };
  } finally {
    for (const room of entered) await room.leave();
  }
}

async function ask(
  request: HostRequest,
  serverCpuMs: () => number,
  cleanup: Cleanup,
): Promise<{ readonly answer: HostAnswer; readonly serverMs: number }> {
  const child = fork(program, { execArgv: ['--disable-warning=ExperimentalWarning', ...process.execArgv] });
  const gone = once(child, 'exit');
  cleanup.add(async () => {
    child.kill('SIGKILL');
    await gone;
  });
  let [before, after] = [0, 0];
  let answer: HostAnswer | undefined;
  child.on('message', (message: HostMessage) => {
    if ('answer' in message) answer = message.answer;
    else if (message.reads) before = serverCpuMs();
    else after = serverCpuMs();
  });
  child.send(request);
  const [code, signal] = await gone;
  if (answer === undefined) throw new Error(`the reader ended with ${signal ?? code}`);
  return { answer, serverMs: after - before };
}

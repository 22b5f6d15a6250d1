import type { PeerDescription } from '../peers/index.ts';
import type { Cleanup } from '../servers/cleanup.ts';
import { type Crash, measureCrash } from './crash.ts';
import type { Room, Rooms } from './rooms.ts';
import { measureThroughput, type Settings, type Throughput } from './throughput.ts';

/** The result of one peer in one run. */
export interface Outcome {
  readonly run: number;
  readonly peer: string;
  readonly throughput?: Throughput;
  readonly crash?: Crash;
  /** The reason why a measurement has no figures. */
  readonly failures: readonly string[];
}

export interface OutcomeMeans {
  readonly rooms: Rooms;
  readonly settings: Settings;
  /** True if the peer is killed, too. */
  readonly hasCrash: boolean;
  readonly cleanup: Cleanup;
}

/** Measures a peer, and reports its progress on the terminal. A peer that fails has no figures; the others continue. */
export async function measurePeer(peer: PeerDescription, run: number, means: OutcomeMeans): Promise<Outcome> {
  const { rooms, settings, hasCrash, cleanup } = means;
  const failures: string[] = [];
  const attempt = <T>(what: string, work: (room: Room) => Promise<T>) => attemptTo(`run ${run}: ${what}`, () => inRoom(work), failures);
  const inRoom = async <T>(work: (room: Room) => Promise<T>): Promise<T> => {
    const room = await rooms.enter(peer);
    try {
      return await work(room);
    } finally {
      await room.leave();
    }
  };
  process.stdout.write(`run ${run}: ${peer.title} …`);
  const throughput = await attempt('throughput', (room) => measureThroughput(peer, room, settings, cleanup));
  const rate = throughput?.drainRate;
  const crash =
    hasCrash && rate !== undefined ? await attempt('kill -9', (room) => measureCrash(peer, room, settings, rate, cleanup)) : undefined;
  process.stdout.write(` drains ${Math.round(rate ?? 0)} events/s\n`);
  return { run, peer: peer.name, failures, ...(throughput && { throughput }), ...(crash && { crash }) };
}

/** Returns the result of the work. If it throws, returns undefined and adds the reason to `failures`. */
export async function attemptTo<T>(what: string, work: () => Promise<T>, failures: string[]): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

import { MillraceError } from '../../errors.ts';
import type { Member, Roll, Store, StoredCommand } from '../../store/store.ts';
import type { Clock } from '../clock.ts';
import type { Partition } from '../partition.ts';
import type { Partitions } from '../partitions.ts';
import { Heartbeat } from './heartbeat.ts';
import { shareBeside, shareOf } from './share.ts';

/** An engine working on a database. */
export interface FleetMember extends Pick<Member, 'id' | 'host' | 'pid' | 'version' | 'since'> {
  /** Number of partitions it works on. */
  readonly partitions: number;
  /** True for the engine that was asked. */
  readonly self: boolean;
}

/** The engines on a database, and how much each works on. */
export interface FleetStatus {
  /** The live engines, in order of arrival. */
  readonly members: readonly FleetMember[];
  /** Number of partitions of the pipelines declared by the engine that was asked. */
  readonly partitions: number;
  /** Number of these that no engine works on at the moment. */
  readonly unowned: number;
}

/** The parts of a partition that a fleet uses. */
export type FleetPartition = Pick<Partition, 'head' | 'start' | 'look' | 'take' | 'leave' | 'handOver' | 'checkLog' | 'leaseLost'>;

/** The dependencies of a fleet, provided by the engine. */
export interface FleetMeans {
  readonly store: Pick<Store, 'leaseMs' | 'beat' | 'listen'>;
  readonly clock: Pick<Clock, 'elapsedMs' | 'after'>;
  readonly partitions: Pick<Partitions, 'followPause' | 'setShare'> & {
    readonly all: readonly FleetPartition[];
    of(pipeline: string): readonly FleetPartition[];
  };
  /** For each pipeline whose slices follow another's, the name of that other one. */
  readonly leaders: ReadonlyMap<string, string>;
  /**
   * Receives commands for this engine as the owner of partitions.
   *
   * @param askedAt when the store was asked, in elapsed time
   */
  commanded(commands: readonly StoredCommand[], askedAt: number): void;
}

/** An answered beat. */
interface Following {
  readonly roll: Roll;
  /** The owner of each slice of a pipeline, once this engine has claimed its share. */
  readonly owners: Map<string, readonly (string | null)[]>;
  /** The time at which the beat began, in elapsed time. */
  readonly askedAt: number;
}

/**
 * This engine as a member of the fleet that works on a database. On each beat it checks who is alive and who owns what, claims the free
 * partitions in its share, and hands over those that others should have. Work is spread evenly and continues elsewhere when an engine dies,
 * and nobody takes anything by force. An engine that has the database to itself claims everything at the start.
 */
export class Fleet {
  readonly #means: FleetMeans;
  readonly #heartbeat: Heartbeat;
  #endListening: (() => void) | undefined;
  /** The log positions known when the newest beat began. */
  #heads: ReadonlyMap<FleetPartition, number> = new Map();
  #isResting = false;
  #hasOthers = false;

  constructor(means: FleetMeans) {
    this.#means = means;
    const { store, clock } = means;
    const beat = () => {
      this.#heads = new Map(means.partitions.all.map((partition) => [partition, partition.head]));
      return store.beat();
    };
    this.#heartbeat = new Heartbeat({
      store: { leaseMs: store.leaseMs, beat },
      clock,
      heard: (roll, askedAt) => this.#follow(roll, askedAt),
      ranOut: (cause) => this.#ranOut(cause),
    });
  }

  /** True if other engines carry on the work when this one stops. */
  get hasOthers(): boolean {
    return this.#hasOthers;
  }

  /** Starts work on this engine's share. Throws what the store throws. */
  async start(): Promise<void> {
    const { store, partitions } = this.#means;
    this.#isResting = false;
    this.#endListening = store.listen({
      appended: ({ pipeline, slice }, head) => partitions.of(pipeline)[slice]?.look(head),
      rollChanged: () => this.#heartbeat.beatNow(),
    });
    if (store.leaseMs !== undefined) return this.#heartbeat.start();
    for (const start of await Promise.allSettled(partitions.all.map((partition) => partition.start())))
      if (start.status === 'rejected') throw start.reason;
  }

  /** Returns who works on the database, and on how much. Throws what the store throws. */
  async status(): Promise<FleetStatus> {
    const { self, members, partitions } = await this.#means.store.beat();
    const owners = Array.from(partitions.values()).flatMap((slices) => slices.map(({ owner }) => owner));
    const counts = Map.groupBy(owners, (owner) => owner);
    return {
      members: members.map(({ id, host, pid, version, since }) => ({
        ...{ id, host, pid, version, since },
        partitions: counts.get(id)?.length ?? 0,
        self: id === self,
      })),
      partitions: owners.length,
      unowned: counts.get(null)?.length ?? 0,
    };
  }

  /** Returns a function that tells whether a lease claimed from now on is still held. */
  held(): () => boolean {
    return this.#heartbeat.held();
  }

  /** Applies pauses and resumes made by other engines up to now, not just up to the last beat. */
  async followPauses(): Promise<void> {
    const { store, clock } = this.#means;
    if (store.leaseMs === undefined) return;
    const askedAt = clock.elapsedMs();
    this.#followPauses(await store.beat(), askedAt);
  }

  /** Stops claiming. Existing leases are kept until the fleet is closed. */
  rest(): void {
    this.#isResting = true;
  }

  /** Releases everything this engine owns for others to claim. */
  async handOver(): Promise<void> {
    await Promise.all(this.#means.partitions.all.map((partition) => partition.handOver()));
  }

  close(): void {
    this.#endListening?.();
    this.#heartbeat.close();
  }

  /** Resolves once everything that is ours to claim is claimed, or cannot be at the moment. */
  async #follow(roll: Roll, askedAt: number): Promise<void> {
    this.#hasOthers = roll.members.length > 1;
    this.#followPauses(roll, askedAt);
    // Leaders first: a slice that follows another is claimed together with it, not a beat later.
    const names = Array.from(roll.partitions.keys());
    const [leading, beside] = [false, true].map((is) => names.filter((name) => this.#means.leaders.has(name) === is));
    const owners = new Map(Array.from(roll.partitions, ([name, slices]) => [name, slices.map(({ owner }) => owner)]));
    if (!this.#isResting) this.#means.commanded(roll.commands ?? [], askedAt);
    const follow = (name: string) => this.#followPipeline(name, { roll, owners, askedAt });
    await Promise.all([...(leading ?? []), ...(beside ?? [])].flatMap(follow));
  }

  #followPauses({ partitions, paused }: Roll, askedAt: number): void {
    for (const pipeline of partitions.keys()) this.#means.partitions.followPause(pipeline, paused.has(pipeline), askedAt);
  }

  #followPipeline(pipeline: string, { roll, owners: expected, askedAt }: Following): readonly Promise<void>[] {
    const { self, members, partitions } = roll;
    const slices = partitions.get(pipeline) ?? [];
    const able = members.filter((member) => member.pipelines.includes(pipeline)).map(({ id }) => id);
    const owners = slices.map(({ owner }) => owner);
    const leader = this.#means.leaders.get(pipeline);
    const leaders = expected.get(leader ?? '');
    const { take, handOver } = leaders === undefined ? shareOf(self, able, owners) : shareBeside(self, able, owners, leaders);
    if (!this.#isResting) expected.set(pipeline, withOwner(owners, take, self));
    const kept = owners.map((owner, slice) => (owner === self && !handOver.includes(slice)) || take.includes(slice));
    this.#means.partitions.setShare(pipeline, kept);
    const claims: Promise<void>[] = [];
    for (const [slice, partition] of this.#means.partitions.of(pipeline).entries()) {
      const { owner = null, head = 0 } = slices[slice] ?? {};
      if (owner === self) partition.checkLog(askedAt, head, this.#heads.get(partition) ?? 0);
      else partition.leave(askedAt);
      if (this.#isResting) continue;
      if (handOver.includes(slice)) void partition.handOver();
      else if (owner === self || take.includes(slice)) claims.push(partition.take(askedAt, head));
    }
    return claims;
  }

  #ranOut(cause: unknown): void {
    const error = new MillraceError('MILL_STORE_FENCED', 'the leases have expired before they were renewed', { cause });
    for (const partition of this.#means.partitions.all) partition.leaseLost(error);
  }
}

function withOwner(owners: readonly (string | null)[], slices: readonly number[], owner: string): readonly (string | null)[] {
  const taken = new Set(slices);
  return owners.map((present, slice) => (taken.has(slice) ? owner : present));
}

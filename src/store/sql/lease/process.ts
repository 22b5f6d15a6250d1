import { performance } from 'node:perf_hooks';
import { MillraceError } from '../../../errors.ts';
import type { Member, Ownership, PartitionId, Roll, Standing } from '../../store.ts';
import type { Connections } from '../connection/connections.ts';
import { Flight } from '../connection/flight.ts';
import type { Row, Statement } from '../connection/statement.ts';
import type { SqlStatements } from '../statements.ts';
import { ordersFor, toOrders } from '../write/command-statements.ts';

/** A process absent for this long no longer matters. */
const forgottenAfterMs = 24 * 60 * 60_000;

/** The result of a claim. */
export interface Claimed {
  /** The epoch for commits; it rises with every claim. */
  readonly epoch: number;
  readonly standing: Standing;
}

/** The dependencies of a process. */
export interface ProcessMeans {
  readonly connections: Connections;
  readonly statements: SqlStatements;
}

/**
 * An engine's store among others on one database, and its leases. One row says until when the process is alive, by the database's clock;
 * its leases last as long. So all of them cost one write per beat, however many there are. Claiming a partition locks the row of the
 * process that has it: a beat comes before that or finds the lease gone.
 */
export class Process {
  readonly self: Omit<Member, 'since'>;
  readonly leaseMs: number;
  readonly #partitions: number;
  readonly #connections: Connections;
  readonly #statements: SqlStatements;
  /** The beat that has not begun yet, shared by all callers meanwhile. */
  #next: Promise<Roll> | undefined;
  #present: Promise<unknown> = Promise.resolve();
  /** The time at which the last successful beat began, in elapsed time. */
  #beatAt = Number.NEGATIVE_INFINITY;

  constructor(
    { connections, statements }: ProcessMeans,
    self: Omit<Member, 'since'>,
    { leaseMs, partitions }: { readonly leaseMs: number; readonly partitions: number },
  ) {
    this.#connections = connections;
    this.#statements = statements;
    this.self = self;
    this.leaseMs = leaseMs;
    this.#partitions = partitions;
  }

  get id(): string {
    return this.self.id;
  }

  /**
   * Reports the process alive, and returns the other live ones. A caller during a beat shares the next one, or learns that this one was not
   * answered.
   */
  beat(): Promise<Roll> {
    this.#next ??= this.#follow();
    return this.#next;
  }

  /** Begins a beat once the current one has ended. */
  async #follow(): Promise<Roll> {
    try {
      await this.#present;
    } finally {
      this.#next = undefined;
    }
    const beat = this.#beat();
    this.#present = this.#heard(beat);
    // Whoever waits for the next one gets the failure.
    this.#present.catch(() => undefined);
    return beat;
  }

  /** Rejects if the database has not answered for long: waiting for the next beat would take as long again. */
  async #heard(beat: Promise<Roll>): Promise<void> {
    const from = performance.now();
    const silentMs = this.leaseMs / 2;
    try {
      await beat;
    } catch (error) {
      // A beat is a probe as well: other long waits face the same silence.
      this.#connections.giveUp(silentMs);
      if (performance.now() - from < silentMs) return;
      // The next beat starts afresh.
      this.#present = Promise.resolve();
      throw error;
    }
  }

  /** Throws `MILL_STORE_LEASED` while another live process has the partition. */
  async claim(partition: PartitionId): Promise<Claimed> {
    if (performance.now() - this.#beatAt > this.leaseMs / 2) await this.beat();
    const { pipeline, slice } = partition;
    let epoch: number | undefined;
    let standing: Row = [];
    await this.#connections.write(() => {
      const flight = new Flight();
      epoch = undefined;
      this.#statements.leases.addClaim(flight, partition, this.id, (claimed) => {
        epoch = claimed;
      });
      flight.add(this.#statements.reads.standing(partition), ({ rows }) => {
        standing = rows[0] ?? [];
      });
      return flight;
    });
    if (epoch === undefined) throw new MillraceError('MILL_STORE_LEASED', `partition ${pipeline}/${slice}: another process has its lease`);
    const [cursor = 0, head = 0, held = 0, deadLetters = 0, parked = 0, deliveries = 0, gaps = 0, block = 0] = standing.map(Number);
    const found = { cursor, head, held, deadLetters, parked, deliveries, gaps };
    return { epoch, standing: block === 0 ? found : { ...found, block } };
  }

  /** Ends a lease, and notifies the others; does nothing once it is over. */
  async release({ pipeline, slice }: PartitionId, epoch: number): Promise<void> {
    const text =
      'UPDATE millrace_fences SET epoch = epoch + 1, owner = NULL WHERE pipeline = $1 AND slice = $2 AND epoch = $3 AND owner = $4';
    await this.#run({ text, values: [pipeline, slice, epoch, this.id] }, this.#statements.leases.tellAll(this.id));
  }

  /**
   * Ends all leases, marks the process dead, and notifies the others. A database that is silent for a whole lease period is left without
   * notice.
   */
  async leave(): Promise<void> {
    await this.#connections.write(() => {
      const flight = new Flight();
      flight.add({ text: 'UPDATE millrace_fences SET epoch = epoch + 1, owner = NULL WHERE owner = $1', values: [this.id] });
      const told = this.#statements.leases.tellAll(this.id);
      if (told !== undefined) flight.add(told);
      this.#statements.leases.addLeave(flight, this.id, forgottenAfterMs);
      return flight;
    }, this.leaseMs);
  }

  async #beat(): Promise<Roll> {
    const from = performance.now();
    const { id, pipelines } = this.self;
    const { now, leases, reads, isAmong, texts } = this.#statements;
    let isNew = false;
    let members: readonly Member[] = [];
    let nextEndMs = Number.POSITIVE_INFINITY;
    const owners = new Map<string, string>();
    const heads = new Map<string, number>();
    let orders = toOrders([]);
    await this.#connections.beat(() => {
      const flight = new Flight();
      leases.addBeat(flight, this.self, this.leaseMs, (wasKnown) => {
        isNew = !wasKnown;
      });
      flight.add({ text: membersText(now), values: [] }, ({ rows }) => {
        members = rows.map(toMember);
        nextEndMs = Math.min(...rows.filter(([member]) => member !== id).map((row) => Number(row.at(-1))));
      });
      flight.add({ text: ownersText(now, isAmong('fence.pipeline', '$1')), values: [texts(pipelines)] }, ({ rows }) => {
        for (const [pipeline, slice, owner] of rows) owners.set(`${slice} ${pipeline}`, String(owner));
      });
      for (const pipeline of pipelines) {
        flight.add(reads.ownedHeads(pipeline, id), ({ rows }) => {
          for (const [slice, head] of rows) heads.set(`${slice} ${pipeline}`, Number(head));
        });
      }
      flight.add(ordersFor(this.#statements, id), ({ rows }) => {
        orders = toOrders(rows);
      });
      return flight;
      // A later answer finds the leases expired.
    }, this.leaseMs);
    this.#beatAt = from;
    if (isNew) await this.#run(leases.tellAll(id));
    const ownershipOf = (pipeline: string, slice: number): Ownership => {
      const name = `${slice} ${pipeline}`;
      const owner = owners.get(name) ?? null;
      return { owner, head: owner === id ? (heads.get(name) ?? 0) : 0 };
    };
    const slicesOf = (pipeline: string) => Array.from({ length: this.#partitions }, (_, slice) => ownershipOf(pipeline, slice));
    return {
      self: id,
      members,
      nextEndMs,
      partitions: new Map(pipelines.map((pipeline) => [pipeline, slicesOf(pipeline)])),
      paused: new Set(pipelines).intersection(orders.paused),
      commands: orders.commands,
    };
  }

  async #run(...statements: readonly (Statement | undefined)[]): Promise<void> {
    if (statements.every((statement) => statement === undefined)) return;
    await this.#connections.write(() => {
      const flight = new Flight();
      for (const statement of statements) if (statement !== undefined) flight.add(statement);
      return flight;
    });
  }
}

function toMember([id, host, pid, version, since, pipelines]: Row): Member {
  const declared = JSON.parse(String(pipelines)) as readonly string[];
  return { id: String(id), host: String(host), pid: Number(pid), version: String(version), since: Number(since), pipelines: declared };
}

const membersText = (now: string) =>
  `SELECT id, host, pid, version, since, pipelines, until - ${now} FROM millrace_processes WHERE until > ${now} ORDER BY since, id`;

const ownersText = (now: string, isDeclared: string) => `SELECT fence.pipeline, fence.slice, fence.owner FROM millrace_fences AS fence
  JOIN millrace_processes AS process ON process.id = fence.owner AND process.until > ${now}
  WHERE ${isDeclared}`;

import type { DeliveryName, PartitionId } from '../../store.ts';

/** An endpoint and a key of a partition, whose ordered deliveries stand in a line. */
export interface Line extends Pick<DeliveryName, 'endpoint' | 'key'> {
  readonly partition: PartitionId;
}

/** What statements of one transaction are told of lines, and tell of them. */
export interface KnownLines {
  /** The run of the server of which all of this is known; 0 where nothing is. */
  readonly run: number;
  /** No delivery of the line has a place below this one. */
  floorOf(line: Line): number;
  /** The first delivery of a line stands at this place, in the database that this run of the server has. */
  begins(line: Line, place: number, run: number): void;
}

/** Lines that are remembered, those that began last. */
const linesMax = 10_000;

/**
 * Where the lines of deliveries begin. What has left a line leads on in its index until it is cleaned up, which a session that sits idle in a
 * transaction prevents: whoever looked for the first of a line from the beginning would take longer each time.
 *
 * Places rise, and under a lease nobody else writes, so a line begins nowhere before the place at which it began once. One exception the statements
 * look after: a delivery that was asked for without an order enters the line at its old place when it is asked for with one. What another lease has made of a line is
 * not known under this one, nor what a server has that was started since, which may be a replica that gives places out again.
 */
export class LineFloors {
  readonly #floors = new Map<string, number>();
  #run = 0;

  /** Of what is committed under these leases. */
  under(leases: readonly { readonly partition: PartitionId; readonly epoch: number }[]): KnownLines {
    const epochs = new Map(leases.map(({ partition, epoch }) => [partitionName(partition), epoch]));
    const nameOf = ({ partition, endpoint, key }: Line) => {
      const own = partitionName(partition);
      return JSON.stringify([own, epochs.get(own), endpoint, key]);
    };
    return {
      run: this.#run,
      floorOf: (line) => this.#floors.get(nameOf(line)) ?? 0,
      begins: (line, place, run) => this.#begins(nameOf(line), place, run),
    };
  }

  #begins(name: string, place: number, run: number): void {
    if (run !== this.#run) this.#floors.clear();
    this.#run = run;
    this.#floors.delete(name);
    this.#floors.set(name, place);
    if (this.#floors.size <= linesMax) return;
    const [first] = this.#floors.keys();
    if (first !== undefined) this.#floors.delete(first);
  }
}

function partitionName({ pipeline, slice }: PartitionId): string {
  return `${slice} ${pipeline}`;
}

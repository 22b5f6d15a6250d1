import type { DeliveryName, PartitionId } from '../../store.ts';

/** An endpoint and a key of a partition, whose ordered deliveries form a line. */
export interface Line extends Pick<DeliveryName, 'endpoint' | 'key'> {
  readonly partition: PartitionId;
}

/** Knowledge about lines that statements of one transaction use and extend. */
export interface KnownLines {
  /** The server run to which all of this applies; 0 if nothing is known. */
  readonly run: number;
  /** Returns a place below which the line has no delivery. */
  floorOf(line: Line): number;
  /** Notes that the first delivery of a line has this place, in the database of this server run. */
  begins(line: Line, place: number, run: number): void;
}

/** Maximum lines remembered, the latest ones. */
const linesMax = 10_000;

/**
 * Remembers where lines of deliveries begin. Deleted entries remain in a line's index until they are cleaned up, which a session idle in a
 * transaction prevents: looking for the first of a line from the beginning would take longer each time.
 *
 * Places rise, and under a lease nobody else writes, so a line never begins before a place where it once began. The statements handle one
 * exception: a delivery requested without an order enters the line at its old place when it is requested with one. Changes made under
 * another lease are unknown, and so are those of a server started since, which may be a replica that reassigns places.
 */
export class LineFloors {
  readonly #floors = new Map<string, number>();
  #run = 0;

  /** Returns the knowledge for commits under these leases. */
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

/** The size of a table at one moment. */
export interface TableSize {
  readonly table: string;
  /** Size of its rows, including those stored out of line. */
  readonly bytes: number;
  /** Size of all its indexes. */
  readonly indexBytes: number;
  /** According to the database's statistics. */
  readonly live: number;
  readonly dead: number;
  readonly vacuums: number;
}

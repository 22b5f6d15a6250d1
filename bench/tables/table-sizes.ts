/** The size of a table at one moment. */
export interface TableSize {
  readonly table: string;
  /** Of its rows, those that are kept out of line included. */
  readonly bytes: number;
  /** Of all its indexes. */
  readonly indexBytes: number;
  /** As the database's statistics have them. */
  readonly live: number;
  readonly dead: number;
  readonly vacuums: number;
}

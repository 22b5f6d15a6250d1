/** Where a list ends that may be large. */
export interface ListBounds {
  /** The list ends with the item that brings the texts of its items to so many UTF-16 units. */
  readonly charactersMax?: number | undefined;
}

/** The same of what may be read for somebody outside the engine. */
export interface ReadBounds extends ListBounds {
  /** Given where somebody outside the engine reads: ends the read. */
  readonly signal?: AbortSignal | undefined;
}

/** Limits for a potentially large list. */
export interface ListBounds {
  /** Ends the list with the item that brings the total length of its texts to this many UTF-16 units. */
  readonly charactersMax?: number | undefined;
}

/** Limits for reads on behalf of callers outside the engine. */
export interface ReadBounds extends ListBounds {
  /** Cancels the read. Given for callers outside the engine. */
  readonly signal?: AbortSignal | undefined;
}

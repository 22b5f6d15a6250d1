/** A change that an operator has made. */
export interface AuditEntry {
  /** Of its own, and in the order of the moments. */
  readonly id: string;
  /** In milliseconds since 1970. */
  readonly at: number;
  /** The name of the token; null where nobody was asked for one. */
  readonly who: string | null;
  /** What was done, such as `pause` or `redrive`. */
  readonly action: string;
  readonly pipeline: string;
  readonly key: string | null;
  /** What it was done to, such as the id of a dead letter or the name of an endpoint. */
  readonly subject: string | null;
  /** Why, in the operator's words. */
  readonly reason: string | null;
}

export interface AuditQuery {
  readonly pipeline?: string | undefined;
  readonly key?: string | undefined;
  /** Only entries before the one with this id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** A change made by an operator. */
export interface AuditEntry {
  /** Unique, and in the order of the moments. */
  readonly id: string;
  /** In milliseconds since 1970. */
  readonly at: number;
  /** The name of the token; null if no token was required. */
  readonly who: string | null;
  /** The action, such as `pause` or `redrive`. */
  readonly action: string;
  readonly pipeline: string;
  readonly key: string | null;
  /** The target, such as the id of a dead letter or the name of an endpoint. */
  readonly subject: string | null;
  /** The operator's own words. */
  readonly reason: string | null;
}

export interface AuditQuery {
  readonly pipeline?: string | undefined;
  readonly key?: string | undefined;
  /** Only entries before the one with this id. */
  readonly before?: string | undefined;
  readonly limit: number;
}

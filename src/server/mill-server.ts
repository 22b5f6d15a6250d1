/** Where to listen. */
export interface Address {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  /** 0 for any that is free. */
  readonly port: number;
}

/** A server that was made by `createServer`. It listens once and stops once. */
export interface MillServer {
  /**
   * Resolves to the URL, with the real port, once it accepts requests. Throws `MILL_INVALID_CONFIGURATION` when it cannot, and for an
   * address that others reach while nobody is asked for a token.
   */
  listen(address: Address): Promise<string>;

  /**
   * Refuses new requests at once, lets those in flight finish, stops the mill, then closes every connection; all within
   * `timeoutMs`, of which slow requests may take half. Calling it again waits for the same stop. Throws what stopping
   * the mill threw.
   */
  stop(timeoutMs: number): Promise<void>;
}

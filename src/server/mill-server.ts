/** The address to listen on. */
export interface Address {
  /** A name or an address, IPv6 without brackets. */
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
}

/** A server created by `createServer`. It listens once and stops once. */
export interface MillServer {
  /**
   * Resolves to the URL, with the actual port, once it accepts requests. Throws `MILL_INVALID_CONFIGURATION` if it cannot, and for an
   * address that others can reach while no token is required.
   */
  listen(address: Address): Promise<string>;

  /**
   * Refuses new requests at once, lets those in flight finish, stops the mill, then closes every connection; all within `timeoutMs`, of
   * which slow requests may take half. Further calls wait for the same stop. Throws the error of stopping the mill.
   */
  stop(timeoutMs: number): Promise<void>;
}

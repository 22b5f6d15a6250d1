/** Returns whether a URL can be called. */
export function isHttp({ protocol }: URL): boolean {
  return protocol === 'http:' || protocol === 'https:';
}

/** Describes why a URL with another protocol cannot be called. */
export function notHttp(protocol: string): string {
  return `expected an http or https URL, found one of ${protocol}`;
}

/** Whether it is a URL that can be called. */
export function isHttp({ protocol }: URL): boolean {
  return protocol === 'http:' || protocol === 'https:';
}

/** Why another URL cannot be called. */
export function notHttp(protocol: string): string {
  return `expected an http or https URL, found one of ${protocol}`;
}

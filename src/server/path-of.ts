/** Returns the path of a request's URL, for messages and the log, without the query, in which some clients put a token or a key. */
export function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? '';
}

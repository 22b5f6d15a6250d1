/** Returns the path of a request's URL, for messages and the log, without the query, in which some clients put a token or a key. */
export function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

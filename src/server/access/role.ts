/** What a token may do: bring events in, look, or all that the server can do. */
export const roles = ['ingest', 'read', 'operate'] as const;
export type Role = (typeof roles)[number];

/** What a route asks of who calls it: a role, or nothing at all. */
export type Access = Role | 'open';

/** Returns whether a token of this role may use a route that asks for that. */
export function permits(role: Role, access: Access): boolean {
  return role === 'operate' || access === 'open' || role === access;
}

/** A token's permissions: to ingest events, to view, or to do everything. */
export const roles = ['ingest', 'read', 'operate'] as const;
export type Role = (typeof roles)[number];

/** A route's requirement: a role, or nothing. */
export type Access = Role | 'open';

/** Returns whether a token with this role may use a route with that requirement. */
export function permits(role: Role, access: Access): boolean {
  return role === 'operate' || access === 'open' || role === access;
}

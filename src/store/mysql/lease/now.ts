/** The server's clock at the beginning of a statement, in milliseconds since 1970. Sessions are in UTC. */
export const now = 'CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)';

import type { LeaseStatements } from '../../sql/statements.ts';
import { addDeletion } from '../write/found-rows.ts';
import { now } from './now.ts';

export const leaseStatements: LeaseStatements = {
  addBeat(flight, { id, host, pid, version, pipelines }, leaseMs, beaten) {
    flight.add({ text: 'SELECT COUNT(*) FROM millrace_processes WHERE id = $1', values: [id] }, ({ rows }) => beaten(rows[0]?.[0] === 1));
    flight.add({
      text: `INSERT INTO millrace_processes (id, until, since, host, pid, version, pipelines) VALUES ($1, ${now} + $2, ${now}, $3, $4, $5, $6)
        ON DUPLICATE KEY UPDATE until = VALUES(until)`,
      values: [id, leaseMs, host, pid, version, JSON.stringify(pipelines)],
    });
  },

  /**
   * The fence is locked first, so that its owner is the latest; the lock on the owner's row waits for its own beat. For a partition held by
   * another live process, the third statement changes nothing, and the last returns nothing.
   */
  addClaim(flight, { pipeline, slice }, process, claimed) {
    const values = [pipeline, slice, process];
    const isIt = 'pipeline = $1 AND slice = $2';
    flight.add({ text: `SELECT epoch FROM millrace_fences WHERE ${isIt} FOR UPDATE`, values });
    flight.add({
      text: `SELECT until FROM millrace_processes WHERE id = (SELECT owner FROM millrace_fences WHERE ${isIt} AND owner <> $3) FOR UPDATE`,
      values,
    });
    flight.add({
      text: `UPDATE millrace_fences SET epoch = epoch + 1, owner = $3 WHERE ${isIt} AND (owner IS NULL OR owner = $3
        OR NOT EXISTS (SELECT 1 FROM millrace_processes AS process WHERE process.id = millrace_fences.owner AND process.until > ${now}))`,
      values,
    });
    flight.add({ text: `SELECT epoch FROM millrace_fences WHERE ${isIt} AND owner = $3`, values }, ({ rows }) => {
      if (rows[0] !== undefined) claimed(Number(rows[0][0]));
    });
  },

  addLeave(flight, process, forgottenAfterMs) {
    const key = [{ name: 'id', kind: 'text' }] as const;
    const isForgotten = `gone.until < ${now} - $2`;
    addDeletion(flight, {
      table: 'millrace_processes',
      key,
      condition: `gone.id = $1 OR ${isForgotten}`,
      still: `(found.id = $1 OR ${isForgotten})`,
      values: [process, forgottenAfterMs],
    });
  },

  tellAll: () => undefined,
  tellOwner: () => undefined,
};

import type { LeaseStatements } from '../../sql/statements.ts';
import { channelPrefix, rollChanged } from './channels.ts';

export const leaseStatements: LeaseStatements = {
  addBeat(flight, { id, host, pid, version, pipelines }, leaseMs, beaten) {
    flight.add({ text: beatText, values: [id, leaseMs, host, pid, version, JSON.stringify(pipelines)] }, ({ rows }) =>
      beaten(rows[0]?.[0] === 1),
    );
  },

  addClaim(flight, { pipeline, slice }, process, claimed) {
    flight.add({ text: 'SELECT FROM millrace_fences WHERE pipeline = $1 AND slice = $2 FOR UPDATE', values: [pipeline, slice] });
    flight.add({ text: claimText, values: [pipeline, slice, process] }, ({ rows }) => {
      if (rows[0] !== undefined) claimed(Number(rows[0][0]));
    });
  },

  addLeave(flight, process, forgottenAfterMs) {
    flight.add({
      text: 'DELETE FROM millrace_processes WHERE id = $1 OR until < millrace_now() - $2',
      values: [process, forgottenAfterMs],
    });
  },

  tellAll: (process) => ({
    text: `SELECT pg_notify('${channelPrefix}' || id, '${rollChanged}') FROM millrace_processes
      WHERE id <> $1 AND until > millrace_now() AND EXISTS (SELECT FROM millrace_processes WHERE id = $1)`,
    values: [process],
  }),

  tellOwner: ({ pipeline, slice }, process) => ({
    text: `SELECT pg_notify('${channelPrefix}' || owner, '${rollChanged}') FROM millrace_fences
      WHERE pipeline = $1 AND slice = $2 AND owner <> $3`,
    values: [pipeline, slice, process],
  }),
};

/** Returns whether the process was known. A repeated report changes nothing for others, who see it on their next beat. */
const beatText = `WITH before AS MATERIALIZED (SELECT FROM millrace_processes WHERE id = $1)
  INSERT INTO millrace_processes (id, until, since, host, pid, version, pipelines)
  VALUES ($1, millrace_now() + $2::int8, millrace_now(), $3, $4, $5, $6)
  ON CONFLICT (id) DO UPDATE SET until = millrace_now() + $2::int8
  RETURNING EXISTS (SELECT FROM before)`;

/** The previous statement locks the fence, so that its owner is the latest; the lock on the owner's row waits for its own beat. */
const claimText = `WITH owner AS MATERIALIZED (
    SELECT process.until FROM millrace_fences AS fence JOIN millrace_processes AS process ON process.id = fence.owner
    WHERE fence.pipeline = $1 AND fence.slice = $2 AND fence.owner <> $3 FOR UPDATE OF process
  )
  UPDATE millrace_fences SET epoch = epoch + 1, owner = $3
  WHERE pipeline = $1 AND slice = $2 AND NOT EXISTS (SELECT FROM owner WHERE until > millrace_now()) RETURNING epoch`;

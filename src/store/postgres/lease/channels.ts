/** Each process listens on its own channel, named by this prefix and its id. */
export const channelPrefix = 'millrace_';

/** The payload for a changed roll; any other payload names partitions. */
export const rollChanged = '"roll"';

/** All processes also listen here: rows have come into the inbox. */
export const inboxChannel = 'millrace_inbox';

/** Each process listens on a channel of its own: this and its id. */
export const channelPrefix = 'millrace_';

/** The payload that says that the roll has changed; any other names partitions. */
export const rollChanged = '"roll"';

/** All processes listen on it too: rows have come into the inbox. */
export const inboxChannel = 'millrace_inbox';

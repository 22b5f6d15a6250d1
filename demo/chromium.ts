/** Debian's Chromium, which the pictures and the test of the page use. */
export const chromiumPath = process.env.CHROMIUM ?? '/usr/bin/chromium';

/** Quiet: makes no requests of its own. */
export const chromiumArguments = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
] as const;

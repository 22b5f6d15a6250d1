import type { JSX } from 'preact';

const stroke = (path: string, colour = 'currentColor', width = 1.4) => (
  <path d={path} fill="none" stroke={colour} stroke-width={width} stroke-linejoin="round" stroke-linecap="round" />
);

/** Each state has its own shape: colour never carries a meaning alone. */
const glyphs = {
  flowing: <circle cx="6" cy="6" r="4" fill="var(--water-fill)" />,
  idle: <circle cx="6" cy="6" r="3.6" fill="none" stroke="var(--edge)" stroke-width="1.5" />,
  behind: (
    <>
      <circle cx="6" cy="6" r="4" fill="none" stroke="var(--amber-fill)" stroke-width="1.5" />
      <path d="M6 2a4 4 0 0 0 0 8z" fill="var(--amber-fill)" />
    </>
  ),
  waiting: <circle cx="6" cy="6" r="4" fill="none" stroke="var(--amber-fill)" stroke-width="1.6" stroke-dasharray="2.1 2.1" />,
  gap: stroke('M4 1.8H1.8v8.4H4M8 1.8h2.2v8.4H8', 'var(--amber-fill)', 1.6),
  parked: <rect x="2" y="2" width="8" height="8" rx="1.2" fill="var(--violet-fill)" />,
  paused: <path d="M3.2 2h2v8h-2zM6.8 2h2v8h-2z" fill="var(--violet-fill)" />,
  dead: stroke('m2.4 2.4 7.2 7.2m0-7.2-7.2 7.2', 'var(--red-fill)', 2),
  stalled: <path d="M6 1.5 11 10.2H1z" fill="var(--red-fill)" />,
  turn: <rect x="1.5" y="4" width="9" height="4" rx="1" fill="var(--water-fill)" />,
  flag: <path d="M2.5 11V1.5h7L8 4l1.5 2.5h-6" fill="var(--violet-fill)" stroke="var(--violet-fill)" stroke-width="1.2" />,
  event: stroke('M6 1v6.4M3.2 5 6 7.8 8.8 5M1.5 10.6h9'),
  timer: (
    <>
      <circle cx="6" cy="6" r="4.6" fill="none" stroke="currentColor" stroke-width="1.3" />
      {stroke('M6 3.2V6l2 1.4', 'currentColor', 1.3)}
    </>
  ),
  delivery: stroke('M2.2 9.8 9.4 2.6M4 2.4h5.6V8'),
  send: stroke('M1 6h8M6.2 3 9.4 6 6.2 9M11 2v8'),
  find: (
    <>
      <circle cx="5" cy="5" r="3.4" fill="none" stroke="currentColor" stroke-width="1.4" />
      {stroke('m7.6 7.6 3.2 3.2')}
    </>
  ),
  overview: stroke('M1 9.5h2.6l1.8-6 2.2 4 1.2-2H11'),
  schedule: stroke('M10.4 4.2A4.8 4.8 0 1 0 10.8 6M10.8 1.6v2.8H8', 'currentColor', 1.3),
  fleet: stroke('M1.5 1.8h9v3.4h-9zM1.5 6.8h9v3.4h-9zM3.4 3.5h.1M3.4 8.5h.1', 'currentColor', 1.3),
  audit: stroke('M1.4 2.6h9.2M1.4 6h9.2M1.4 9.4h5.4', 'currentColor', 1.3),
  theme: (
    <>
      <circle cx="6" cy="6" r="4.4" fill="none" stroke="currentColor" stroke-width="1.3" />
      <path d="M6 1.6a4.4 4.4 0 0 1 0 8.8z" fill="currentColor" />
    </>
  ),
  leave: stroke('M5 1.6H1.8v8.8H5M4.6 6h6M8 3.4 10.6 6 8 8.6', 'currentColor', 1.3),
  more: stroke('m4.2 2.4 3.6 3.6-3.6 3.6'),
  copy: stroke('M4 4h6.5v6.5H4zM2 8H1.5V1.5H8V2', 'currentColor', 1.2),
  system: stroke('M2 2h8v8H2zM2 5h8M5 5v5', 'currentColor', 1.2),
} satisfies Readonly<Record<string, JSX.Element>>;

export type GlyphName = keyof typeof glyphs;

/** A shape beside a word. A shape on its own is labelled. */
export function Glyph({ name, label }: { readonly name: GlyphName; readonly label?: string }) {
  const labelled = label === undefined ? { 'aria-hidden': true } : { role: 'img' as const, 'aria-label': label };
  return (
    // biome-ignore lint/a11y/noSvgWithoutTitle: a title would open a box wherever the mouse comes to rest
    <svg class="glyph" viewBox="0 0 12 12" {...labelled}>
      {glyphs[name]}
    </svg>
  );
}

/** The mill wheel over its race. */
export function Wheel() {
  return (
    <svg
      width="20"
      height="20"
      viewBox="0 0 32 32"
      fill="none"
      stroke="currentColor"
      stroke-width="2.4"
      stroke-linecap="round"
      aria-hidden="true"
    >
      <circle cx="16" cy="14" r="8.5" />
      <path d="M16 2.5v23M4.5 14h23M7.9 5.9l16.2 16.2M24.1 5.9 7.9 22.1M1 29c3-2.4 5-2.4 7.5 0s4.5 2.4 7.5 0 4.5-2.4 7.5 0 4.5 2.4 7.5 0" />
    </svg>
  );
}

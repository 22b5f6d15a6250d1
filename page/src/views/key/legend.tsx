import type { JSX } from 'preact';

/** The shapes in the picture, with the widths of their boxes and their meanings. */
const entries: readonly (readonly [shape: JSX.Element, width: number, meaning: string])[] = [
  [<path key="commit" d="M7 0v12" stroke="var(--water)" stroke-width="2" />, 14, 'one commit: all of it or none'],
  [<rect key="good" class="good" x="1" y="1" width="14" height="10" rx="2" />, 16, 'succeeded'],
  [<rect key="bad" class="bad" x="1" y="1" width="14" height="10" rx="2" />, 16, 'failed'],
  [<path key="pause" class="pause" d="M0 3h14v8" />, 18, 'pause before the next attempt'],
  [<path key="held" class="cause held" d="M0 6h18" />, 18, 'waits'],
  [<rect key="fold" class="fold" width="16" height="12" stroke="var(--line-strong)" stroke-dasharray="2 2" />, 16, 'folded: nothing ran'],
];

/** Explains the shapes in the picture. */
export function Legend() {
  return (
    <div class="legend">
      {entries.map(([shape, width, meaning]) => (
        <span key={meaning}>
          <svg width={width} height="12" viewBox={`0 0 ${width} 12`} aria-hidden="true">
            {shape}
          </svg>
          {meaning}
        </span>
      ))}
    </div>
  );
}

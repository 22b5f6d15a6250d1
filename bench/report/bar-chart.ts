export interface Bar {
  readonly label: string;
  readonly value: number;
  /** The text behind the bar. */
  readonly text: string;
  /** Millrace's own bar; in another colour. */
  readonly isOurs: boolean;
}

const width = 720;
const labelWidth = 170;
const textWidth = 110;
const barHeight = 22;
const gap = 10;
const noteHeight = 17;
const titleHeight = 28;

/** Colours legible on white and on black; the page says which it is. */
const style = `<style>
    text { font: 13px system-ui, sans-serif; fill: #1f2328; }
    .title { font-weight: 600; font-size: 15px; }
    .note { fill: #59636e; font-size: 11px; }
    .bar { fill: #8c959f; }
    .ours { fill: #0969da; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; }
      .note { fill: #9198a1; }
      .bar { fill: #656c76; }
      .ours { fill: #4493f8; }
    }
  </style>`;

/**
 * Draws a chart of horizontal bars as SVG, from zero, in the given order. `notes` are lines below the title: the conditions of the
 * measurement.
 */
export function barChart(title: string, notes: readonly string[], bars: readonly Bar[]): string {
  const top = titleHeight + notes.length * noteHeight + gap;
  const greatest = Math.max(...bars.map(({ value }) => value).filter(Number.isFinite), Number.MIN_VALUE);
  const height = top + bars.length * (barHeight + gap) + gap;
  const scale = (width - labelWidth - textWidth) / greatest;
  const rows = bars.map((bar, index) => {
    const y = top + index * (barHeight + gap);
    const length = Number.isFinite(bar.value) ? Math.max(1, bar.value * scale) : 0;
    const middle = y + barHeight / 2 + 5;
    return `  <text x="${labelWidth - 10}" y="${middle}" text-anchor="end">${escaped(bar.label)}</text>
  <rect class="${bar.isOurs ? 'ours' : 'bar'}" x="${labelWidth}" y="${y}" width="${length.toFixed(1)}" height="${barHeight}" rx="3"/>
  <text x="${(labelWidth + length + 8).toFixed(1)}" y="${middle}">${escaped(bar.text)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">
  ${style}
  <text class="title" x="10" y="20">${escaped(title)}</text>
${notes.map((note, line) => `  <text class="note" x="10" y="${titleHeight + 12 + line * noteHeight}">${escaped(note)}</text>`).join('\n')}
${rows.join('\n')}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

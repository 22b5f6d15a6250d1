type Values = readonly (number | null)[];

interface SparkProps {
  readonly values: Values;
  /** Drawn thinner, in front. */
  readonly second?: Values | undefined;
  readonly width: number;
  readonly height?: number;
  /** The scale reaches at least this far, so that noise looks like noise. */
  readonly floor: number;
  /** Number of points that fill the width. */
  readonly points: number;
  /** The label for screen readers. */
  readonly label: string;
  readonly isLate?: boolean;
  /** Places of operators' acts, from 0 at the left to 1 at the right; each is a line. */
  readonly acts?: readonly number[];
}

const noActs: readonly number[] = [];

/** A small chart. The newest value is on the right; a gap in the data is a gap in the line. */
export function Spark({ values, second, width, height = 28, floor, points, label, isLate = false, acts = noActs }: SparkProps) {
  const shown = values.slice(-points);
  const other = second?.slice(-points) ?? [];
  const top = Math.max(floor, ...shown.map((value) => (value ?? 0) * 1.1), ...other.map((value) => (value ?? 0) * 1.1));
  const x = (at: number, length: number) => Math.round(((points - length + at) / Math.max(1, points - 1)) * width * 10) / 10;
  const y = (value: number) => Math.round((height - (value / top) * (height - 1)) * 10) / 10;
  const line = lineOf(shown, x, y);
  return (
    <svg
      class={`spark ${isLate ? 'late' : ''}`}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path class="line-area" d={areaOf(shown, x, y, height)} />
      {other.length > 0 && <path class="line-second" d={lineOf(other, x, y)} />}
      <path class="line-main" d={line} />
      {acts.length > 0 && <path class="line-act" d={acts.map((at) => `M${Math.round(at * width) + 0.5} 0V${height}`).join('')} />}
    </svg>
  );
}

type Place = (at: number, length: number) => number;

function lineOf(values: Values, x: Place, y: (value: number) => number): string {
  let isDrawing = false;
  let path = '';
  for (const [at, value] of values.entries()) {
    if (value !== null) path += `${isDrawing ? 'L' : 'M'}${x(at, values.length)} ${y(value)}`;
    isDrawing = value !== null;
  }
  return path;
}

function areaOf(values: Values, x: Place, y: (value: number) => number, height: number): string {
  let path = '';
  for (const [at, value] of values.entries()) {
    if (value === null) continue;
    const isFirst = at === 0 || values[at - 1] === null;
    const isLast = at === values.length - 1 || values[at + 1] === null;
    const here = x(at, values.length);
    path += isFirst ? `M${here} ${height}V${y(value)}` : `L${here} ${y(value)}`;
    if (isLast) path += `L${here} ${height}Z`;
  }
  return path;
}

/** Bars for the last hour, one per minute. */
export function ArrivalBars({ arrivals, label }: { readonly arrivals: readonly number[]; readonly label: string }) {
  const top = Math.max(4, ...arrivals);
  const bars = arrivals.map((count, at) => {
    if (count === 0) return '';
    const height = Math.max(1.5, (count / top) * 18);
    return `M${at * 2} 18v${-height}h1.5V18z`;
  });
  return (
    <svg class="spark" width="120" height="18" viewBox="0 0 120 18" role="img" aria-label={label}>
      <path class="bars-red" d={bars.join('')} />
    </svg>
  );
}

import type { ComponentChildren } from 'preact';
import { useEffect, useId, useState } from 'preact/hooks';
import type { Loaded } from '../lib/load.ts';
import { shellWord } from '../lib/shell.ts';

interface PanelProps {
  readonly title: string;
  readonly note?: ComponentChildren;
  readonly end?: ComponentChildren;
  readonly class?: string;
  readonly children?: ComponentChildren;
}

/** A titled box. */
export function Panel({ title, note, end, children, class: name = '' }: PanelProps) {
  const id = useId();
  return (
    <section class={`panel ${name}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {note !== undefined && <span class="quiet">{note}</span>}
        {end !== undefined && <div class="end">{end}</div>}
      </header>
      {children}
    </section>
  );
}

interface AnswerProps<T> {
  readonly of: Loaded<T>;
  readonly children: (value: T) => ComponentChildren;
}

/** Shows the requested data once available; otherwise its progress or error. A view keeps showing old data when a later request fails. */
export function Answer<T>({ of: { value, error, again }, children }: AnswerProps<T>) {
  return (
    <>
      {value !== undefined && children(value)}
      {error !== undefined && (
        <p class="failed" role="alert">
          {error.message}{' '}
          <button type="button" class="button plain" onClick={again}>
            Try again
          </button>
        </p>
      )}
      {value === undefined && error === undefined && <Waiting />}
    </>
  );
}

/** Shows that it is loading, but only if that takes noticeably long. */
function Waiting() {
  const [isLong, setIsLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setIsLong(true), 400);
    return () => clearTimeout(timer);
  }, []);
  return <p class="empty">{isLong ? 'Loading' : '\u00a0'}</p>;
}

/** The command that shows the same as a view: a line, or a request for a path of this server. */
export function Command(shown: { readonly line: string } | { readonly path: string }) {
  const line = 'line' in shown ? shown.line : `curl ${shellWord(`${location.origin}${shown.path}`)}`;
  return (
    <p class="command">
      <span>The same in a terminal:</span> <code>{line}</code>
    </p>
  );
}

interface HeadProps {
  readonly title: ComponentChildren;
  readonly text?: ComponentChildren;
  readonly children?: ComponentChildren;
}

/** The head of a view: its title, a sentence, its tools. */
export function Head({ title, text, children }: HeadProps) {
  return (
    <div class="head">
      <div>
        <h1>{title}</h1>
        {text !== undefined && <p>{text}</p>}
      </div>
      <div class="tools">{children}</div>
    </div>
  );
}

/** One fact of a strip: a quiet label over a value. */
export function Fact({ label, children }: { readonly label: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{children}</dd>
    </div>
  );
}

interface SegmentsProps<T extends string> {
  readonly label: string;
  readonly options: readonly (readonly [value: T, text: ComponentChildren])[];
  readonly value: T;
  readonly onChange: (value: T) => void;
}

/** A few options, one of which is chosen. */
export function Segments<T extends string>({ label, options, value, onChange }: SegmentsProps<T>) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset cannot be laid out in a row of tools
    <div class="segments" role="group" aria-label={label}>
      {options.map(([option, text]) => (
        <button key={option} type="button" aria-pressed={option === value} onClick={() => onChange(option)}>
          {text}
        </button>
      ))}
    </div>
  );
}

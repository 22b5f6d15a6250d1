import { useEffect, useState } from 'preact/hooks';
import { Glyph } from './glyph.tsx';

interface FieldProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

const askAfterMs = 250;

/** A text filter. It takes effect a moment after the last key. */
export function TextField({ label, value, onChange, isSearch = false }: FieldProps & { readonly isSearch?: boolean }) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text === value) return;
    const timer = setTimeout(() => onChange(text), askAfterMs);
    return () => clearTimeout(timer);
  }, [text]);
  return (
    <span class={`field ${isSearch ? 'grow' : ''}`}>
      {isSearch && <Glyph name="find" />}
      <input value={text} placeholder={label} aria-label={label} onInput={(event) => setText(event.currentTarget.value)} />
    </span>
  );
}

/** Chooses one of several, or any. */
export function Select({ label, value, options, onChange }: FieldProps & { readonly options: readonly string[] }) {
  return (
    <span class="field">
      <select aria-label={label} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
        <option value="">{label}: any</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
      </select>
    </span>
  );
}

import type { ComponentChildren } from 'preact';

/** Content that may be wider than its place: it scrolls separately, also by keyboard. */
export function Wide({ children }: { readonly children: ComponentChildren }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: it contains nothing to focus, so the keyboard could not scroll it otherwise
    <section class="scroll" tabIndex={0} aria-label="Table, scrolls sideways">
      {children}
    </section>
  );
}

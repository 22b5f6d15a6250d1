import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { access, mayOperate } from '../lib/session.ts';
import { useStore } from '../lib/store.ts';
import { ReasonDialog } from './dialog.tsx';

interface OperateProps {
  /** The button's label. */
  readonly children: ComponentChildren;
  readonly title: string;
  readonly text?: ComponentChildren;
  readonly action: string;
  readonly isDanger?: boolean;
  readonly isMain?: boolean;
  /** For buttons repeated in every row, which would otherwise dominate the table. */
  readonly isPlain?: boolean;
  /** The reason it cannot be done now; undefined if it can. */
  readonly unable?: string | undefined;
  readonly shortcut?: string;
  readonly act: (reason: string | undefined) => Promise<unknown>;
}

/** A button that changes something: it asks for a reason first, and explains why it is disabled. */
export function Operate({ children, unable, shortcut, isMain = false, isPlain = false, ...ask }: OperateProps) {
  const [isOpen, setIsOpen] = useState(false);
  const known = useStore(access);
  const role = known?.token?.role;
  const why = mayOperate(known) ? unable : `This token may ${role ?? 'do nothing'}, not operate.`;
  return (
    <>
      <button
        type="button"
        class={`button ${isMain ? 'main' : ''} ${isPlain ? 'plain' : ''} ${ask.isDanger ? 'danger' : ''}`}
        disabled={why !== undefined}
        title={why}
        data-shortcut={shortcut}
        onClick={() => setIsOpen(true)}
      >
        {children}
      </button>
      {isOpen && <ReasonDialog {...ask} onClose={() => setIsOpen(false)} />}
    </>
  );
}

import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef, useState } from 'preact/hooks';

interface DialogProps {
  readonly label: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}

/** A modal dialog. The browser keeps the focus in it, and restores it afterwards. */
export function Dialog({ label, onClose, children }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} aria-label={label} onClose={onClose}>
      {children}
    </dialog>
  );
}

interface ReasonProps {
  readonly title: string;
  readonly text?: ComponentChildren;
  /** The button's label. */
  readonly action: string;
  readonly isDanger?: boolean;
  readonly act: (reason: string | undefined) => Promise<unknown>;
  readonly onClose: () => void;
}

/** Asks for a reason, and carries out the action. */
export function ReasonDialog({ title, text, action, isDanger = false, act, onClose }: ReasonProps) {
  const [reason, setReason] = useState('');
  const [failure, setFailure] = useState<string>();
  const [isBusy, setIsBusy] = useState(false);
  const id = useId();
  const submit = async (event: Event) => {
    event.preventDefault();
    setIsBusy(true);
    try {
      await act(reason.trim() === '' ? undefined : reason.trim());
      onClose();
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
      setIsBusy(false);
    }
  };
  return (
    <Dialog label={title} onClose={onClose}>
      <form class="form" onSubmit={submit}>
        <h2>{title}</h2>
        {text !== undefined && <p class="second">{text}</p>}
        <label for={id}>
          Reason, for the audit and for whoever looks next
          <span class="field">
            <input id={id} value={reason} maxLength={1000} onInput={(event) => setReason(event.currentTarget.value)} />
          </span>
        </label>
        {failure !== undefined && (
          <p class="notice red" role="alert">
            {failure}
          </p>
        )}
        <div class="acts">
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={`button ${isDanger ? 'danger' : 'main'}`} disabled={isBusy}>
            {action}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

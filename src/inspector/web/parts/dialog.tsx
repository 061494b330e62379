import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ActProblem } from '../acting.ts';
import { requestHref } from '../route.ts';
import { Icon } from './icon.tsx';
import { UserText } from './user-text.tsx';

/** A modal dialog of the browser's own kind: Escape and a click beside it close it. */
export function Dialog({
  label,
  onClose,
  children,
  kind = 'dialog',
}: {
  readonly label: string;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
  readonly kind?: string;
}) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    box.current?.showModal();
  }, []);
  return (
    <dialog
      ref={box}
      class={kind}
      aria-label={label}
      onClose={onClose}
      onClick={(event) => {
        if (event.target === event.currentTarget) onClose();
      }}
      onKeyDown={(event) => {
        // The keys of the page below are not for a dialog. One that has just closed still has the focus.
        if (event.currentTarget.open) event.stopPropagation();
      }}
    >
      {children}
    </dialog>
  );
}

/** Why what a form asks for was not done, with a way to the request that was refused. */
export function ProblemText({
  problem: { text, requestId },
  onLeave,
}: {
  readonly problem: ActProblem;
  readonly onLeave?: () => void;
}) {
  return (
    <div class="dialog-problem" role="alert">
      <Icon name="alert" size={14} />
      <p>
        <UserText>{text}</UserText>{' '}
        {requestId !== undefined && (
          <a class="link" href={requestHref(requestId)} onClick={onLeave}>
            Why was it refused?
          </a>
        )}
      </p>
    </div>
  );
}

/**
 * A dialog that asks for something: its title, fields, and a button that does it. It stays open until that is
 * done, and says what comes back when it is not.
 */
export function DialogForm({
  title,
  heading = title,
  submit,
  canSubmit = true,
  kind = 'dialog',
  onSubmit,
  onClose,
  children,
}: {
  readonly title: string;
  readonly heading?: ComponentChildren;
  /** What the button says. */
  readonly submit: string;
  readonly canSubmit?: boolean;
  readonly kind?: string;
  readonly onSubmit: () => Promise<ActProblem | undefined>;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ActProblem>();
  const isShown = useRef(true);
  useEffect(
    () => () => {
      isShown.current = false;
    },
    [],
  );
  const attempt = async (): Promise<void> => {
    setBusy(true);
    setProblem(undefined);
    const found = await onSubmit();
    // Closed meanwhile: what stands there now is another one.
    if (!isShown.current) return;
    setBusy(false);
    setProblem(found);
    if (found === undefined) onClose();
  };
  return (
    <Dialog label={title} onClose={onClose} kind={kind}>
      <form
        class="dialog-form"
        aria-busy={isBusy}
        onSubmit={(event) => {
          event.preventDefault();
          if (!isBusy && canSubmit) void attempt();
        }}
        onKeyDown={(event) => {
          const isSend = event.key === 'Enter' && (event.ctrlKey || event.metaKey);
          if (isSend) event.currentTarget.requestSubmit();
        }}
      >
        <h2>{heading}</h2>
        {children}
        {problem !== undefined && <ProblemText problem={problem} onLeave={onClose} />}
        <footer>
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button strong" disabled={isBusy || !canSubmit}>
            {isBusy ? 'Waiting for the answer…' : submit}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

import type { ComponentChildren } from 'preact';
import { useEffect, useRef } from 'preact/hooks';

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

/** A dialog that asks for something: its title, fields, and a button that does it. */
export function DialogForm({
  title,
  heading = title,
  submit,
  onSubmit,
  onClose,
  children,
}: {
  readonly title: string;
  readonly heading?: ComponentChildren;
  /** What the button says. */
  readonly submit: string;
  readonly onSubmit: () => void;
  readonly onClose: () => void;
  readonly children: ComponentChildren;
}) {
  return (
    <Dialog label={title} onClose={onClose}>
      <form
        class="dialog-form"
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        <h2>{heading}</h2>
        {children}
        <footer>
          <button type="button" class="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button strong">
            {submit}
          </button>
        </footer>
      </form>
    </Dialog>
  );
}

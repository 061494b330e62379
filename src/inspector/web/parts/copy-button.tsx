import { useState } from 'preact/hooks';
import { Icon, type IconName } from './icon.tsx';

/** How long it is said that something was copied. */
export const copiedMs = 1_200;

/** Puts a text into the clipboard and says so for a moment. */
export function CopyButton({
  text,
  label,
  icon = 'copy',
  children,
}: {
  readonly text: string;
  readonly label: string;
  readonly icon?: IconName;
  readonly children?: string;
}) {
  const [isDone, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    await copyText(text);
    setDone(true);
    setTimeout(() => setDone(false), copiedMs);
  };
  return (
    <button
      type="button"
      class={children === undefined ? 'plain' : 'button small'}
      title={label}
      aria-label={label}
      onClick={() => void copy()}
    >
      <Icon name={isDone ? 'check' : icon} size={13} />
      {children !== undefined && <span>{isDone ? 'Copied' : children}</span>}
    </button>
  );
}

/** The clipboard's own interface is only there on loopback and https; the old way always is. */
export async function copyText(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
}

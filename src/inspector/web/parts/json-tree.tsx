/** A JSON value, or the difference between two, as a tree that opens and closes. */

import { useState } from 'preact/hooks';
import { isRawNumber, type Json } from '../../../domain/json.ts';
import { type DifferenceNode, entriesOf } from '../json-difference.ts';
import { copiedMs, copyText } from './copy-button.tsx';
import { Icon } from './icon.tsx';
import { UserText } from './user-text.tsx';

/**
 * `values`: the value after, and what differs lights up for a moment. `difference`: both sides, and
 * only what differs is open. `changes`: as `difference`, and what is the same is left out.
 */
export type TreeMode = 'values' | 'difference' | 'changes';

/** What a session begins with and never changes is closed at first, so that the rest is in sight. */
const closedAtFirst = /^\/(constants|membersInfo)$/;

/** Objects with more members than this are closed at first, below the first level. */
const openMembersMax = 12;

export function JsonTree({
  node,
  mode,
  litKey = '',
}: {
  readonly node: DifferenceNode;
  readonly mode: TreeMode;
  /** Another text lights the differences up again. */
  readonly litKey?: string;
}) {
  return (
    <div class={`json json-${mode}`}>
      <Rows nodes={node.children} mode={mode} depth={0} litKey={litKey} path="" />
    </div>
  );
}

function Rows({
  nodes,
  mode,
  depth,
  litKey,
  path,
}: {
  readonly nodes: readonly DifferenceNode[];
  readonly mode: TreeMode;
  readonly depth: number;
  readonly litKey: string;
  readonly path: string;
}) {
  const shown = nodes.filter(
    ({ kind }) =>
      (mode !== 'changes' || kind !== 'same') && (mode !== 'values' || kind !== 'removed'),
  );
  return (
    <>
      {shown.map((node) => (
        <Row
          key={node.key}
          node={node}
          mode={mode}
          depth={depth}
          litKey={litKey}
          path={`${path}/${node.key}`}
        />
      ))}
    </>
  );
}

function Row({
  node,
  mode,
  depth,
  litKey,
  path,
}: {
  readonly node: DifferenceNode;
  readonly mode: TreeMode;
  readonly depth: number;
  readonly litKey: string;
  readonly path: string;
}) {
  const { key, kind, before, after } = node;
  const value = after ?? before;
  const members = entriesOf(value);
  const differs = kind !== 'same';
  const [isToggled, setToggled] = useState<boolean | undefined>(undefined);
  const isOpen =
    isToggled ??
    (mode === 'values'
      ? !closedAtFirst.test(path) &&
        (depth < 1 || (depth < 5 && (members?.length ?? 0) <= openMembersMax))
      : kind === 'inside' || ((kind === 'added' || kind === 'removed') && depth < 6));
  const children = childrenOf(node, members);
  const isBranch = members !== undefined && members.length > 0;
  const isLit =
    mode === 'values' && (kind === 'changed' || kind === 'added' || (kind === 'inside' && !isOpen));
  // An element of its own for each lighting, so that the animation begins again.
  const elementKey = isLit ? `${path} ${litKey}` : path;
  const tone = mode === 'values' || !differs ? '' : ` ${kind}`;
  return (
    <>
      <div
        key={elementKey}
        class={`json-row${tone}${isLit ? ' lit' : ''}`}
        style={{ '--depth': depth }}
        data-path={path}
      >
        {isBranch ? (
          <button
            type="button"
            class="json-toggle"
            aria-expanded={isOpen}
            aria-label={`${isOpen ? 'Close' : 'Open'} ${key}`}
            onClick={() => setToggled(!isOpen)}
          >
            <svg width="8" height="8" viewBox="0 0 8 8" aria-hidden="true">
              <path d={isOpen ? 'M1 2.5 4 6l3-3.5z' : 'M2.5 1 6 4 2.5 7z'} />
            </svg>
          </button>
        ) : (
          <span class="json-toggle" />
        )}
        <span class="json-key">
          <UserText>{key}</UserText>
          <span class="faint">: </span>
        </span>
        <span class="json-value">
          {isBranch ? (
            <Summary value={value} isOpen={isOpen} />
          ) : mode !== 'values' && kind === 'changed' ? (
            <>
              <del>
                <Scalar value={before} />
              </del>
              <span class="json-arrow"> → </span>
              <ins>
                <Scalar value={after} />
              </ins>
            </>
          ) : (
            <CopiedScalar value={value} />
          )}
        </span>
      </div>
      {isBranch && isOpen && (
        <Rows nodes={children} mode={mode} depth={depth + 1} litKey={litKey} path={path} />
      )}
    </>
  );
}

/** A value that a click copies: a text without its quotes, as it is pasted into a search. */
function CopiedScalar({ value }: { readonly value: Json | undefined }) {
  const [isDone, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    await copyText(typeof value === 'string' ? value : JSON.stringify(value));
    setDone(true);
    setTimeout(() => setDone(false), copiedMs);
  };
  return (
    // Tab passes over them: there may be thousands, and the whole document can be copied.
    <button
      type="button"
      class="json-copy"
      tabIndex={-1}
      title="Copy the value"
      onClick={() => void copy()}
    >
      <Scalar value={value} />
      {isDone && <Icon name="check" size={12} />}
    </button>
  );
}

/** What stands below a node; a whole object that came or went has members of the same kind. */
function childrenOf(
  node: DifferenceNode,
  members: ReturnType<typeof entriesOf>,
): readonly DifferenceNode[] {
  if (node.children.length > 0 || members === undefined) return node.children;
  const kind = node.kind === 'changed' ? 'added' : node.kind;
  return members.map(([key, value]) => ({
    key,
    kind,
    before: kind === 'added' ? undefined : value,
    after: kind === 'removed' ? undefined : value,
    children: [],
    count: kind === 'same' ? 0 : 1,
  }));
}

function Summary({
  value,
  isOpen,
}: {
  readonly value: Json | undefined;
  readonly isOpen: boolean;
}) {
  const members = entriesOf(value) ?? [];
  if (isOpen) return null;
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  const names = Array.isArray(value)
    ? `${members.length}`
    : members
        .slice(0, 4)
        .map(([name]) => name)
        .join(', ');
  return (
    <span class="faint">
      {open} <UserText>{names}</UserText>
      {!Array.isArray(value) && members.length > 4 ? ', …' : ''} {close}
    </span>
  );
}

export function Scalar({ value }: { readonly value: Json | undefined }) {
  if (value === undefined) return <span class="faint">absent</span>;
  if (value === null) return <span class="json-null">null</span>;
  switch (typeof value) {
    case 'string':
      return (
        <span class="json-string">
          <UserText>{JSON.stringify(value)}</UserText>
        </span>
      );
    case 'number':
      return <span class="json-number">{value}</span>;
    case 'boolean':
      return <span class="json-boolean">{String(value)}</span>;
    default:
      break;
  }
  if (isRawNumber(value)) return <span class="json-number">{JSON.stringify(value)}</span>;
  return <span class="faint">{Array.isArray(value) ? '[ ]' : '{ }'}</span>;
}

/**
 * The session document as text. The texts of unchanged parts are kept, which is faster than to
 * format the whole document.
 */

import { formatJson, formatJsonOnce } from '../json.ts';
import { createMemo } from '../memo.ts';
import { newestContractVersion } from './contract-version.ts';
import type { Member, Session } from './session.ts';
import {
  type MemberInOrder,
  membersInOrder,
  shownConstants,
  viewConstants,
  viewHead,
  viewMember,
  viewProperties,
  viewTail,
} from './view.ts';

/**
 * The text of the document, in the shape of `contractVersion`, kept for the next reader: documents
 * are answered far more often than they change.
 */
export function renderSession(session: Session, contractVersion: number): string {
  const shape = Math.min(contractVersion, newestContractVersion);
  const known = rendered.get(session);
  if (known?.shape === shape) return known.text;
  return rendered.set(session, { shape, text: formatSession(session, shape) }).text;
}

type RenderedText = { readonly shape: number; readonly text: string };
type RenderedProperties = RenderedText & { readonly constants: Session['constants'] };
type RenderedMember = { readonly text: string; readonly next: number; readonly turn: boolean };

const rendered = createMemo<Session, RenderedText>();
const renderedProperties = createMemo<Session['properties'], RenderedProperties>();
const renderedMembers = createMemo<Member, RenderedMember>();

/**
 * `formatJson(viewSession(…))`, joined from the kept texts of unchanged parts; not kept itself,
 * since the answer to a write needs it once.
 */
export function formatSession(session: Session, contractVersion: number): string {
  const head = formatJson(viewHead(session));
  const tail = formatJson(viewTail(session, contractVersion));
  const constants =
    contractVersion === newestContractVersion
      ? formatJsonOnce(shownConstants(session.constants))
      : formatJson(viewConstants(session, contractVersion));
  const members = membersInOrder(session).map((one) => `"${one.key}":${formatMember(one)}`);
  // Not added up with `+`: the engine keeps the parts of such a text until it is used.
  return [
    head.slice(0, -1),
    ',"constants":',
    constants,
    ',"properties":',
    formatProperties(session, contractVersion),
    ',"servers":',
    formatJsonOnce(session.servers),
    ',"members":{',
    members.join(','),
    '},',
    tail.slice(1),
  ].join('');
}

function formatProperties(session: Session, shape: number): string {
  const { properties, constants } = session;
  const known = renderedProperties.get(properties);
  // Several sessions may share the properties of their template, and show different things of them.
  if (known?.shape === shape && known.constants === constants) return known.text;
  const text = formatJson(viewProperties(session, shape));
  return renderedProperties.set(properties, { text, shape, constants }).text;
}

function formatMember({ member, next, turn }: MemberInOrder): string {
  const known = renderedMembers.get(member);
  if (known?.next === next && known.turn === turn) return known.text;
  const text = formatJson(viewMember(member, next, turn));
  return renderedMembers.set(member, { text, next, turn }).text;
}

/** The parts of the document whose size clients decide, as text. */
export function partTextsOf(session: Session): readonly string[] {
  return [
    formatJsonOnce(shownConstants(session.constants)),
    formatProperties(session, newestContractVersion),
    formatJsonOnce(session.servers),
    ...(session.roleTypes ? [formatJsonOnce(session.roleTypes)] : []),
    ...(session.extra ? [formatJsonOnce(session.extra)] : []),
    ...membersInOrder(session).map(formatMember),
  ];
}

/** One member of the session as the document shows it. */
export function textOfMember(session: Session, member: Member): string {
  const inOrder = membersInOrder(session).find((one) => one.member === member);
  return inOrder === undefined ? '' : formatMember(inOrder);
}

import type {
  ConnectionClosed,
  ConnectionOpened,
  ObservedEvent,
  RequestEnded,
  ResyncSent,
  SubscriptionChanged,
  TapsSent,
} from '../observe/events.ts';

/** What happens on RTA connections, as the log of the inspector shows it. */
export type RtaEvent =
  | ConnectionOpened
  | ConnectionClosed
  | SubscriptionChanged
  | TapsSent
  | ResyncSent;

/** What the log of the inspector shows. */
export type LoggedEvent = RequestEnded | RtaEvent;

/** An event with its number, which rises by one. */
export type NumberedEvent = { readonly number: number; readonly event: LoggedEvent };

/** Events that are kept, and the bytes of their bodies together. */
const eventsMax = 2_000;
const bodyBytesMax = 16_777_216;

/** The last requests and events of connections, as they were observed, the newest last. */
export class RecentEvents {
  #kept: NumberedEvent[] = [];
  /** Those before it are gone: they are cut off now and then, many at once. */
  #first = 0;
  #bodyBytes = 0;
  #lastNumber = 0;

  get lastNumber(): number {
    return this.#lastNumber;
  }

  /** Keeps an event if it is one that is shown; returns its number then. */
  note(event: ObservedEvent): number | undefined {
    if (!isLogged(event)) return undefined;
    this.#lastNumber += 1;
    this.#kept.push({ number: this.#lastNumber, event });
    this.#bodyBytes += bodyBytesOf(event);
    while (this.#kept.length - this.#first > eventsMax || this.#bodyBytes > bodyBytesMax) {
      const gone = this.#kept[this.#first];
      if (gone === undefined) break;
      this.#bodyBytes -= bodyBytesOf(gone.event);
      this.#first += 1;
    }
    if (this.#first >= eventsMax) {
      this.#kept = this.#kept.slice(this.#first);
      this.#first = 0;
    }
    return this.#lastNumber;
  }

  /** All that are kept, the oldest first. */
  all(): readonly NumberedEvent[] {
    return this.#kept.slice(this.#first);
  }
}

function isLogged(event: ObservedEvent): event is LoggedEvent {
  switch (event.kind) {
    case 'request':
      return !isOfInspector(event);
    case 'connectionOpened':
    case 'connectionClosed':
    case 'subscription':
    case 'tapsSent':
    case 'resyncSent':
      return true;
    default:
      return false;
  }
}

/** What the inspector asks for itself is not shown. */
function isOfInspector({ target, status }: RequestEnded): boolean {
  return (
    target.startsWith('/inspector/') ||
    target.startsWith('/assets/') ||
    (target === '/' && status === 200)
  );
}

function bodyBytesOf(event: LoggedEvent): number {
  return event.kind === 'request'
    ? (event.requestBody?.length ?? 0) + (event.answerBody?.length ?? 0)
    : 0;
}

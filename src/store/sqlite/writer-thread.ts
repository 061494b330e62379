import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Write } from './statements.ts';
import type {
  HistoryFault,
  WriteFailure,
  WriterMessage,
  WriterQuestion,
  WriterRequest,
  WriterSettings,
} from './writer-messages.ts';

// A thread starts from a file: a source, one that was compiled, or a part of the built command.
const writerUrl = new URL(`./writer${extname(import.meta.url)}`, import.meta.url);

/**
 * The writer's thread, seen from the event loop: takes one group at a time.
 *
 * Should the thread die, the group it was at fails, and the next one gets a new thread. It keeps
 * the process alive while it is at a group, and not longer.
 */
export class WriterThread {
  readonly #settings: WriterSettings;
  readonly #noteHistory: (fault: HistoryFault | undefined) => void;
  #worker: Worker | undefined;
  #answer: ((failure: WriteFailure | undefined) => void) | undefined;
  readonly #questions = new Map<number, (rows: readonly number[] | undefined) => void>();
  #questionsCount = 0;

  constructor(
    settings: WriterSettings,
    noteHistory: (fault: HistoryFault | undefined) => void = () => undefined,
  ) {
    this.#settings = settings;
    this.#noteHistory = noteHistory;
  }

  /** Starts the thread before there is a group, so that the first one does not wait for it. */
  prepare(): void {
    this.#worker ?? this.#start();
  }

  /** Undefined once the group is committed, else the reason why it is not known to be. */
  write(group: readonly Write[]): Promise<WriteFailure | undefined> {
    return new Promise((answer) => {
      this.#answer = answer;
      this.#send(group);
    });
  }

  /**
   * The rows of `recent_change` that this session needs, the oldest first; some may be gone. Undefined: it
   * is not known. With `mend` damaged tables are replaced first.
   */
  recentRows(
    session: number,
    kind: WriterQuestion['kind'],
  ): Promise<readonly number[] | undefined> {
    return new Promise((answer) => {
      const id = ++this.#questionsCount;
      this.#questions.set(id, answer);
      this.#send({ id, kind, session });
    });
  }

  /** Ends the thread once it has closed its connection. No group may be under way. */
  async close(): Promise<void> {
    const worker = this.#worker;
    if (!worker) return;
    worker.ref();
    const ended = new Promise((resolve) => worker.once('exit', resolve));
    worker.postMessage(null);
    await ended;
  }

  #send(request: WriterRequest): void {
    const worker = this.#worker ?? this.#start();
    worker.ref();
    worker.postMessage(request);
  }

  #start(): Worker {
    const worker = new Worker(writerUrl, {
      workerData: this.#settings,
      name: 'store writer',
      // Not those of the process, some of which a thread refuses (`--input-type`, say).
      execArgv: ['--disable-warning=ExperimentalWarning'],
    });
    this.#worker = worker;
    worker.unref();
    worker.on('message', (message: WriterMessage) => {
      if (message.kind === 'history') return this.#noteHistory(message.fault);
      if (message.kind === 'rows') this.#answerQuestion(message.id, message.rows);
      else this.#answerWith(message.failure);
      if (this.#answer === undefined && this.#questions.size === 0) worker.unref();
    });
    let cause = 'the thread that writes has ended';
    worker.on('error', (error) => {
      cause = error.message;
    });
    worker.on('exit', () => {
      this.#worker = undefined;
      this.#answerWith({ message: cause, isUndone: false });
      for (const id of this.#questions.keys()) this.#answerQuestion(id, undefined);
    });
    return worker;
  }

  #answerQuestion(id: number, rows: readonly number[] | undefined): void {
    const answer = this.#questions.get(id);
    this.#questions.delete(id);
    answer?.(rows);
  }

  #answerWith(failure: WriteFailure | undefined): void {
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.(failure);
  }
}

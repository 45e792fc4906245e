/** Histories written down by hand, for tests of the checker. */
import type { Consistency, HistoryEvent, Mutation, Operation, Seen, SeenEntry, Value } from './events.js';
import { HistoryCheck, type HistoryVerdict } from './history-check.js';

/** An operation under way. */
export class Pending {
  readonly #script: Script;
  readonly #id: number;

  constructor(script: Script, id: number) {
    this.#script = script;
    this.#id = id;
  }

  ok(value: Value = {}, sn?: number): void {
    this.#script.add({ event: 'return', id: this.#id, at: this.#script.now(), outcome: 'ok', value, ...(sn === undefined ? {} : { sn }) });
  }

  refused(errno: string, sn?: number): void {
    const at = this.#script.now();
    this.#script.add({ event: 'return', id: this.#id, at, outcome: 'failed', error: 'x', errno, ...(sn === undefined ? {} : { sn }) });
  }

  unknown(): void {
    this.#script.add({ event: 'return', id: this.#id, at: this.#script.now(), outcome: 'unknown', error: 'deadline_exceeded' });
  }

  nothing(error = 'unavailable'): void {
    this.#script.add({ event: 'return', id: this.#id, at: this.#script.now(), outcome: 'failed', error });
  }
}

export class Script {
  readonly events: HistoryEvent[] = [{ event: 'run', format: 1, clock: 'none' }];
  #ids = 0;
  #clock = 0;

  now(): number {
    return ++this.#clock;
  }

  add(event: HistoryEvent): void {
    this.events.push(event);
  }

  call(process: string, operation: Operation, consistency?: Consistency): Pending {
    const id = ++this.#ids;
    this.add({ event: 'call', id, process, at: this.now(), operation, ...(consistency === undefined ? {} : { consistency }) });
    return new Pending(this, id);
  }

  /** Called and answered before anything else happens. */
  did(process: string, operation: Operation, value: Value = {}, sn?: number): void {
    this.call(process, operation).ok(value, sn);
  }

  saw(process: string, path: string, seen: Seen | string, consistency?: Consistency, sn?: number): void {
    const look = this.call(process, { kind: 'getStatus', path }, consistency);
    if (typeof seen === 'string') look.refused(seen, sn);
    else look.ok({ seen }, sn);
  }

  listed(process: string, path: string, entries: readonly SeenEntry[]): void {
    this.call(process, { kind: 'list', path }).ok({ pages: [{ sn: 0, entries }] });
  }

  verdict(statesMax?: number): HistoryVerdict {
    const check = new HistoryCheck(statesMax);
    for (const event of this.events) check.take(event);
    return check.end();
  }
}

const MODE = 0o755;
const LENGTH = 5;

export const create = (path: string, more: { overwrite?: boolean } = {}): Mutation => ({
  kind: 'createFile',
  path,
  mode: MODE,
  completeLength: LENGTH,
  ...more,
});
export const write = (path: string): Mutation => ({ kind: 'createFile', path, mode: MODE });
export const mkdir = (path: string): Mutation => ({ kind: 'createDirectory', path, mode: MODE });
export const remove = (path: string, recursive = false): Mutation => ({ kind: 'remove', path, recursive });
export const rename = (from: string, to: string, overwrite = false): Mutation => ({ kind: 'rename', from, to, overwrite });
export const chmod = (path: string, mode: number): Mutation => ({ kind: 'setMode', path, mode });
export const batch = (...steps: Mutation[]): Operation => ({ kind: 'batch', steps });

export const file = (id: number, mode = MODE): Seen => ({ id, directory: false, mode, length: LENGTH });
export const directory = (id: number, children: number): Seen => ({ id, directory: true, mode: MODE, children });
export const entry = (name: string, seen: Seen): SeenEntry => ({ name, ...seen });

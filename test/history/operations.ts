/** Operations out of events: each with its call and its return, in the form in which they are checked. */
import type { CallEvent, Consistency, HistoryEvent, Operation, Read, ReturnEvent, SeenEntry, Value } from './events.js';
import { isRead } from './events.js';

/** Part of a listing that is as of one entry: the names behind `after`, up to and with `upTo`; null: all that follow. */
export interface ListPart {
  readonly kind: 'listPart';
  readonly path: string;
  readonly after: string;
  readonly upTo: string | null;
  readonly entries: readonly SeenEntry[];
}

/** An operation as it was seen from outside. Moments are numbers of events. */
export interface Op {
  /** Its place among those that are checked together. */
  index: number;
  readonly id: number;
  readonly process: string;
  readonly client: string;
  readonly operation: Operation | ListPart;
  readonly consistency: Consistency;
  readonly calledAt: number;
  /** Infinity: it may take effect at any later time. */
  readonly returnedAt: number;
  readonly calledMs: number;
  readonly returnedMs: number;
  /** `refused`: by the namespace, for `errno`. `nothing`: it had no effect, and nobody said anything of the namespace. */
  readonly outcome: 'ok' | 'refused' | 'nothing' | 'unknown';
  readonly errno: string;
  readonly error: string;
  readonly message: string;
  readonly value: Value;
  /** The answer holds as of this entry; 0: it does not say. */
  readonly sn: number;
}

export function pathsOf(operation: Operation | ListPart): readonly string[] {
  if (operation.kind === 'batch') return operation.steps.flatMap(pathsOf);
  return operation.kind === 'rename' ? [operation.from, operation.to] : [operation.path];
}

/** A read that any master may answer. */
export function isWeak({ consistency }: Op): boolean {
  return consistency !== 'linearizable';
}

export function isLook({ operation }: Pick<Op, 'operation'>): boolean {
  return operation.kind === 'listPart' || isRead(operation);
}

/** Matches calls and returns. */
export class OpTable {
  readonly ops: Op[] = [];
  readonly #called = new Map<number, { readonly call: CallEvent; readonly at: number }>();

  /** @param at the event's number. */
  take(event: HistoryEvent, at: number): void {
    if (event.event === 'call') this.#called.set(event.id, { call: event, at });
    if (event.event !== 'return') return;
    const called = this.#called.get(event.id);
    if (called === undefined) return;
    this.#called.delete(event.id);
    this.ops.push(...opsOf(called.call, called.at, event, at));
  }

  /** What was called and not answered is unknown. */
  end(): readonly Op[] {
    for (const { call, at } of this.#called.values()) this.ops.push(...opsOf(call, at, undefined, Number.POSITIVE_INFINITY));
    this.#called.clear();
    this.ops.sort((a, b) => a.calledAt - b.calledAt);
    for (const [index, op] of this.ops.entries()) op.index = index;
    return this.ops;
  }
}

function opsOf(call: CallEvent, calledAt: number, answer: ReturnEvent | undefined, answeredAt: number): Op[] {
  const { id, process, operation, consistency = 'linearizable' } = call;
  const outcome = outcomeOf(answer);
  const op: Op = {
    index: 0,
    id,
    process,
    client: process.slice(0, Math.max(0, process.lastIndexOf('.'))),
    operation,
    consistency,
    calledAt,
    returnedAt: outcome === 'unknown' ? Number.POSITIVE_INFINITY : answeredAt,
    calledMs: call.at,
    returnedMs: answer?.at ?? Number.POSITIVE_INFINITY,
    outcome,
    errno: answer?.errno ?? '',
    error: answer?.error ?? '',
    message: answer?.message ?? '',
    value: answer?.value ?? {},
    sn: answer?.sn ?? 0,
  };
  return operation.kind === 'list' && outcome === 'ok' ? listParts(op, operation) : [op];
}

function outcomeOf(answer: ReturnEvent | undefined): Op['outcome'] {
  if (answer === undefined || answer.outcome === 'unknown') return 'unknown';
  if (answer.outcome === 'ok') return 'ok';
  return answer.errno === undefined ? 'nothing' : 'refused';
}

/** Pages as of one entry are one look; a master that failed in the middle makes another one. */
function listParts(op: Op, { path }: Read): Op[] {
  const looks: { sn: number; entries: SeenEntry[] }[] = [];
  for (const { sn, entries } of op.value.pages ?? []) {
    const last = looks.at(-1);
    if (last?.sn === sn) last.entries.push(...entries);
    else looks.push({ sn, entries: [...entries] });
  }
  // No page at all says that there is nothing.
  if (looks.length === 0) looks.push({ sn: op.sn, entries: [] });
  let after = '';
  return looks.map(({ sn, entries }, at) => {
    const upTo = at === looks.length - 1 ? null : (entries.at(-1)?.name ?? after);
    const part: ListPart = { kind: 'listPart', path, after, upTo, entries };
    after = upTo ?? '';
    return { ...op, operation: part, sn };
  });
}

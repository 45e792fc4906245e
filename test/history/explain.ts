/**
 * The shortest account of a violation that can be found in reasonable time: the history only up to the return that cannot be explained any more,
 * without the looks that it breaks without, and of the changes only those that have to do with it.
 */
import { Conflicts } from './conflicts.js';
import { isLook, type Op, pathsOf } from './operations.js';
import { type SearchResult, type SearchSettings, type Stuck, search } from './search.js';

const SEARCHES_MAX = 120;
const ROWS_MAX = 40;
const CELL_MAX = 110;

/** @param ops that `settings` find no order for. */
export function explanation(ops: readonly Op[], settings: SearchSettings): string {
  let searches = 0;
  const isBroken = (some: readonly Op[]) => searches++ < SEARCHES_MAX && search(some, settings).verdict === 'violation';
  const ended = cutOff(ops, isBroken);
  const few = withoutLooks(ended, isBroken);
  const result = search(few, settings);
  const last = few.reduce((latest, op) => (Number.isFinite(op.returnedAt) && op.returnedAt > latest.returnedAt ? op : latest));
  return tableOf(few, last, result);
}

/** @returns the history up to the first return that makes it break: what had not returned by then may have happened or not. */
function cutOff(ops: readonly Op[], isBroken: (ops: readonly Op[]) => boolean): readonly Op[] {
  const returns = ops.map(({ returnedAt }) => returnedAt).filter(Number.isFinite);
  returns.sort((a, b) => a - b);
  let [holds, breaks] = [-1, returns.length - 1];
  while (breaks - holds > 1) {
    const middle = (holds + breaks) >> 1;
    if (isBroken(upTo(ops, returns[middle] as number))) breaks = middle;
    else holds = middle;
  }
  return upTo(ops, returns[breaks] ?? Number.POSITIVE_INFINITY);
}

function upTo(ops: readonly Op[], moment: number): Op[] {
  return ops
    .filter(({ calledAt }) => calledAt < moment)
    .map((op) =>
      op.returnedAt <= moment || op.outcome === 'nothing'
        ? op
        : { ...op, outcome: 'unknown', returnedAt: Number.POSITIVE_INFINITY, value: {}, errno: '', sn: 0 },
    );
}

/** What changes nothing can be left out: a history that is explained with it is explained without it. */
function withoutLooks(ops: readonly Op[], isBroken: (ops: readonly Op[]) => boolean): readonly Op[] {
  let kept = ops.filter((op) => op.outcome !== 'nothing' && !(isLook(op) && op.outcome === 'unknown'));
  const isIdle = (op: Op) => isLook(op) || op.outcome === 'refused';
  for (let size = kept.filter(isIdle).length; size >= 1; size = Math.floor(size / 2)) {
    const idle = kept.filter(isIdle);
    for (let from = 0; from < idle.length; from += size) {
      const out = new Set(idle.slice(from, from + size));
      const rest = kept.filter((op) => !out.has(op));
      if (isBroken(rest)) kept = rest;
    }
  }
  return kept;
}

function tableOf(ops: readonly Op[], last: Op, { stuck }: SearchResult): string {
  const conflicts = new Conflicts(ops.filter(({ operation }) => operation.kind !== 'setQuota'));
  const nearby = ops.filter((op) => op === last || isLook(op) || conflicts.between(op, last));
  const shown = nearby.slice(-ROWS_MAX);
  const rows = shown.map((op) => [moment(op.calledMs), moment(op.returnedMs), op.process, op.sn || '', asked(op), answered(op)].map(cell));
  const widths = rows.reduce((most, row) => row.map((text, at) => Math.max(most[at] ?? 0, text.length)), [] as number[]);
  const lines = rows.map((row) => `    ${row.map((text, at) => text.padEnd(widths[at] ?? 0)).join('  ')}`.trimEnd());
  return [
    `  called, returned (ms), by whom, entry, what, answer; ${shown.length} of ${ops.length} operations that have to do with id=${last.id}:`,
    ...lines,
    ...blockedIn(stuck),
  ].join('\n');
}

function blockedIn(stuck: Stuck | null): string[] {
  if (stuck === null) return [];
  return [
    `  the search came as far as ${stuck.order.length} operations; then, of those that could be next:`,
    ...stuck.blocked.map(
      ({ op, expected }) => `    ${op.process} id=${op.id} ${cell(asked(op))}: told ${cell(answered(op))}, expected ${cell(expected)}`,
    ),
  ];
}

function asked({ operation, consistency }: Op): string {
  const { kind, ...more } = operation;
  const details = operation.kind === 'listPart' ? '' : ` ${JSON.stringify(more)}`;
  const freshness = consistency === 'linearizable' ? '' : ` ${JSON.stringify(consistency)}`;
  return `${kind} ${pathsOf(operation).join(' ')}${operation.kind === 'batch' ? details : plain(more)}${freshness}`;
}

/** What is not told by the paths. */
function plain(more: object): string {
  const rest = Object.entries(more).filter(([name]) => !['path', 'from', 'to', 'entries', 'after', 'upTo'].includes(name));
  return rest.map(([name, value]) => ` ${name}=${String(value)}`).join('');
}

function answered({ outcome, errno, operation, value, error }: Op): string {
  if (outcome !== 'ok') return errno || (outcome === 'unknown' ? `? ${error}` : error);
  if (operation.kind !== 'listPart') return JSON.stringify(value.seen ?? value);
  return operation.entries.map(({ name, id, mode }) => `${name} id=${id} mode=${mode.toString(8)}`).join(', ') || 'nothing';
}

function moment(ms: number): string {
  return Number.isFinite(ms) ? ms.toFixed(1) : '-';
}

function cell(value: string | number): string {
  const text = String(value);
  return text.length > CELL_MAX ? `${text.slice(0, CELL_MAX)}…` : text;
}

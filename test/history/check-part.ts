/** The verdict of one part of a history: of operations that have nothing to do with the others. */
import type { Feed } from './feeds.js';
import { checkFeeds, hintsOf } from './feeds.js';
import { type Op, pathsOf } from './operations.js';
import { idsMade, Search, type SearchResult, type SearchSettings } from './search.js';

export interface PartVerdict {
  /** Each begins with what is broken: `history:`, `watch:`. */
  readonly violations: readonly string[];
  /** What the search was given up for. */
  readonly undecided: readonly string[];
  readonly states: number;
}

/** Errors that say: nothing happened, for now. */
const PASSING: ReadonlySet<string> = new Set(['unavailable', 'resource_exhausted']);

export function checkPart(ops: readonly Op[], feeds: readonly Feed[], statesMax: number): PartVerdict {
  const settings: SearchSettings = { claims: true, statesMax, hints: hintsOf(feeds, ops) };
  const watched = checkFeeds(feeds, ops);
  const plain = [...unexpected(ops), ...twice(ops), ...watched.violations];
  const byClaims = new Search(ops, settings).run();
  if (byClaims.verdict === 'explained') return { violations: plain, undecided: [], states: byClaims.states };
  const freely = new Search(ops, { ...settings, claims: false }).run();
  const states = byClaims.states + freely.states;
  const what =
    freely.verdict === 'violation'
      ? 'history: no order of the operations explains what was seen (I1, I5, I6)'
      : 'history: answers are not what the entries say as of which they are told (I6)';
  if (byClaims.verdict === 'undecided' && freely.verdict !== 'violation') {
    return { violations: plain, undecided: [`given up after ${states} states of ${ops.length} operations`], states };
  }
  return { violations: [...plain, `${what}\n${told(freely.verdict === 'violation' ? freely : byClaims)}`], undecided: [], states };
}

function told({ stuck }: SearchResult): string {
  if (stuck === null) return '';
  return [
    ...stuck.order.slice(-3).map((op) => `    ${line(op)}`),
    ...stuck.blocked.map(({ op, expected }) => `  ? ${line(op)} EXPECTED ${expected}`),
  ].join('\n');
}

function line(op: Op): string {
  return `${op.calledMs}..${op.returnedMs} ${op.process} id=${op.id} sn=${op.sn} ${op.outcome} ${op.errno} ${JSON.stringify(op.operation)} ${JSON.stringify(op.value)} ${JSON.stringify(op.consistency)}`;
}

function unexpected(ops: readonly Op[]): string[] {
  return ops
    .filter(({ outcome, error }) => outcome === 'nothing' && !PASSING.has(error))
    .map(
      (op) =>
        `history: ${op.process} ${op.operation.kind} ${pathsOf(op.operation).join(' ')} id=${op.id} failed with ${op.error}: ${op.message}`,
    );
}

/** Inodes that two creations were told. */
function twice(ops: readonly Op[]): string[] {
  const makers = new Map<number, Op>();
  return ops.flatMap((op) =>
    idsMade(op).flatMap((id) => {
      const other = makers.get(id);
      makers.set(id, op);
      return other === undefined ? [] : [`history: inode ${id} was made twice: by id=${other.id} and by id=${op.id} (I5)`];
    }),
  );
}

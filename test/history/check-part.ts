/** The verdict on one part of a history: on operations that have nothing to do with the others. */
import { accountsOf } from './accounts.js';
import { explanation } from './explain.js';
import { checkFeeds, type Feed, hintsOf } from './feeds.js';
import type { Inodes } from './inodes.js';
import { isLook, isWeak, type Op, pathsOf } from './operations.js';
import { type SearchSettings, search } from './search.js';

export interface PartVerdict {
  readonly violations: readonly string[];
  readonly undecided: readonly string[];
  readonly lost: number;
  readonly duplicated: number;
  readonly states: number;
}

/** Errors that say: nothing happened, for now. */
const PASSING: ReadonlySet<string> = new Set(['unavailable', 'resource_exhausted']);

/**
 * @param statesMax that are looked at before the search is given up.
 * @param inodes of all parts; those of this part are added.
 */
export function checkPart(ops: readonly Op[], feeds: readonly Feed[], statesMax: number, inodes: Inodes): PartVerdict {
  const fed = checkFeeds(feeds, ops);
  const accounts = accountsOf(ops);
  const twice = inodes.madeTwice(ops);
  const ordered = checkOrder(ops, { claims: true, statesMax, hints: hintsOf(feeds, ops) });
  return {
    ...ordered,
    violations: [
      ...unexpected(ops),
      ...ofNoEntry(ops),
      ...twice,
      ...inodes.elsewhere(ops),
      ...accounts.lost,
      ...accounts.duplicated,
      ...fed.violations,
      ...ordered.violations,
    ],
    lost: accounts.lost.length,
    duplicated: accounts.duplicated.length + twice.length + fed.duplicated,
  };
}

/**
 * Held to the entries that answers name, the order is all but given, and its search is short. Only where it finds none is there need to know whether
 * there is any order at all.
 */
function checkOrder(ops: readonly Op[], settings: SearchSettings): Pick<PartVerdict, 'violations' | 'undecided' | 'states'> {
  const named = search(ops, settings);
  if (named.verdict === 'explained') return { violations: [], undecided: [], states: named.states };
  const free = { ...settings, claims: false };
  const any = search(ops, free);
  const states = named.states + any.states;
  if (any.verdict === 'violation') {
    const violation = `history: no order of the operations explains what was seen (I1, I5, I6)\n${explanation(ops, free)}`;
    return { violations: [violation], undecided: [], states };
  }
  if (named.verdict === 'violation') {
    const whether =
      any.verdict === 'explained' ? 'an order of its own explains the rest' : 'whether any order explains them is not decided';
    const violation = `history: answers are not the state as of the entries that they name; ${whether} (I6)\n${explanation(ops, settings)}`;
    return { violations: [violation], undecided: [], states };
  }
  const [first] = ops;
  const where = first === undefined ? '' : pathsOf(first.operation)[0];
  return { violations: [], undecided: [`${ops.length} operations around ${where}: given up after ${states} states`], states };
}

function unexpected(ops: readonly Op[]): string[] {
  return ops
    .filter(({ outcome, error }) => outcome === 'nothing' && !PASSING.has(error))
    .map(
      (op) =>
        `history: ${op.process} ${op.operation.kind} ${pathsOf(op.operation).join(' ')} id=${op.id} failed: ${op.error}: ${op.message}`,
    );
}

/** Before the first entry there is nothing: who tells of something has to name the entry, or else nothing could be checked of it. */
function ofNoEntry(ops: readonly Op[]): string[] {
  const tells = ({ outcome, errno }: Op) => outcome === 'ok' || (outcome === 'refused' && errno !== 'ENOENT');
  return ops
    .filter((op) => op.sn === 0 && isLook(op) && isWeak(op) && tells(op))
    .map((op) => `history: ${op.process} was told of ${pathsOf(op.operation).join(' ')} by id=${op.id} as of no entry (I6)`);
}

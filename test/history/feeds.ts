/**
 * What watchers were told, against what was called: every acknowledged change in its place, once and in order; nothing that nobody asked for; and
 * no two watchers told different things of one entry.
 */

import { isAtOrBelow } from './conflicts.js';
import type { Mutation, ToldChange } from './events.js';
import { isLook, type Op } from './operations.js';

/** One watch, as far as it concerns what is checked. */
export interface Feed {
  readonly id: number;
  readonly process: string;
  readonly path: string;
  readonly fromSn: number;
  /** All up to here was told. */
  throughSn: number;
  readonly changes: ToldChange[];
}

/** Kinds of entries, as the change feed names them, of our operations. */
const KINDS: Readonly<Record<Mutation['kind'], string>> = {
  createFile: 'createFile',
  createDirectory: 'createDirectory',
  remove: 'remove',
  rename: 'rename',
  setMode: 'setAttributes',
  setXattr: 'setXattr',
  setQuota: 'setAttributes',
  addBlocks: 'addBlocks',
  completeFile: 'completeFile',
};
const KNOWN_KINDS: ReadonlySet<string> = new Set(Object.values(KINDS));
/** They concern what is below them, too. */
const OF_TREES: ReadonlySet<string> = new Set(['rename', 'remove']);

export interface FeedVerdict {
  readonly violations: readonly string[];
  /** Changes that nobody asked for, or that were made once more. */
  readonly duplicated: number;
  /** Acknowledged, and not told of. */
  readonly missing: number;
}

export function checkFeeds(feeds: readonly Feed[], ops: readonly Op[]): FeedVerdict {
  const violations = feeds.flatMap(disorderOf);
  const told = new Map<number, Map<number, ToldChange>>();
  for (const feed of feeds) {
    for (const change of feed.changes) {
      const steps = told.get(change.sn) ?? new Map<number, ToldChange>();
      const known = steps.get(change.step);
      if (known !== undefined && lineOf(known) !== lineOf(change)) {
        violations.push(`watch: ${tell(feed)} was told ${lineOf(change)} where another was told ${lineOf(known)}`);
      }
      told.set(change.sn, steps.set(change.step, change));
    }
  }
  const bySn = new Map<number, Op[]>();
  for (const op of ops) if (op.outcome === 'ok' && !isLook(op)) bySn.set(op.sn, [...(bySn.get(op.sn) ?? []), op]);
  const gaps = feeds.flatMap((feed) => gapsOf(feed, bySn));
  const strangers = strangersIn(told, bySn, ops);
  return { violations: [...violations, ...gaps, ...strangers], duplicated: strangers.length, missing: gaps.length };
}

/** @returns for each operation of unknown outcome that an entry that was told of can be: that entry. */
export function hintsOf(feeds: readonly Feed[], ops: readonly Op[]): Map<number, number> {
  const acknowledged = ops.filter(({ outcome }) => outcome === 'ok');
  const known = new Set(acknowledged.filter((op) => stepsOf(op).some(isCertain)).map(({ sn }) => sn));
  const made = new Set(acknowledged.flatMap((op) => stepsOf(op).map((step) => `${op.sn} ${shapeOf(asTold(step))}`)));
  const shapes = new Map<string, number[]>();
  const told = new Map<number, Map<number, ToldChange>>();
  for (const { changes } of feeds) {
    for (const change of changes) {
      if (known.has(change.sn) || made.has(`${change.sn} ${shapeOf(change)}`)) continue;
      told.set(change.sn, (told.get(change.sn) ?? new Map()).set(change.step, change));
    }
  }
  for (const [sn, steps] of [...told].sort(([a], [b]) => a - b)) {
    for (const change of steps.values()) {
      const shape = shapeOf(change);
      shapes.set(shape, [...(shapes.get(shape) ?? []), sn]);
    }
  }
  const hints = new Map<number, number>();
  for (const op of ops) {
    if (op.outcome !== 'unknown' || isLook(op)) continue;
    const sns = stepsOf(op).map((step) => shapes.get(shapeOf(asTold(step))) ?? []);
    const before = Math.max(0, ...ops.filter(({ returnedAt }) => returnedAt < op.calledAt).map(({ sn }) => sn));
    const sn = sns[0]?.find((one) => one > before && sns.every((others) => others.includes(one)));
    if (sn === undefined) continue;
    hints.set(op.index, sn);
    for (const others of sns) if (others.includes(sn)) others.splice(others.indexOf(sn), 1);
  }
  return hints;
}

function disorderOf(feed: Feed): string[] {
  const found: string[] = [];
  let last = { sn: feed.fromSn, step: -1 };
  for (const change of feed.changes) {
    const isBehind = change.sn > last.sn || (change.sn === last.sn && change.step > last.step);
    if (!isBehind)
      found.push(`watch: ${tell(feed)} was told ${lineOf(change)} out of order, or again, behind sn=${last.sn} step=${last.step}`);
    last = change;
  }
  return found;
}

/** @returns what was acknowledged, lies in what the feed says it has told, and was not told. */
function gapsOf(feed: Feed, bySn: BySn): string[] {
  const told = new Set(feed.changes.map((change) => `${change.sn} ${change.step}`));
  const found: string[] = [];
  for (const [sn, ops] of bySn) {
    if (sn < feed.fromSn || sn > feed.throughSn) continue;
    for (const [at, step] of ops.flatMap((op) => [...stepsOf(op).entries()])) {
      const due = asTold(step);
      if (told.has(`${sn} ${at}`) || !isCertain(step) || !concerns(due, feed.path)) continue;
      found.push(`watch: ${tell(feed)} was not told ${lineOf({ ...due, sn, step: at })}, which was acknowledged`);
    }
  }
  return found;
}

/** @returns entries that were told of and that no operation explains. */
function strangersIn(told: ReadonlyMap<number, ReadonlyMap<number, ToldChange>>, bySn: BySn, ops: readonly Op[]): string[] {
  const unknown = new Map<string, number>();
  for (const op of ops) {
    if (op.outcome !== 'unknown' || isLook(op)) continue;
    for (const step of stepsOf(op)) {
      const shape = shapeOf(asTold(step));
      unknown.set(shape, (unknown.get(shape) ?? 0) + 1);
    }
  }
  const found: string[] = [];
  for (const [sn, steps] of [...told].sort(([a], [b]) => a - b)) {
    const acknowledged = (bySn.get(sn) ?? []).map(stepsOf);
    for (const change of steps.values()) {
      if (!KNOWN_KINDS.has(change.kind) || acknowledged.some((all) => isStep(all[change.step], change))) continue;
      const left = unknown.get(shapeOf(change)) ?? 0;
      if (left > 0) unknown.set(shapeOf(change), left - 1);
      else found.push(`watch: a change that nobody asked for, or that was made again: ${lineOf(change)}`);
    }
  }
  return found;
}

/** Changes that were acknowledged, by the entries as of which their answers hold: one of them made it. */
type BySn = ReadonlyMap<number, readonly Op[]>;
type Shape = Pick<ToldChange, 'kind' | 'path' | 'toPath'>;

function stepsOf({ operation }: Op): readonly Mutation[] {
  if (operation.kind === 'batch') return operation.steps;
  return operation.kind in KINDS ? [operation as Mutation] : [];
}

function asTold(step: Mutation): Shape {
  const kind = KINDS[step.kind];
  return step.kind === 'rename' ? { kind, path: step.from, toPath: step.to } : { kind, path: step.path };
}

function isStep(step: Mutation | undefined, change: ToldChange): boolean {
  return step !== undefined && shapeOf(asTold(step)) === shapeOf(change);
}

/** Acknowledged, it has changed something for certain. */
function isCertain(step: Mutation): boolean {
  if (step.kind === 'createDirectory') return !step.allowExists;
  if (step.kind === 'rename') return step.from !== step.to;
  return step.kind !== 'setMode' && step.kind !== 'setQuota';
}

function concerns({ kind, path, toPath }: Shape, watched: string): boolean {
  const places = toPath === undefined ? [path] : [path, toPath];
  return places.some((place) => isAtOrBelow(place, watched) || (OF_TREES.has(kind) && isAtOrBelow(watched, place)));
}

function shapeOf({ kind, path, toPath }: Shape): string {
  return `${kind} ${path} ${toPath ?? ''}`;
}

function lineOf(change: ToldChange): string {
  return `sn=${change.sn} step=${change.step} ${shapeOf(change).trimEnd()}`;
}

function tell({ process, path, fromSn, throughSn }: Feed): string {
  return `${process}, who watches ${path} from ${fromSn} through ${throughSn},`;
}

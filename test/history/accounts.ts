/**
 * Counts, without any search, what was plainly lost or made twice: of names that one operation alone makes, and that nothing takes away.
 */
import { isAtOrBelow } from './conflicts.js';
import type { Mutation } from './events.js';
import { isLook, isWeak, type Op, pathsOf } from './operations.js';

export interface Accounts {
  readonly lost: readonly string[];
  readonly duplicated: readonly string[];
}

export function accountsOf(ops: readonly Op[]): Accounts {
  const changes = ops.filter((op) => !isLook(op) && op.outcome !== 'nothing');
  const users = new Map<string, Op[]>();
  const goes: string[] = [];
  const comes: string[] = [];
  for (const op of changes) {
    for (const step of stepsOf(op)) {
      for (const path of step.kind === 'rename' ? [step.from, step.to] : [step.path]) users.set(path, [...(users.get(path) ?? []), op]);
      if (step.kind === 'rename') {
        goes.push(step.from);
        comes.push(step.to);
      }
      if (step.kind === 'remove') goes.push(step.path);
    }
  }
  // A directory that is renamed takes along whatever is in it.
  const isBrought = (path: string) => comes.some((to) => to !== path && isAtOrBelow(path, to));
  const isOnlyFor = (path: string, op: Op) => users.get(path)?.every((one) => one === op) === true && !isBrought(path);
  const stays = (path: string, op: Op) => isOnlyFor(path, op) && !goes.some((gone) => isAtOrBelow(path, gone));
  const made = new Map<string, Op>();
  const duplicated: string[] = [];
  for (const op of changes) {
    const [step, ...more] = stepsOf(op);
    const path = step === undefined || more.length > 0 ? undefined : madeBy(step);
    if (step === undefined || path === undefined) continue;
    if (op.outcome === 'ok' && stays(path, op)) made.set(path, op);
    const isAgain = op.errno === 'EEXIST' && step.kind !== 'rename' && isOnlyFor(path, op);
    if (isAgain) duplicated.push(`history: ${step.kind} ${path} id=${op.id} found itself there (I5)`);
  }
  const looks = new Map<string, Op[]>();
  for (const op of ops)
    if (isLook(op) && !isWeak(op)) for (const path of pathsOf(op.operation)) looks.set(path, [...(looks.get(path) ?? []), op]);
  return { lost: [...made].flatMap(([path, op]) => lostIn(path, op, looks)), duplicated };
}

function lostIn(path: string, op: Op, looks: ReadonlyMap<string, readonly Op[]>): string[] {
  const missed = wayTo(path)
    .flatMap((each) => looks.get(each) ?? [])
    .find((look) => look.calledAt > op.returnedAt && isAbsentIn(path, look));
  if (missed === undefined) return [];
  return [`history: ${path} was acknowledged to id=${op.id}, and id=${missed.id} by ${missed.process} does not find it (I1)`];
}

/** @returns `path`, and every one above it. */
function wayTo(path: string): string[] {
  const names = path.slice(1).split('/');
  return ['/', ...names.map((_, depth) => `/${names.slice(0, depth + 1).join('/')}`)];
}

/** @param look at `path`, or at one above it. @returns whether it found nothing there, or nothing on the way from there. */
function isAbsentIn(path: string, { operation, outcome, errno }: Op): boolean {
  if (outcome === 'refused') return errno === 'ENOENT';
  if (operation.kind !== 'listPart' || operation.path === path) return false;
  const below = path.slice(operation.path === '/' ? 1 : operation.path.length + 1);
  const [name = ''] = below.split('/');
  if (name <= operation.after || (operation.upTo !== null && name > operation.upTo)) return false;
  return operation.entries.every((entry) => entry.name !== name);
}

function madeBy(step: Mutation): string | undefined {
  if (step.kind === 'rename') return step.to;
  if (step.kind === 'createDirectory') return step.allowExists ? undefined : step.path;
  return step.kind === 'createFile' && !step.overwrite ? step.path : undefined;
}

function stepsOf({ operation }: Op): readonly Mutation[] {
  if (operation.kind === 'batch') return operation.steps;
  return operation.kind === 'listPart' ? [] : [operation as Mutation];
}

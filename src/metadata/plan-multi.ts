/**
 * Several mutations as one: all of them, each on what those before it left, or none.
 *
 * Each step is planned as it would be alone, on the state as the steps before it leave it: they are applied to it as a trial. Then the trial is
 * dropped and all that was planned becomes one entry, whose steps stand for the steps of the request one to one; a step that changes nothing
 * is in it as a refusal without an error, so that the recorded outcome tells of it, too.
 */
import type { understudy } from '#proto/understudy.js';
import { asError, UnderstudyError } from '../base/errors.js';
import { applyBody } from './apply.js';
import type { LoadWish, Look } from './load-need.js';
import type { PreparedMutation } from './operation.js';
import { nameTooMuch } from './path.js';
import type { EntryBody, PlanContext, Planned } from './plan.js';
import { inodeCodec, inodeMessage } from './records.js';
import { refusal } from './refusals.js';
import type { State } from './state.js';

const STEPS_MAX = 1_000;
/** Components of all that a multi names, together: each costs a look on the way there, more than once. */
const COMPONENTS_MAX = 16_384;
/** Of the inodes that it answers with, all of which are recorded: some hold long lists, and any number of steps may change the same one. */
const ANSWER_BYTES_MAX = 1024 * 1024;

/** @returns how to prepare a step by its method's number; undefined: no step. */
export type StepOf = (method: number) => ((request: Uint8Array) => Pick<PreparedMutation, 'plan' | 'wishes'>) | undefined;

/** @returns what under stores have to be asked before the steps are planned; nothing where they will be refused. */
export function stepWishes(stepOf: StepOf): (request: understudy.MultiRequest, now: Look) => readonly LoadWish[] {
  return ({ steps }, now) => {
    if (steps.length > STEPS_MAX) return [];
    try {
      const wishes = steps.flatMap(({ method, request }) => stepOf(method ?? 0)?.(request ?? NOTHING).wishes(now) ?? []);
      return nameTooMuch(wishes.map(({ path }) => path)) ? [] : wishes;
    } catch {
      return [];
    }
  };
}

/** @throws EINVAL: no steps, too many, or not such ones; E2BIG; what a step is refused for, with the step's number, from 0, in the message. */
export function planMulti(stepOf: StepOf): (request: understudy.MultiRequest, state: State, context: PlanContext) => Planned {
  return ({ steps }, state, context) => {
    if (steps.length < 1 || steps.length > STEPS_MAX) throw refused(`a multi has 1 to ${STEPS_MAX} steps: steps=${steps.length}`);
    return state.trial(() => {
      let components = 0;
      let answerBytes = 0;
      const planned = steps.map((step, at) =>
        inStep(at, () => {
          const entry = planStep(stepOf, step, state, context);
          components += componentsOf(entry);
          if (components > COMPONENTS_MAX)
            throw refusal('E2BIG', 'the steps name too many components', entry.path ?? '', `max=${COMPONENTS_MAX}`);
          const { inode } = applyBody(entry, state, context.timeMs);
          if (inode?.more) answerBytes += inodeCodec.encode(inode).length;
          if (answerBytes > ANSWER_BYTES_MAX)
            throw refusal(
              'E2BIG',
              'the steps change inodes that are too large to be told of all',
              entry.path ?? '',
              `max=${ANSWER_BYTES_MAX}`,
            );
          return entry;
        }),
      );
      return { entry: { group: { entries: planned, steps: true } } };
    });
  };
}

const NOTHING = new Uint8Array(0);

function planStep(stepOf: StepOf, { method, request }: understudy.MultiStep.$Properties, state: State, context: PlanContext): EntryBody {
  const prepare = stepOf(method ?? 0);
  if (prepare === undefined) throw refused(`not a method that can be a step: method=${method}`);
  const planned = prepare(request ?? NOTHING).plan(state, context);
  return 'entry' in planned ? planned.entry : { refusal: { inode: planned.unchanged && inodeMessage(planned.unchanged) } };
}

function inStep<T>(step: number, run: () => T): T {
  try {
    return run();
  } catch (thrown) {
    const { code, message, errno, path } = asError(thrown);
    const details = { cause: thrown, ...(errno === undefined ? {} : { errno }), ...(path === undefined ? {} : { path }) };
    throw new UnderstudyError(code, `${message} step=${step}`, details);
  }
}

function refused(message: string): UnderstudyError {
  return new UnderstudyError('invalid_argument', message, { errno: 'EINVAL' });
}

/** Sources of a concat stand in one directory, most often about as deep as the file that they become part of. */
function componentsOf({ path, toPath, concat, group }: EntryBody): number {
  const sources = (concat ?? group?.entries?.[0]?.concat)?.sources?.length ?? 0;
  return (1 + sources) * depthOf(path) + depthOf(toPath);
}

function depthOf(path: string | null | undefined): number {
  return path ? path.split('/').length : 0;
}

import type { understudy } from '#proto/understudy.js';
import { checkMayWatch } from './change-events.js';
import { checkCount, type PlanContext, type Planned } from './plan.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';

const NAME_BYTES_MAX = 255;
const CURSORS_MAX = 1_000;

/**
 * Makes a cursor, moves it on, or takes it away. It never goes back: a move to where it has been already changes nothing. Whoever may watch its
 * path may do all of that.
 */
export function planSetCursor(request: understudy.SetCursorRequest, state: StateView, context: PlanContext): Planned {
  const { name, remove } = request;
  const bytes = Buffer.byteLength(name);
  if (bytes < 1 || bytes > NAME_BYTES_MAX) throw refused('EINVAL', `the name of a cursor has 1 to ${NAME_BYTES_MAX} bytes`, request);
  const before = state.cursors.get(name);
  if (before === null && remove) throw refused('ENOENT', 'no such cursor', request);
  if (before === null && request.path === '') throw refused('ENOENT', 'no such cursor; to make one, a path is needed', request);
  const path = checkMayWatch(request.path || (before?.path ?? ''), state, context);
  if (before !== null && path !== before.path) throw refused('EINVAL', `a cursor watches one path: watched=${before.path}`, request);
  if (remove) return { entry: { setCursor: { cursor: before, remove } } };
  const sn = request.sn == null ? (before?.sn ?? state.sn) : checkCount(request.sn, 'sn');
  if (sn > state.sn) throw refused('EINVAL', `there is no such entry yet: sn=${sn} newest=${state.sn}`, request);
  if (before !== null && sn <= before.sn) return { unchanged: null };
  const isFull = before === null && (state.cursorNames.get('cursors') ?? []).length >= CURSORS_MAX;
  if (isFull) throw refused('E2BIG', `there are too many cursors: max=${CURSORS_MAX}`, request);
  return { entry: { setCursor: { cursor: { name, path, sn, movedMs: context.timeMs } } } };
}

function refused(errno: 'EINVAL' | 'ENOENT' | 'E2BIG', message: string, { name, path }: understudy.SetCursorRequest) {
  return refusal(errno, message, path, `cursor=${JSON.stringify(name.slice(0, NAME_BYTES_MAX))}`);
}

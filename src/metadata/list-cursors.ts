import type { understudy } from '#proto/understudy.js';
import { mayWatch } from './change-events.js';
import type { QueryContext } from './plan.js';
import type { StateView } from './state.js';

/** The cursors whose paths the user may watch, in byte order of their names. */
export function listCursors(
  _request: understudy.ListCursorsRequest,
  state: StateView,
  context: QueryContext,
): understudy.ListCursorsResponse.$Properties {
  const all = (state.cursorNames.get('cursors') ?? []).flatMap((name) => state.cursors.get(name) ?? []);
  return { cursors: all.filter(({ path }) => mayWatch(path, state, context)), sn: state.sn };
}

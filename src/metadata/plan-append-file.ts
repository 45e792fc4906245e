import type { understudy } from '#proto/understudy.js';
import { type PlanContext, type Planned, plainPath } from './plan.js';
import type { StateView } from './state.js';
import { checkHasSession, resolveCompleteFile } from './writing.js';

/** Opens a complete file to be written on behind its end. It keeps its length meanwhile, and whoever reads it sees that much. */
export function planAppendFile(request: understudy.AppendFileRequest, state: StateView, context: PlanContext): Planned {
  checkHasSession(request.path, context);
  const resolved = resolveCompleteFile(request.path, state, context);
  const { parentId, name } = resolved;
  return { entry: { path: plainPath(resolved), appendFile: { parentId, name, clientId: context.clientId } } };
}

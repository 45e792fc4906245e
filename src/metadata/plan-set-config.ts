import type { understudy } from '#proto/understudy.js';
import { asError, UnderstudyError } from '../base/errors.js';
import { checkedText, journaledSetting } from '../config/journaled.js';
import { checkSuperuser } from './access.js';
import { type Config, type ConfigChange, type Property, propertiesAt, propertyOf, withConfigChange } from './cluster-config.js';
import { parsePath } from './path.js';
import type { PlanContext, Planned } from './plan.js';
import { refusal } from './refusals.js';
import type { StateView } from './state.js';

const PLACES_MAX = 1_000;
const PROPERTIES_MAX = 1_000;

/** Sets and unsets settings of all masters, or for a path: all that the request names, or nothing. */
export function planSetConfig(request: understudy.SetConfigRequest, state: StateView, context: PlanContext): Planned {
  const path = request.forPath === '' ? '' : `/${parsePath(request.forPath).join('/')}`;
  checkSuperuser(context.identity, 'change settings', path);
  const config = state.config();
  const before = propertiesAt(config, path);
  const change = changeOf(request, path, before);
  const after = withConfigChange(config, change, state.sn + 1);
  checkBounds(after, path);
  const now = propertiesAt(after, path);
  if (isSame(before, now)) return { unchanged: null };
  const problem = path === '' ? context.settings.problemWith?.(now) : undefined;
  if (problem !== undefined) throw refusal('EINVAL', `the settings do not fit together: ${problem}`, path);
  const { set, unset } = change;
  return { entry: { setConfig: { forPath: path, set: [...set], unset: [...unset] } } };
}

function changeOf(request: understudy.SetConfigRequest, path: string, before: readonly Property[]): ConfigChange {
  if (request.set.length + request.unset.length > PROPERTIES_MAX) throw refusal('E2BIG', 'too many settings in one request', path);
  try {
    const isForPath = path !== '';
    const set = request.set.map(propertyOf).map(({ key, value }): Property => {
      const row = journaledSetting(key, isForPath);
      return { key: row.key, value: checkedText(row, value) };
    });
    // What is there can go, whatever this version makes of it.
    const there = new Set(before.map(({ key }) => key));
    const named = request.unset.map((key) => (there.has(key) ? key : journaledSetting(key, isForPath).key));
    const unset = request.unsetAll ? [...there] : [...new Set(named)].filter((key) => there.has(key));
    const keys = [...set.map(({ key }) => key), ...named];
    const twice = keys.find((key, at) => keys.indexOf(key) !== at);
    if (twice !== undefined) throw new UnderstudyError('invalid_argument', `a setting is named twice: ${twice}`, { errno: 'EINVAL' });
    const byKey = (a: Property, b: Property) => (a.key < b.key ? -1 : 1);
    return { path, set: set.sort(byKey), unset: unset.filter((key) => !set.some((property) => property.key === key)).sort() };
  } catch (thrown) {
    const error = asError(thrown);
    throw path === '' ? error : refusal('EINVAL', error.message, path);
  }
}

function checkBounds({ places }: Config, path: string): void {
  if (places.length > PLACES_MAX) throw refusal('E2BIG', `too many paths have settings of their own: max=${PLACES_MAX}`, path);
}

function isSame(one: readonly Property[], other: readonly Property[]): boolean {
  return one.length === other.length && one.every(({ key, value }, at) => other[at]?.key === key && other[at]?.value === value);
}

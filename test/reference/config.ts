/** Settings that stand in the journal, in the reference model: those that may be set for paths, and what they do to what is made there. */
import { needSuperuser } from './access.js';
import { parse } from './walk.js';
import type { World } from './world.js';

export interface SetConfig {
  forPath?: string;
  set?: { key: string; value: string }[];
  unset?: string[];
  unsetAll?: boolean;
}

const PLACES_MAX = 1_000;
const BLOCK_BYTES = 'user.block.size.bytes.default';
const UMASK = 'security.authorization.permission.umask';
const PER_PATH: Readonly<Record<string, RegExp>> = { [BLOCK_BYTES]: /^\d+KB$/, [UMASK]: /^[0-7]{3}$/ };

export function setConfig(world: World, { forPath = '', set = [], unset = [], unsetAll = false }: SetConfig): null {
  const names = parse(world, forPath);
  needSuperuser(world);
  for (const { key, value } of set) if (!PER_PATH[key]?.test(value)) world.wrong('EINVAL');
  for (const key of unset) if (PER_PATH[key] === undefined) world.wrong('EINVAL');
  const keys = [...unset, ...set.map(({ key }) => key)];
  if (new Set(keys).size < keys.length) world.wrong('EINVAL');
  const path = `/${names.join('/')}`;
  const { config } = world.kept;
  const before = config.get(path);
  if (before === undefined && set.length > 0 && config.size >= PLACES_MAX) world.wrong('E2BIG');
  world.checked();
  const after = new Map(unsetAll ? [] : before);
  for (const key of unset) after.delete(key);
  for (const { key, value } of set) after.set(key, value);
  world.changed = JSON.stringify([...after].sort()) !== JSON.stringify([...(before ?? [])].sort());
  if (after.size === 0) config.delete(path);
  else config.set(path, after);
  return null;
}

/** By paths. */
export function getConfig(world: World): string {
  return shownConfig(world.kept.config);
}

export function shownConfig(config: ReadonlyMap<string, ReadonlyMap<string, string>>): string {
  return JSON.stringify([...config].sort().map(([path, properties]) => [path, [...properties].sort()]));
}

export function blockBytesFor(world: World, { path, blockBytes }: { path: string; blockBytes?: number }): number {
  if (blockBytes) return blockBytes;
  const text = lookUp(world, path, BLOCK_BYTES);
  return text === undefined ? world.settings.blockBytesDefault : Number.parseInt(text, 10) * 1024;
}

export function umaskFor(world: World, { path, mode, umask = 0 }: { path: string; mode?: number; umask?: number }): number {
  const text = mode === undefined ? lookUp(world, path, UMASK) : undefined;
  return text === undefined ? umask : Number.parseInt(text, 8);
}

/** From the path upwards. */
function lookUp(world: World, path: string, key: string): string | undefined {
  if (world.kept.config.size === 0) return undefined;
  const names = parse(world, path);
  for (let depth = names.length; depth >= 0; depth--) {
    const value = world.kept.config.get(`/${names.slice(0, depth).join('/')}`)?.get(key);
    if (value !== undefined) return value;
  }
  return undefined;
}

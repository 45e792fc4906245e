/**
 * The settings that stand in the journal, one row of the state (`s` `config`): those of the masters, and those that hold for a path and all
 * below it. Texts, as in a file: they are checked when they are set, and parsed where they are used.
 *
 * A path need not exist, and what is set for it does not move when a directory is renamed: it is the place that it is set for.
 */
import { understudy } from '#proto/understudy.js';
import { encodeMessage } from '../base/encode-message.js';
import { isError } from '../base/errors.js';
import type { Setting } from '../config/setting.js';
import { parsePath } from './path.js';
import type { RecordCodec } from './records.js';
import { decodeStrictly } from './strict.js';

export interface Property {
  /** Without `understudy.`. */
  readonly key: string;
  readonly value: string;
}

export interface ConfigPlace {
  /** For it, and what is below it; empty: of the masters. */
  readonly path: string;
  /** In byte order of their keys; at least one. */
  readonly properties: readonly Property[];
}

export interface Config {
  /** The entry that set it; 0: it was read from the store. */
  readonly sn: number;
  /** In byte order of their paths. */
  readonly places: readonly ConfigPlace[];
}

export interface ConfigChange {
  readonly path: string;
  readonly set: readonly Property[];
  /** Keys. */
  readonly unset: readonly string[];
}

export const NO_CONFIG: Config = { sn: 0, places: [] };

export const configCodec: RecordCodec<Config> = {
  encode: ({ places }) => encodeMessage(understudy.Config, { places: configMessages(places) }),
  decode: (bytes) => ({ sn: 0, places: decodeStrictly(understudy.Config, bytes, 'config').places.map(placeOf) }),
};

export function configMessages(places: readonly ConfigPlace[]): understudy.ConfigPlace.$Properties[] {
  return places.map(({ path, properties }) => ({ path, properties: [...properties] }));
}

export function propertyOf({ key, value }: understudy.Property.$Properties): Property {
  return { key: key ?? '', value: value ?? '' };
}

export function placeOf({ path, properties }: understudy.ConfigPlace.$Properties): ConfigPlace {
  return { path: path ?? '', properties: (properties ?? []).map(propertyOf) };
}

/** @returns what is set for exactly this path; empty: what is set for the masters. */
export function propertiesAt(config: Config, path: string): readonly Property[] {
  return config.places.find((place) => place.path === path)?.properties ?? [];
}

export function withConfigChange(config: Config, { path, set, unset }: ConfigChange, sn: number): Config {
  const gone = new Set([...unset, ...set.map(({ key }) => key)]);
  const kept = propertiesAt(config, path).filter(({ key }) => !gone.has(key));
  const properties = [...kept, ...set].sort((a, b) => byBytes(a.key, b.key));
  const places = config.places.filter((place) => place.path !== path);
  if (properties.length > 0) {
    const next = places.findIndex((place) => byBytes(place.path, path) > 0);
    places.splice(next < 0 ? places.length : next, 0, { path, properties });
  }
  return { sn, places };
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Of a configuration: the values of one setting by path. */
const parsed = new WeakMap<Config, Map<string, ReadonlyMap<string, unknown>>>();

/** @returns what is set for the longest path that `path` is, or is below; undefined where nothing is. @throws EINVAL: no path. */
export function pathValue<T>(setting: Setting<T>, path: string, config: Config): T | undefined {
  const values = valuesOf(setting, config);
  if (values.size === 0) return undefined;
  for (const names = parsePath(path); ; names.pop()) {
    const value = values.get(`/${names.join('/')}`);
    if (value !== undefined || names.length === 0) return value;
  }
}

function valuesOf<T>(setting: Setting<T>, config: Config): ReadonlyMap<string, T> {
  if (config.places.length === 0) return NO_VALUES;
  const bySetting = parsed.get(config) ?? new Map<string, ReadonlyMap<string, unknown>>();
  parsed.set(config, bySetting);
  const known = bySetting.get(setting.key) as ReadonlyMap<string, T> | undefined;
  if (known !== undefined) return known;
  const values = new Map<string, T>();
  for (const { path, properties } of config.places) {
    const text = properties.find(({ key }) => key === setting.key)?.value;
    if (path === '' || text === undefined) continue;
    try {
      values.set(path, setting.type.parse(text));
    } catch (error) {
      // A value that only a later version takes is as if it were not there.
      if (!isError(error)) throw error;
    }
  }
  bySetting.set(setting.key, values);
  return values;
}

const NO_VALUES: ReadonlyMap<string, never> = new Map<string, never>();

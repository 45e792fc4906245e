/** One request of WebHDFS on its way: who asks, for which path, with which parameters, and the master that is asked. */
import type { Readable } from 'node:stream';
import type { LocalCallOptions, LocalCalls } from '../../master/local-calls.js';
import type { NamespaceSettings } from '../../metadata/plan.js';
import type { Parameters } from './parameters.js';

export interface WebHdfsCall {
  /** As Hadoop spells it. */
  readonly op: string;
  /** Checked. */
  readonly path: string;
  /** Path and query of the request as they were sent. */
  readonly target: string;
  /** Empty: nobody has said a name. */
  readonly user: string;
  readonly parameters: Parameters;
  readonly calls: Pick<LocalCalls, 'call' | 'stream'>;
  readonly options: LocalCallOptions;
  readonly settings: NamespaceSettings;
}

/** The same is to be asked for elsewhere. */
export class WebHdfsRedirect {
  readonly location: string;

  constructor(location: string) {
    this.location = location;
  }
}

/** A JSON text, or one that comes in pieces; undefined: nothing to say. */
export type WebHdfsAnswer = string | Readable | WebHdfsRedirect | undefined;

export type WebHdfsOperation = (call: WebHdfsCall) => Promise<WebHdfsAnswer>;

/** Hadoop has each operation under one method of HTTP. */
export type OperationsByMethod = { readonly [Method in HttpMethod]?: Readonly<Record<string, WebHdfsOperation>> };
export type HttpMethod = 'GET' | 'PUT' | 'POST' | 'DELETE';

export function booleanJson(value: boolean): string {
  return value ? '{"boolean":true}' : '{"boolean":false}';
}

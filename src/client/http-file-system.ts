/**
 * The namespace over HTTP (`/api/v1/files/…`), for programs that have only the URLs of the masters, or of a load balancer in front of them.
 *
 * Its changes have no session: one that may have been done is not sent again by itself, but ends with `outcome_unknown`, unless to do it twice is as
 * good as once. `FileSystem` is for programs that want each change done exactly once.
 */
import { parsePath } from '../metadata/path.js';
import { HttpClient, type HttpClientDeps, type HttpClientSettings } from './http-client.js';
import type { statusJson } from './status-json.js';

/** A file or directory, as `fs stat --json` prints it. */
export interface HttpFileStatus extends Omit<ReturnType<typeof statusJson>, 'quota'> {
  readonly quota: { readonly namesMax: number; readonly bytesMax: number } | null;
}

export interface HttpFileSystemSettings extends HttpClientSettings {
  /** In whose name. */
  readonly user: string;
}

export interface HttpMakeOptions {
  /** Octal digits. */
  readonly mode?: string;
  /** Makes missing parents. */
  readonly recursive?: boolean;
}

interface Page {
  readonly entries: readonly HttpFileStatus[];
  readonly next: string | null;
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export class HttpFileSystem {
  /** For requests of other kinds. */
  readonly client: HttpClient;
  readonly #user: string;

  constructor(settings: HttpFileSystemSettings, deps: HttpClientDeps) {
    this.client = new HttpClient(settings, deps);
    this.#user = settings.user;
  }

  /** @throws `not_found`. */
  async status(path: string): Promise<HttpFileStatus> {
    const { body } = await this.client.request({ method: 'GET', target: this.#target(path) });
    return body as HttpFileStatus;
  }

  /** What is in a directory, in byte order of the names; page by page, each as of when it is asked for. */
  async *list(path: string): AsyncGenerator<HttpFileStatus, void, undefined> {
    for (let startAfter: string | null = ''; startAfter !== null; ) {
      const target = this.#target(path, { list: true, ...(startAfter === '' ? {} : { startAfter }) });
      const page: Page = (await this.client.request({ method: 'GET', target })).body as Page;
      yield* page.entries;
      startAfter = page.next;
    }
  }

  /** @throws `already_exists`, unless `allowExists`: then it is sent again whatever became of it. */
  async createDirectory(path: string, options: HttpMakeOptions & { readonly allowExists?: boolean } = {}): Promise<HttpFileStatus> {
    const target = this.#target(path, { directory: true, ...options });
    return (await this.client.request({ method: 'PUT', target, isRepeatable: options.allowExists === true })).body as HttpFileStatus;
  }

  /** Makes a complete file of `length` bytes. */
  async createFile(
    path: string,
    options: HttpMakeOptions & { readonly overwrite?: boolean; readonly length?: number } = {},
  ): Promise<HttpFileStatus> {
    return (await this.client.request({ method: 'PUT', target: this.#target(path, { ...options }) })).body as HttpFileStatus;
  }

  async rename(path: string, to: string, options: { readonly overwrite?: boolean; readonly into?: boolean } = {}): Promise<void> {
    await this.client.request({ method: 'POST', target: this.#target(path), body: { to, ...options } });
  }

  async remove(path: string, options: { readonly recursive?: boolean; readonly skipTrash?: boolean } = {}): Promise<void> {
    await this.client.request({ method: 'DELETE', target: this.#target(path, { ...options }) });
  }

  /** @throws `invalid_argument`: no path, of which a URL might make another one; `..` stands for something there. */
  #target(path: string, query: Query = {}): string {
    parsePath(path);
    const asked = Object.entries({ ...query, 'user.name': this.#user }).filter(([, value]) => value !== undefined);
    const components = path.split('/').map(encodeURIComponent).join('/');
    return `/api/v1/files${components}?${asked.map(([key, value]) => `${key}=${encodeURIComponent(String(value))}`).join('&')}`;
  }
}

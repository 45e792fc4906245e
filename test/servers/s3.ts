/**
 * Real S3 servers for tests, of two makes: versitygw (files in a folder) and MinIO. Each has ports and a folder of its own, and can be killed,
 * stopped and started. They are taken from S3_VERSITYGW or S3_MINIO (a program), from `.tools/bin` of the checkout, or from the path. A test that needs one never skips:
 * without a server `startS3` fails and says what to install.
 */
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { ROOT } from './built.js';
import { memoryFolder, type OwnFolder, ownFolder } from './own-folder.js';
import { freePorts } from './ports.js';
import { RunningProgram, type ServerHost, type ServerProgram, THIS_MACHINE } from './server-program.js';
import { waitUntil } from './wait-until.js';

export type S3Make = 'versitygw' | 'minio';

// It would warn of the Node that its releases of another year will need.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const START_LIMIT_MS = 60_000;
export const CREDENTIALS = { accessKeyId: 'understudy', secretAccessKey: 'understudy-secret' };

export interface S3Options {
  readonly make: S3Make;
  /** Where its data is kept, if not in memory: a folder that exists. */
  readonly folder?: string;
  /** What it runs on, if not on this machine. */
  readonly host?: ServerHost;
}

/** Starts one, and waits until it serves. It has no bucket. */
export async function startS3(options: S3Options): Promise<S3Server> {
  const own = ownFolder('s3', memoryFolder());
  const [port = 0, console = 0] = await freePorts(2);
  const server = new S3Server(options, own, port, console);
  await server.start();
  return server;
}

export class S3Server implements AsyncDisposable {
  /** `http://host:port` */
  readonly endpoint: string;
  /** Where its data is kept. */
  readonly folder: string;
  readonly #make: S3Make;
  readonly #own: OwnFolder;
  readonly #host: ServerHost;
  readonly #port: number;
  readonly #console: number;
  #program: RunningProgram | undefined;

  constructor(options: S3Options, own: OwnFolder, port: number, console: number) {
    this.#make = options.make;
    this.#own = own;
    this.#port = port;
    this.#console = console;
    this.#host = options.host ?? THIS_MACHINE;
    this.endpoint = `http://${this.#host.address}:${port}`;
    this.folder = options.folder ?? join(own.path, 'data');
    mkdirSync(this.folder, { recursive: true });
  }

  /** Starts it, if it does not run, and waits until it serves. */
  async start(): Promise<void> {
    if (this.#program !== undefined) return;
    const program = new RunningProgram(this.#describe());
    this.#program = program;
    await waitUntil(
      `${this.#make} ${this.endpoint} serves`,
      async () => {
        if (program.hasEnded()) throw new Error(`${this.#make} ended: ${program.output().slice(-2000)}`);
        const path = this.#make === 'minio' ? '/minio/health/ready' : '/';
        const answer = await fetch(this.endpoint + path).catch(() => undefined);
        return answer !== undefined && answer.status < 500;
      },
      START_LIMIT_MS,
    );
  }

  #describe(): ServerProgram {
    const { accessKeyId, secretAccessKey } = CREDENTIALS;
    const address = `${this.#host.address}:${this.#port}`;
    const place = { command: findProgram(this.#make), folder: this.#own.path, wrapper: this.#host.wrapper };
    if (this.#make === 'versitygw') {
      const environment = { ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey };
      return { ...place, environment, args: ['--port', address, '--quiet', '--keep-alive', 'posix', this.folder] };
    }
    const environment = { MINIO_ROOT_USER: accessKeyId, MINIO_ROOT_PASSWORD: secretAccessKey, MINIO_UPDATE: 'off' };
    const listen = ['--address', address, '--console-address', `${this.#host.address}:${this.#console}`];
    return { ...place, environment, args: ['server', '--quiet', ...listen, this.folder] };
  }

  /** Makes a bucket. @returns its name. */
  createBucket(name: string): Promise<string> {
    return createBucket(this.endpoint, name);
  }

  async kill(): Promise<void> {
    const program = this.#program;
    this.#program = undefined;
    await program?.kill();
  }

  /** SIGSTOP: connections stay open and nothing is answered. */
  pause(): void {
    this.#program?.pause();
  }

  resume(): void {
    this.#program?.resume();
  }

  async close(): Promise<void> {
    await this.kill();
    this.#own.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Makes a bucket, which the product's own client does not do. @returns its name. */
export async function createBucket(endpoint: string, name: string): Promise<string> {
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials: CREDENTIALS });
  try {
    await client.send(new CreateBucketCommand({ Bucket: name }));
    return name;
  } finally {
    client.destroy();
  }
}

/** Settings, without the prefix, by which masters find a journal on that server. */
export function s3Settings(endpoint: string, bucket: string, prefix = 'journal'): Record<string, string> {
  return {
    'master.journal.folder': `s3://${bucket}/${prefix}`,
    'underfs.s3.endpoint': endpoint,
    'underfs.s3.disable.dns.buckets': 'true',
    'aws.accessKeyId': CREDENTIALS.accessKeyId,
    'aws.secretKey': CREDENTIALS.secretAccessKey,
  };
}

function findProgram(make: S3Make): string {
  const named = process.env[`S3_${make.toUpperCase()}`];
  // The benchmark is compiled into a folder of its own.
  const folders = [join(ROOT, '.tools', 'bin'), join(ROOT, '..', '.tools', 'bin'), ...(process.env.PATH ?? '').split(delimiter)];
  const found = [...(named === undefined ? [] : [named]), ...folders.map((folder) => join(folder, make))].find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new Error(
    `no ${make} for the tests: run scripts/install-test-servers, which builds it with Go 1.24 or later, ` +
      `or put the program on the path, or name it by S3_${make.toUpperCase()}`,
  );
}

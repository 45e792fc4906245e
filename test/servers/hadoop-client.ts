/**
 * Hadoop's own client, as it comes from Maven Central: `hadoop fs` and the methods of its FileSystem, many commands in one Java process
 * (HadoopCommands.java). Its jars are those of HADOOP_CLIENT (a folder), or of `.tools/hadoop-client` of the checkout (scripts/install-test-servers).
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { ROOT } from './built.js';
import type { FinishedProgram } from './finished-program.js';
import { type OwnFolder, ownFolder } from './own-folder.js';
import { killProcess, tracked } from './processes.js';

const { HADOOP_CLIENT: jars = join(ROOT, '.tools', 'hadoop-client') } = process.env;

/** It takes a JDK: the commands are compiled as they are started. */
export const HAS_HADOOP_CLIENT = existsSync(jars) && spawnSync('javac', ['-version']).status === 0;

const QUIET = 'org.apache.hadoop.util.NativeCodeLoader';

/** Settings of Hadoop, for example `fs.defaultFS`: they are its `core-site.xml`. */
export type HadoopSettings = Readonly<Record<string, string>>;

/** @param user who it says that it is; who runs the tests without it. @returns one that takes commands: after a second or two. */
export async function startHadoopClient(settings: HadoopSettings, user?: string): Promise<HadoopClient> {
  const own = ownFolder('hadoop');
  writeFileSync(join(own.path, 'core-site.xml'), settingsFile(settings));
  const classpath = [own.path, join(jars, '*')].join(delimiter);
  const logs = '-Dorg.slf4j.simpleLogger';
  // What it logs is part of a command's errors. That it has no native library is no news.
  const options = ['-Xmx256m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', `${logs}.defaultLogLevel=warn`, `${logs}.log.${QUIET}=error`];
  const args = [...options, '-cp', classpath, join(ROOT, 'test', 'servers', 'HadoopCommands.java')];
  const env = { ...process.env, ...(user !== undefined && { HADOOP_USER_NAME: user }) };
  const client = new HadoopClient(tracked(spawn('java', args, { cwd: own.path, env, stdio: ['pipe', 'pipe', 'inherit'] })), own);
  try {
    await client.isReady();
  } catch (error) {
    await client.close();
    throw error;
  }
  return client;
}

export class HadoopClient implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #own: OwnFolder;
  readonly #lines: Interface;
  /** Commands are answered one after another. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(child: ChildProcess, own: OwnFolder) {
    if (child.stdout === null) throw new Error('a Hadoop client has no output');
    this.#child = child;
    this.#own = own;
    this.#lines = createInterface(child.stdout);
  }

  async isReady(): Promise<void> {
    const line = await this.#line();
    if (line !== 'ready') throw new Error(`Hadoop's client says ${line}`);
  }

  /** As `hadoop fs`, with its options and exit codes. */
  shell(...args: readonly string[]): Promise<FinishedProgram> {
    return this.run('shell', ...args);
  }

  /** A public method of FileSystem; its answer is printed, a list's one a line. */
  call(method: string, ...args: readonly string[]): Promise<FinishedProgram> {
    return this.run('call', method, ...args);
  }

  /** Of webhdfs, with options: `OVERWRITE`, `NONE`, `TO_TRASH`. */
  rename(from: string, to: string, ...options: readonly string[]): Promise<FinishedProgram> {
    return this.run('rename', from, to, ...options);
  }

  async run(...words: readonly string[]): Promise<FinishedProgram> {
    const answer = this.#last.then(() => {
      this.#child.stdin?.write(`${words.map(encodeURIComponent).join(' ')}\n`);
      return this.#line();
    });
    this.#last = answer.catch(() => {});
    const [code, out = '', err = ''] = (await answer).split(' ');
    return { code: Number(code), out: decode(out), err: decode(err) };
  }

  async #line(): Promise<string> {
    const controller = new AbortController();
    const ended = once(this.#lines, 'close', controller).then(() => {
      throw new Error("Hadoop's client has ended");
    });
    try {
      const [line] = await Promise.race([once(this.#lines, 'line', controller), ended]);
      return line;
    } finally {
      controller.abort();
      ended.catch(() => {});
    }
  }

  async close(): Promise<void> {
    await killProcess(this.#child);
    this.#own.remove();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

const decode = (word: string): string => decodeURIComponent(word.replaceAll('+', ' '));

function settingsFile(settings: HadoopSettings): string {
  const inXml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  const properties = Object.entries(settings).map(
    ([name, value]) => `  <property><name>${inXml(name)}</name><value>${inXml(value)}</value></property>\n`,
  );
  return `<configuration>\n${properties.join('')}</configuration>\n`;
}

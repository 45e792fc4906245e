/**
 * What the web port answers a second, beside a bare server of HTTP under the same load; and what it costs those who create files meanwhile, or
 * call by RPC while its metrics are read.
 *
 * Master, generator and client share the machine's processors: a remark says how much of one each took. What is compared with each other runs in
 * turns, with the same processes there; the best turn of each counts, and of pairs all of them.
 */
import type { HttpLoad, HttpMeasured } from './http-load.js';
import { HttpLoader } from './http-loader.js';
import type { Figure } from './row.js';
import { type Bench, everyOne, FILES_PER_DIRECTORY, type Loaded, makeDirectories, makeFiles, type Scenario } from './scenario.js';

const STATUS_TARGETS = ['/api/v1/master/status', '/api/atlas/admin/status', '/health/leader', '/health/ready'];
const CONNECTIONS = 64;
const LISTING_CONNECTIONS = 8;
/** A little more than is to be reached. */
const STATUS_PER_SECOND = 3_200;
const CREATES_PER_SECOND = 20_000;
const SCRAPES_PER_SECOND = 10;
const CALLERS = 8;
const CALLERS_REST_MS = 4;
const TURNS = 3;
const PAIRS = 7;
/** Shorter ones have too few scrapes in them. */
const TURN_MS_MIN = 1_000;

export const webStatus: Scenario = {
  name: 'web-status',
  async run(bench) {
    await using loaded = await bench.start();
    await using loader = new HttpLoader();
    const alone = await ask(bench, loaded, loader, { targets: STATUS_TARGETS, connections: CONNECTIONS });
    const floor = { what: 'bare node:http', value: await bench.floors.http(CONNECTIONS, answerBytes(alone.http)) };
    const figure = { ...figureOf('web-status', `status and health, ${CONNECTIONS} connections`, alone), floor };
    return [figure, ...(await besideCreates(bench, loaded, loader))];
  },
};

export const webHdfs: Scenario = {
  name: 'webhdfs',
  async run(bench) {
    await using loaded = await bench.start();
    await using loader = new HttpLoader();
    await makeFiles(loaded.client, '/bench', FILES_PER_DIRECTORY);
    const paths = Array.from({ length: FILES_PER_DIRECTORY }, (_, at) => `/webhdfs/v1/bench/d0/f${at}?op=GETFILESTATUS&user.name=bench`);
    const status = await ask(bench, loaded, loader, { targets: paths, connections: CONNECTIONS });
    const listing = { targets: ['/webhdfs/v1/bench/d0?op=LISTSTATUS&user.name=bench'], connections: LISTING_CONNECTIONS };
    const list = await ask(bench, loaded, loader, listing);
    const answer = await fetch(`http://127.0.0.1:${loaded.cluster.first.webPort}${listing.targets[0]}`);
    const listed: unknown = await answer.json();
    const bare = await bench.floors.http(LISTING_CONNECTIONS, answerBytes(list.http));
    return [
      {
        ...figureOf('webhdfs-status', `GETFILESTATUS, depth 3, ${CONNECTIONS} connections`, status),
        floor: { what: 'bare node:http', value: await bench.floors.http(CONNECTIONS, answerBytes(status.http)) },
      },
      {
        ...figureOf('webhdfs-list', `LISTSTATUS, ${FILES_PER_DIRECTORY} in a directory, ${LISTING_CONNECTIONS} connections`, list),
        floor: { what: 'JSON.stringify, bare node:http', value: 1 / (1 / (await bench.floors.stringify(listed)) + 1 / bare) },
      },
    ];
  },
};

export const scrape: Scenario = {
  name: 'scrape',
  async run(bench) {
    const { files, warmUpMs } = bench.sizes;
    await using loaded = await bench.start();
    await using loader = new HttpLoader();
    const { client, cluster } = loaded;
    await makeFiles(client, '/bench', Math.min(files, FILES_PER_DIRECTORY));
    const calls = everyOne({ operation: 'get-status', base: '/bench', to: FILES_PER_DIRECTORY, around: true, inFlight: CALLERS });
    const paced = { ...calls, restMs: CALLERS_REST_MS, warmUpMs, measureMs: turnMs(bench) };
    const scrapes = { port: cluster.first.webPort, targets: ['/metrics'], connections: 1, perSecond: SCRAPES_PER_SECOND };
    const quiet: number[] = [];
    const scraped: number[] = [];
    const renders: HttpMeasured[] = [];
    for (let turn = 0; turn < TURNS; turn++) {
      quiet.push((await client.run(paced)).longestMs);
      const [measured, http] = await Promise.all([client.run(paced), loader.run({ ...scrapes, warmUpMs, measureMs: turnMs(bench) })]);
      scraped.push(measured.longestMs);
      renders.push(http);
    }
    const [longest, longestQuiet] = [Math.min(...scraped), Math.min(...quiet)];
    const shown = (values: readonly number[]) => values.map((value) => value.toFixed(1)).join(', ');
    const render = renders.reduce((best, one) => (one.p50Ms < best.p50Ms ? one : best));
    return [
      {
        name: 'scrape-cost',
        what: `longest of paced getStatus calls, ${SCRAPES_PER_SECOND} scrapes/s, over that without`,
        ...{ value: Math.max(0, longest - longestQuiet), unit: 'ms', floor: { what: 'longest without', value: longestQuiet } },
        note: `longest of each turn: ${shown(scraped)}; without ${shown(quiet)}`,
      },
      {
        name: 'scrape-answer',
        what: `/metrics, ${Math.round(answerBytes(render) / 1024)} KiB`,
        ...{ value: render.p50Ms, unit: 'ms', p50Ms: render.p50Ms, p99Ms: render.p99Ms },
        floor: { what: 'bare node:http', value: 1_000 / (await bench.floors.http(1, answerBytes(render))) },
      },
    ];
  },
};

/** Creates at an even pace, without and with requests meanwhile: in pairs, and each pair the other way round than the one before. */
async function besideCreates(bench: Bench, loaded: Loaded, loader: HttpLoader): Promise<Figure[]> {
  const { client, cluster } = loaded;
  const forMs = turnMs(bench);
  const create = async (base: string): Promise<number> => {
    const { done, seconds } = await client.pace({
      base,
      forMs,
      perSecond: CREATES_PER_SECOND,
      perDirectory: FILES_PER_DIRECTORY,
      standbys: [],
    });
    return done / seconds;
  };
  const load = { port: cluster.first.webPort, targets: STATUS_TARGETS, connections: CONNECTIONS, perSecond: STATUS_PER_SECOND };
  const pairs: { alone: number; beside: number }[] = [];
  const answered: HttpMeasured[] = [];
  for (let turn = -1; turn < PAIRS; turn++) {
    for (const kind of ['alone', 'beside']) await makeDirectories(client, `/${kind}${turn}`, (CREATES_PER_SECOND * 2 * forMs) / 1_000);
    const [first] = turn % 2 === 0 ? [] : [await create(`/alone${turn}`)];
    const [beside, http] = await Promise.all([create(`/beside${turn}`), loader.run({ ...load, warmUpMs: 0, measureMs: forMs })]);
    const alone = first ?? (await create(`/alone${turn}`));
    // The first turn warms up.
    if (turn < 0) continue;
    pairs.push({ alone, beside });
    answered.push(http);
  }
  const total = (of: readonly number[]) => of.reduce((sum, value) => sum + value, 0);
  const longestFirst = answered.toSorted((a, b) => b.p50Ms - a.p50Ms);
  const middle = longestFirst[Math.floor(PAIRS / 2)];
  const shown = pairs.map(({ alone, beside }) => `${Math.round(beside)}/${Math.round(alone)}`).join(', ');
  return [
    {
      name: 'web-status-creates',
      what: `status and health, offered at ${STATUS_PER_SECOND}/s, while ${CREATES_PER_SECOND} creates/s are`,
      ...{ value: total(answered.map(rateOf)) / PAIRS, unit: '/s', p50Ms: middle?.p50Ms ?? 0, p99Ms: middle?.p99Ms ?? 0 },
      note: `generator ${(total(answered.map((http) => http.processors)) / PAIRS).toFixed(2)} processors`,
    },
    {
      name: 'web-status-cost',
      what: 'creates/s meanwhile, over those without requests',
      ...{ value: total(pairs.map((pair) => pair.beside)) / total(pairs.map((pair) => pair.alone)), unit: '×' },
      note: `with/without: ${shown}`,
    },
  ];
}

interface Asked {
  readonly http: HttpMeasured;
  /** Of the master, as a share of one. */
  readonly processors: number;
}

/** The best of some turns, as fast as it goes. */
async function ask(bench: Bench, { cluster }: Loaded, loader: HttpLoader, load: Pick<HttpLoad, 'targets' | 'connections'>): Promise<Asked> {
  const { first } = cluster;
  const { warmUpMs } = bench.sizes;
  const turns: Asked[] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const [before, startMs] = [first.processorSeconds(), performance.now()];
    const http = await loader.run({ ...load, port: first.webPort, warmUpMs, measureMs: turnMs(bench) });
    turns.push({ http, processors: (first.processorSeconds() - before) / ((performance.now() - startMs) / 1_000) });
  }
  return turns.reduce((best, one) => (rateOf(one.http) > rateOf(best.http) ? one : best));
}

function figureOf(name: string, what: string, { http, processors }: Asked): Figure {
  const { p50Ms, p99Ms } = http;
  const eachUs = Math.round((processors / rateOf(http)) * 1e6);
  const refused = http.refusals === 0 ? '' : `; ${http.refusals} answers were refusals`;
  const note = `master ${processors.toFixed(2)} processors, ${eachUs} µs each; generator ${http.processors.toFixed(2)}${refused}`;
  return { name, what, value: rateOf(http), unit: '/s', p50Ms, p99Ms, note };
}

function turnMs({ sizes: { measureMs } }: Bench): number {
  return Math.max(TURN_MS_MIN, measureMs / 4);
}

function rateOf({ answers, seconds }: HttpMeasured): number {
  return answers / seconds;
}

/** Headers left out, roughly. */
function answerBytes({ bytes, answers }: HttpMeasured): number {
  return Math.max(1, Math.round(bytes / answers) - HEADER_BYTES);
}
const HEADER_BYTES = 160;

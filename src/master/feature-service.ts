/**
 * Switches features of the journal on (src/metadata/features.ts), once all masters are found to know them.
 *
 * All masters: this one, and all that it knows of (roster.ts). Each is asked now. One that answers and does not know a feature could not go on
 * behind the entry, and forbids it; one that does not answer is taken on trust only with `force`.
 */
import type { understudy } from '#proto/understudy.js';
import type { Clock } from '../base/clock.js';
import { encodeMessage } from '../base/encode-message.js';
import { asError, UnderstudyError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { FEATURES, type Feature } from '../metadata/features.js';
import { decodeRequest, decodeResponse } from '../metadata/operation.js';
import { operations } from '../metadata/operations.js';
import type { Network } from '../rpc/network.js';
import type { CallHandler, ServerCall } from '../rpc/rpc.js';
import { connectRpc, RPC_CLIENT_DEFAULTS } from '../rpc/rpc-connection.js';
import type { Identities } from './identities.js';
import type { Leadership } from './leadership.js';
import { checkOperator } from './operators.js';
import type { Replica } from './replica.js';
import type { Replication } from './replication.js';

export interface Featured {
  readonly replica: Replica | null;
  readonly leadership: Leadership | null;
  readonly identities: Identities;
  readonly rpcAddress: string;
  readonly replication: Pick<Replication, 'others'>;
  status(): understudy.MasterStatusResponse.$Properties;
  notLeader(): UnderstudyError;
}

interface Deps {
  readonly clock: Clock;
  readonly log: Log;
  readonly network: Network;
}

interface Told {
  readonly address: string;
  readonly version: string;
  readonly knows: readonly string[];
  /** Empty: it has answered. */
  readonly error: string;
}

const ASK_MAX_MS = 2_000;

export class FeatureService {
  readonly #master: Featured;
  readonly #deps: Deps;

  constructor(master: Featured, deps: Deps) {
    this.#master = master;
    this.#deps = deps;
  }

  /** @returns the handlers by method number. */
  methods(): ReadonlyMap<number, CallHandler> {
    const { listFeatures, enableFeatures } = operations;
    const answered = (work: (call: ServerCall) => Promise<Uint8Array>) => (call: ServerCall) =>
      void work(call).then(
        (body) => call.reply(body),
        (error) => call.fail(asError(error)),
      );
    return new Map<number, CallHandler>([
      [listFeatures.method, answered(() => this.#list())],
      [enableFeatures.method, answered((call) => this.#enable(decodeRequest(enableFeatures.request, call.body)))],
    ]);
  }

  async #list(): Promise<Uint8Array> {
    const leadership = this.#mustLead();
    const masters = await this.#askAll();
    await new Promise<void>((resolve, reject) => leadership.release((refused) => (refused === null ? resolve() : reject(refused))));
    const enabled = this.#master.replica?.state.features();
    const features = FEATURES.map(({ name, since, what }) => ({ name, since, what, enabled: enabled?.has(name) ?? false }));
    return encodeMessage(operations.listFeatures.response, {
      features,
      masters: masters.map(({ knows, ...told }) => ({ ...told, knows: [...knows] })),
    });
  }

  async #enable({ user, names, force }: understudy.EnableFeaturesRequest): Promise<Uint8Array> {
    this.#mustLead();
    await checkOperator(this.#master.identities, user, 'switch features of the journal on');
    const wanted = [...new Set(names)].map(knownFeature);
    const masters = await this.#askAll();
    for (const feature of wanted) checkAllKnow(feature, masters, force);
    let enabled: readonly Feature[] = [];
    await this.#mustLead().append((state) => {
      enabled = wanted.filter(({ name }) => !state.features().has(name));
      return enabled.length === 0 ? null : { enableFeatures: { features: enabled.map(({ name, since }) => ({ name, since })) } };
    });
    return encodeMessage(operations.enableFeatures.response, { enabled: enabled.map(({ name }) => name) });
  }

  #mustLead(): Leadership {
    if (this.#master.leadership === null) throw this.#master.notLeader();
    return this.#master.leadership;
  }

  async #askAll(): Promise<Told[]> {
    const others = await this.#master.replication.others();
    const own = { address: this.#master.rpcAddress, version: this.#master.status().version ?? '', knows: KNOWN_NAMES, error: '' };
    return Promise.all([own, ...others.map((address) => this.#ask(address))]);
  }

  async #ask(address: string): Promise<Told> {
    const limit = new AbortController();
    const timer = this.#deps.clock.setTimer(ASK_MAX_MS, () => limit.abort(new UnderstudyError('unavailable', 'it does not answer')));
    try {
      await using connection = await connectRpc(RPC_CLIENT_DEFAULTS, this.#deps, address, limit.signal);
      const { method, response } = operations.masterStatus;
      const { version, features } = decodeResponse(
        response,
        await connection.call(method, new Uint8Array(0), { timeoutMs: ASK_MAX_MS, signal: limit.signal }),
      );
      return { address, version, knows: features, error: '' };
    } catch (error) {
      return { address, version: '', knows: [], error: asError(error).message };
    } finally {
      timer.cancel();
    }
  }
}

const KNOWN_NAMES = FEATURES.map(({ name }) => name);

function knownFeature(name: string): Feature {
  const known = FEATURES.find((feature) => feature.name === name);
  if (known === undefined) throw new UnderstudyError('not_found', `there is no such feature: feature=${name} known=${KNOWN_NAMES}`);
  return known;
}

function checkAllKnow({ name }: Feature, masters: readonly Told[], force: boolean): void {
  const lacking = masters.filter(({ error, knows }) => error === '' && !knows.includes(name));
  const silent = force ? [] : masters.filter(({ error }) => error !== '');
  if (lacking.length + silent.length === 0) return;
  const why = [
    ...lacking.map(({ address, version }) => `${address} does not have it: version=${version}`),
    ...silent.map(({ address, error }) => `${address} does not answer: ${error}`),
  ].join('; ');
  throw new UnderstudyError('failed_precondition', `not all masters are known to have this feature: feature=${name}: ${why}`);
}

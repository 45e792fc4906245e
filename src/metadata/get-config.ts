import type { understudy } from '#proto/understudy.js';
import { configMessages } from './cluster-config.js';
import type { StateView } from './state.js';

/** The settings that stand in the journal. There are no secrets among them, and everybody may see them. */
export function getConfig(_request: understudy.GetConfigRequest, state: StateView): understudy.GetConfigResponse.$Properties {
  return { places: configMessages(state.config().places), sn: state.sn };
}

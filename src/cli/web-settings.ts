/** The settings of a master's web port, as `WebServer` takes them. */
import type { Settings } from '../config/settings.js';
import type { WebSettings } from '../web/web-server.js';

export function webSettings(settings: Settings): WebSettings {
  return { host: settings.masterWebBindHost, port: settings.masterWebPort, readyLagMaxMs: settings.masterWebReadyLagMaxMs };
}

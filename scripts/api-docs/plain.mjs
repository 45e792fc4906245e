/** A plugin of TypeDoc: leaves out from where members are inherited, which is nothing to those who call them. */
import { Converter } from 'typedoc';

export function load(app) {
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    for (const reflection of Object.values(project.reflections)) {
      for (const field of ['inheritedFrom', 'overwrites', 'implementationOf', 'extendedTypes', 'implementedTypes', 'extendedBy']) {
        delete reflection[field];
      }
    }
  });
}

import type { Logger } from 'pino';
import { nearestName } from '../../pipeline/nearest-name.ts';
import type { Token } from './token.ts';

/** Warns of each token for a pipeline that is not served: it covers less than somebody believes, or belongs to another server. */
export function warnOfUnknownPipelines(tokens: readonly Token[], served: readonly string[], log: Logger): void {
  for (const { name: token, pipelines = [] } of tokens) {
    for (const pipeline of pipelines) {
      if (served.includes(pipeline)) continue;
      const near = nearestName(pipeline, served);
      const advice = near === undefined ? `this server has ${served.join(', ')}` : `did you mean ${near}?`;
      log.warn({ token, pipeline }, `a token covers a pipeline that is not served; ${advice}`);
    }
  }
}

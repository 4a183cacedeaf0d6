import { isObject, parseJson } from '../../kernel/json.ts';
import type { EdgeResponse } from './http.ts';
import {
  isSuccess,
  purgeAnswerBytes,
  told,
  type PurgeWay,
  type PurgeWayOptions,
} from './purge-way.ts';

export interface CloudflareOptions extends PurgeWayOptions {
  /** Of the API; `https://api.cloudflare.com/client/v4` but for tests. */
  readonly api: string;
  readonly zone: string;
  readonly token: string;
}

/** Cloudflare's API: `POST /zones/{id}/purge_cache`, at most 100 tags at once. It knows no soft purge: what is past its time is gone there. */
export function createCloudflareWay(options: CloudflareOptions): PurgeWay {
  const { api, zone, token, http, timeoutMs } = options;
  const name = `cloudflare zone ${zone}`;
  return {
    name,
    batchMax: 100,
    purge(keys) {
      const request = {
        method: 'POST',
        url: `${api}/zones/${encodeURIComponent(zone)}/purge_cache`,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ tags: keys }),
        timeoutMs,
        bytesMax: purgeAnswerBytes,
      };
      return told(name, () => http.request(request), isDone);
    },
  };
}

/** Some refusals come under status 200. */
function isDone(response: EdgeResponse): boolean {
  if (!isSuccess(response)) return false;
  const answer = parseJson(response.body.toString('utf8'));
  return isObject(answer) && answer['success'] === true;
}

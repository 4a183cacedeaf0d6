import { purgeAnswerBytes, told, type PurgeWay, type PurgeWayOptions } from './purge-way.ts';

export interface FastlyOptions extends PurgeWayOptions {
  /** Of the API; `https://api.fastly.com` but for tests. */
  readonly api: string;
  readonly service: string;
  readonly token: string;
}

/** Fastly's API: `POST /service/{id}/purge`, at most 256 surrogate keys at once, soft where the field `fastly-soft-purge` says so. */
export function createFastlyWay(options: FastlyOptions): PurgeWay {
  const { api, service, token, http, timeoutMs } = options;
  const name = `fastly service ${service}`;
  return {
    name,
    batchMax: 256,
    purge(keys, soft) {
      const headers = {
        'fastly-key': token,
        accept: 'application/json',
        'surrogate-key': keys.join(' '),
        ...(soft ? { 'fastly-soft-purge': '1' } : {}),
      };
      const url = `${api}/service/${encodeURIComponent(service)}/purge`;
      const request = { method: 'POST', url, headers, timeoutMs, bytesMax: purgeAnswerBytes };
      return told(name, () => http.request(request));
    },
  };
}

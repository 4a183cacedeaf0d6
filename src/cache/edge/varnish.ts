import { purgeAnswerBytes, told, type PurgeWay, type PurgeWayOptions } from './purge-way.ts';

export interface VarnishOptions extends PurgeWayOptions {
  /** Of one Varnish; several have a way each. */
  readonly url: string;
  readonly secret: string;
}

/** Varnish with `docs/edge/economizer.vcl`: a request `PURGE` with the names in a field. Its fields take 8 KiB (`http_req_hdr_len`). */
export function createVarnishWay({ url, secret, http, timeoutMs }: VarnishOptions): PurgeWay {
  const name = `varnish at ${new URL(url).host}`;
  return {
    name,
    batchMax: 200,
    purge(keys, soft) {
      const field = soft ? 'x-economizer-softpurge' : 'x-economizer-purge';
      const headers = { [field]: keys.join(' '), 'x-economizer-purge-secret': secret };
      const request = { method: 'PURGE', url, headers, timeoutMs, bytesMax: purgeAnswerBytes };
      return told(name, () => http.request(request));
    },
  };
}

import { setFlagsFromString } from 'node:v8';

/**
 * Settings of the whole process, so for a command's own process only. By default V8 collects its whole heap whenever 64 MB of buffers have
 * been made; with bodies of 200 KB that is ten times a second and half of a gateway's time. With this flag buffers count
 * against the heap's own limit, which grows and shrinks with what is in use.
 */
export function settleGarbageCollector(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}

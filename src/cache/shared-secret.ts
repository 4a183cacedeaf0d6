/** The secret that keys and seals are made with. It may change once: from this installation's own to the one that gateways share. */
export interface SecretInUse {
  readonly current: string;
}

/** Deeper values are refused: they would cost more than they save, and circles end here. */
const depthMax = 128;

/**
 * Why `value` would not come back from JSON text as it went in, such as `a Date at when`; undefined where it would. Members
 * that are undefined are let pass, though they are not there afterwards, and so is -0, which comes back as 0.
 */
export function jsonFault(value: unknown): string | undefined {
  return faultOf(value, '', 0);
}

function faultOf(value: unknown, path: string, depth: number): string | undefined {
  if (depth > depthMax) return `more than ${depthMax} levels${at(path)}`;
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return undefined;
  if (typeof value === 'number') {
    return Number.isFinite(value) ? undefined : `${value}${at(path)}`;
  }
  if (typeof value !== 'object') {
    return `${value === undefined ? 'undefined' : `a ${typeof value}`}${at(path)}`;
  }
  return Array.isArray(value) ? arrayFault(value, path, depth) : objectFault(value, path, depth);
}

function arrayFault(values: readonly unknown[], path: string, depth: number): string | undefined {
  // By index, since holes are passed over by `entries` of some and are no JSON.
  for (let index = 0; index < values.length; index++) {
    const fault = faultOf(values[index], below(path, String(index)), depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function objectFault(value: object, path: string, depth: number): string | undefined {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && prototype !== Object.prototype) {
    return `a ${value.constructor?.name ?? 'class instance'}${at(path)}`;
  }
  if ('toJSON' in value) return `an object with toJSON${at(path)}`;
  if (Object.getOwnPropertySymbols(value).length > 0) return `a symbol${at(path)}`;
  for (const [name, each] of Object.entries(value)) {
    if (each === undefined) continue;
    const fault = faultOf(each, below(path, name), depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function below(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

function at(path: string): string {
  return path === '' ? '' : ` at ${path}`;
}

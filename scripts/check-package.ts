import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, run } from './steps.ts';

/** What a stranger's program looks like; it must compile against our types under the strictest settings. */
const consumer = `
import { createEconomizer, EconomizerError, type Economizer } from 'economizer';

const economizer: Economizer = createEconomizer({ cache: { ttl: '10m' } });
const send: typeof globalThis.fetch = economizer.fetch;
void send;
void EconomizerError.is(undefined);
void economizer.close();
`;

const consumerSettings = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2024',
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    types: ['node'],
    typeRoots: [join(root, 'node_modules/@types')],
  },
  files: ['consumer.ts'],
};

/** Packs the package, has its shape judged, installs it in an empty folder and uses it there: command and types. */
export function checkPackage(): void {
  const directory = mkdtempSync(join(tmpdir(), 'economizer-package-'));
  try {
    run('node', ['scripts/build.ts']);
    const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory];
    const [packed] = JSON.parse(run('npm', pack, { quiet: true })) as {
      readonly filename: string;
      readonly size: number;
    }[];
    const tarball = join(directory, packed!.filename);
    console.log(`${packed!.filename}, ${Math.ceil(packed!.size / 1024)} KiB`);
    run('publint', [tarball, '--strict']);
    run('attw', [tarball, '--profile', 'esm-only']);
    useInstalled(tarball, directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function useInstalled(tarball: string, directory: string): void {
  writeFileSync(join(directory, 'package.json'), '{ "private": true, "type": "module" }\n');
  const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball];
  run('npm', install, { directory, quiet: true });
  const command = join(directory, 'node_modules/.bin/economizer');
  console.log(
    `economizer --version: ${run(command, ['--version'], { directory, quiet: true }).trim()}`,
  );
  if (existsSync(join(root, 'src/cli/demo.ts'))) {
    JSON.parse(run(command, ['demo', '--exit', '--json'], { directory, quiet: true }));
    console.log('economizer demo --exit --json: one JSON object');
  }
  writeFileSync(join(directory, 'consumer.ts'), consumer);
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(consumerSettings));
  run('tsc', ['-p', directory], { directory });
  console.log('types: a program that imports the package compiles');
}

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A process that a test has started from a TypeScript file. */
export interface TestProcess {
  readonly process: ChildProcess;
  /** Every line it has written to standard output so far. */
  readonly lines: readonly string[];
  /** Takes the first line that starts with the text, waiting for it if need be; each line is taken once. */
  line(start: string): Promise<string>;
  /** Sends a signal and waits until the process is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
}

/** What Node needs to run TypeScript sources of the workspace. */
export function typeScriptOptions(): string[] {
  const hooks = new URL(`./typescript-hooks.${import.meta.url.endsWith('.ts') ? 'ts' : 'js'}`, import.meta.url);
  return ['--conditions=source', '--import', hooks.href];
}

/** Runs a TypeScript file of the workspace in a process of its own. Arguments are passed on as they are. */
export function spawnTypeScript(file: string | URL, args: readonly string[] = []): TestProcess {
  const path = typeof file === 'string' ? file : fileURLToPath(file);
  const child = spawn(process.execPath, [...typeScriptOptions(), path, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '', NODE_NO_WARNINGS: '1' },
  });
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  const wake = () => {
    for (const look of [...waiting]) look();
  };
  createInterface({ input: child.stdout }).on('line', (line) => {
    lines.push(line);
    wake();
  });
  child.once('exit', wake);
  const taken = new Set<number>();
  return {
    process: child,
    lines,
    line: (start) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const index = lines.findIndex((line, at) => !taken.has(at) && line.startsWith(start));
          if (index < 0 && child.exitCode === null && child.signalCode === null) return;
          waiting.delete(look);
          if (index < 0)
            return reject(new Error(`${path} ended (${child.exitCode ?? child.signalCode}): ${lines.join('\n')}`));
          taken.add(index);
          resolve(lines[index] as string);
        };
        waiting.add(look);
        look();
      }),
    async kill(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    },
  };
}

import { EXTERNAL, TestShell } from './support.js';

let shell: TestShell;
beforeEach(() => {
  shell = new TestShell();
  shell.file('ganglion.yaml', EXTERNAL);
});
afterEach(() => shell.remove());

describe('media verify', () => {
  it('says that all is well', async () => {
    expect(await shell.run('media', 'verify')).toBe(0);
    expect(shell.output).toContain('Looked at 12 stored files and thumbnails.\nAll of them are as they should be');
  });

  it('says what is not, and ends with 1', async () => {
    shell.discrepancies = ['missing abc', 'unknown def: 12 bytes'];
    expect(await shell.run('media', 'verify')).toBe(1);
    expect(shell.output).toContain('missing abc\nunknown def: 12 bytes\n');
    expect(shell.errors).toContain('2 things are not as they should be.');
  });
});

describe('media move', () => {
  it('says what was moved', async () => {
    shell.moved = { files: 3, bytes: 1_000, failed: [] };
    expect(await shell.run('media', 'move')).toBe(0);
    expect(shell.output).toContain('Moved 3 stored files and thumbnails, 1000 bytes.');
  });

  it('says what could not be moved, and ends with 1', async () => {
    shell.moved = { files: 3, bytes: 1_000, failed: ['abc'] };
    expect(await shell.run('media', 'move')).toBe(1);
    expect(shell.errors).toContain('abc is missing or damaged in both places');
  });

  it('ends with 2 where the configuration names no previous store', async () => {
    expect(await shell.run('media', 'move')).toBe(2);
    expect(shell.errors).toContain('media.previous_store');
  });
});

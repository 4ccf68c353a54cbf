import { MatrixError } from '@ganglion/contracts';
import { type JudgedBytes, type Scanner, ScannerUnavailableError } from './ports/scanner.js';

export interface JudgementPolicy {
  /** What becomes of files while nobody can judge them. */
  readonly whenUnavailable: 'refuse' | 'accept';
}

/** Lets files pass that somebody has judged. */
export class Judgement {
  constructor(
    private readonly scanner: Scanner,
    private readonly policy: JudgementPolicy,
  ) {}

  /** @throws MatrixError M_FORBIDDEN for what is refused, M_UNKNOWN when there is no verdict */
  async check(file: JudgedBytes): Promise<void> {
    const verdict = await this.#judge(file);
    if (verdict) throw new MatrixError(403, 'M_FORBIDDEN', `This file was refused: ${verdict.refusedBecause}`);
  }

  async #judge(file: JudgedBytes) {
    try {
      return await this.scanner.judge(file);
    } catch (error) {
      if (!(error instanceof ScannerUnavailableError)) throw error;
      if (this.policy.whenUnavailable === 'accept') return undefined;
      throw new MatrixError(503, 'M_UNKNOWN', 'Files cannot be checked right now, please try again');
    }
  }
}

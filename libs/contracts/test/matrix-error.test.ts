import { isMatrixError, MatrixError } from '../src/index.js';

describe('a Matrix error', () => {
  it('is answered with its errcode, its words and what it carries beside them', () => {
    const error = new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many requests', { retry_after_ms: 500 });
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      errcode: 'M_LIMIT_EXCEEDED',
      error: 'Too many requests',
      retry_after_ms: 500,
    });
    expect([error.status, error.message, error.name]).toEqual([429, 'Too many requests', 'MatrixError']);
    expect(error).toBeInstanceOf(Error);
  });

  it('cannot be given another errcode by what it carries', () => {
    const error = new MatrixError(403, 'M_FORBIDDEN', 'No', { errcode: 'M_OTHER', error: 'Yes', status: 200 });
    expect(error.toJSON()).toEqual({ errcode: 'M_FORBIDDEN', error: 'No', status: 200 });
    expect(error.status).toBe(403);
  });

  it('is known as one when another copy of this module made it, and nothing else is', () => {
    const another = Object.assign(new Error('No'), { [Symbol.for('ganglion.MatrixError')]: true, status: 403 });
    expect(isMatrixError(another)).toBe(true);
    expect(isMatrixError(new MatrixError(404, 'M_NOT_FOUND', 'None'))).toBe(true);
    const others = [new Error('No'), { status: 403, errcode: 'M_FORBIDDEN' }, 'M_FORBIDDEN', null, undefined, 403];
    for (const other of others) expect(isMatrixError(other)).toBe(false);
  });
});

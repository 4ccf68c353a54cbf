import { Controller, Get, Inject } from '@nestjs/common';
import { testApp } from './support/test-app.js';

const NOBODY = Symbol('what nobody provides');

@Controller('needs')
class NeedyController {
  constructor(@Inject(NOBODY) private readonly needed: unknown) {}

  @Get()
  get() {
    return { needed: this.needed };
  }
}

it('a controller that asks for what nobody provides is told of by name', async () => {
  await expect(testApp([NeedyController])).rejects.toThrow(/NeedyController[\s\S]*what nobody provides/);
});

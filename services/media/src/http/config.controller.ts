import { Authenticated } from '@ganglion/http';
import { Controller, Get, Inject } from '@nestjs/common';
import { SETTINGS, type Settings } from './settings.js';

@Controller()
@Authenticated()
export class ConfigController {
  constructor(@Inject(SETTINGS) private readonly settings: Settings) {}

  /**
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediaconfig
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixmediav3config
   */
  @Get(['_matrix/client/v1/media/config', '_matrix/media/v3/config'])
  getConfigAuthed() {
    return { 'm.upload.size': this.settings.maxUploadBytes };
  }
}

import {
  AnswersJsonText,
  Authenticated,
  Path,
  RateLimited,
  RequestedBy,
  type Requester,
  StoredJsonBody,
} from '@ganglion/http';
import { jsonObject, text } from '@ganglion/http/values';
import type { JsonObject } from '@ganglion/protocol';
import { Controller, Delete, Get, Inject, Put } from '@nestjs/common';
import { z } from 'zod';
import { Profiles } from '../domain/profiles.js';

const userPath = z.object({ userId: text });
const fieldPath = z.object({ userId: text, keyName: text });

type UserPath = z.output<typeof userPath>;
type FieldPath = z.output<typeof fieldPath>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#profiles */
@Controller(['_matrix/client/v3/profile', '_matrix/client/unstable/uk.tcpip.msc4133/profile'])
export class ProfileController {
  constructor(@Inject(Profiles) private readonly profiles: Profiles) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3profileuserid */
  @Get(':userId')
  @RateLimited('lookups')
  @AnswersJsonText()
  getUserProfile(@Path(userPath) { userId }: UserPath) {
    return this.profiles.get(userId);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3profileuseridkeyname */
  @Get(':userId/:keyName')
  @RateLimited('lookups')
  @AnswersJsonText()
  getProfileField(@Path(fieldPath) { userId, keyName }: FieldPath) {
    return this.profiles.getField(userId, keyName);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname */
  @Put(':userId/:keyName')
  @RateLimited('profile')
  @Authenticated({ guests: true })
  async setProfileField(
    @RequestedBy() requester: Requester,
    @Path(fieldPath) { userId, keyName }: FieldPath,
    @StoredJsonBody(jsonObject) body: JsonObject,
  ) {
    await this.profiles.setField(requester, userId, keyName, body);
    return {};
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3profileuseridkeyname */
  @Delete(':userId/:keyName')
  @RateLimited('profile')
  @Authenticated({ guests: true })
  async deleteProfileField(@RequestedBy() requester: Requester, @Path(fieldPath) { userId, keyName }: FieldPath) {
    await this.profiles.deleteField(requester, userId, keyName);
    return {};
  }
}

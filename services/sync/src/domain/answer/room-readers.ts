import type { RoomLog } from '@ganglion/contracts/room';
import type { ReadModel } from '../ports/read-model.js';
import type { RelationModel } from '../ports/relation-model.js';
import type { EventTexts } from '../texts/event-texts.js';
import type { SentMembers } from './lazy-members.js';

/** Where what an answer tells of a room comes from. */
export interface RoomReaders {
  readonly model: ReadModel;
  readonly relations: RelationModel;
  readonly texts: EventTexts;
  readonly sent: SentMembers;
  readonly roomLog: Pick<RoomLog, 'getEvents'>;
}

import {
  authTypesForEvent,
  parseHistoryVisibility,
  type RoomEvent,
  redactedEventId,
  referenceHash,
  type UnsignedEvent,
} from '@ganglion/protocol';
import { tracePoint } from '@ganglion/telemetry';
import type { BuiltEvent, EventBuilder, EventDraft } from '../event-builder.js';
import { tellOutOfBand } from '../intake/tell-out-of-band.js';
import { recommended } from '../policy/policy-check.js';
import type { FoundEvent, NewEvent, StateChange, StateKey, Transaction } from '../ports/rooms.js';
import type { Extremity, RoomHead, StateEntry } from '../room-head.js';
import { type RoomPlan, summaryOf } from './room-plan.js';

export interface AppendOptions {
  readonly transaction?: Transaction | undefined;
  /** The event that this redaction takes the content of. */
  readonly redacts?: FoundEvent | undefined;
}

/** Places what our own users send: each event on all forward extremities, so that it becomes the only one. */
export class LocalPlacement {
  constructor(
    readonly plan: RoomPlan,
    private readonly builder: EventBuilder,
  ) {}

  /** The room as it will be with what the plan has so far. */
  get head(): RoomHead {
    return this.plan.head;
  }

  /** Builds the event on the head and applies it there. @throws MatrixError; then nothing has changed */
  async append(draft: EventDraft, options: AppendOptions = {}): Promise<NewEvent> {
    return this.#place(await this.buildToSend(draft), await this.plan.deps.numbers.allocate(), options);
  }

  /** Builds the event on the head, as others may be sent it, and leaves it at that. @throws MatrixError, also as the room's policy server refuses */
  async buildToSend(draft: EventDraft): Promise<BuiltEvent> {
    return recommended(this.plan, this.builder.build(this.head, draft, await this.#authKeys(draft)));
  }

  /** The event as a user of another server may sign and send it. @throws MatrixError */
  async template(draft: EventDraft): Promise<UnsignedEvent> {
    return this.builder.template(this.head, draft, await this.#authKeys(draft));
  }

  /** The keys of what authorises an event, once the head knows them and the event's own. */
  async #authKeys(draft: EventDraft): Promise<StateKey[]> {
    const { head } = this.plan;
    const { type, stateKey } = draft;
    const outline = { ...draft, ...(stateKey !== undefined && { state_key: stateKey }) };
    const own = stateKey === undefined ? [] : [{ type, stateKey }];
    const auth = authTypesForEvent(outline, head.rules).map(([type, stateKey]) => ({ type, stateKey }));
    await this.plan.load([...auth, ...own]);
    return auth;
  }

  /** Ends a membership in a room that we do not take part in, as the user asks. @throws MatrixError */
  async endOutOfBand(draft: EventDraft, ended: StateEntry): Promise<NewEvent> {
    const { event, json } = this.builder.buildOutOfBand(this.head, draft, ended);
    const incoming = { event, json, eventId: event.eventId, prevIds: [], authIds: [] };
    return tellOutOfBand(this.plan, { incoming, strippedState: '[]' });
  }

  async #place(built: BuiltEvent, nid: number, { transaction, redacts }: AppendOptions): Promise<NewEvent> {
    const { plan } = this;
    const { head } = plan;
    const { event } = built;
    const previousVisibility = visibilityOf(head);
    const stateBeforeNid = head.stateNid;
    if (redacts !== undefined) plan.markRedacted(redacts.event);
    const change = await this.#stateChange(nid, event);
    const stateAfterNid =
      change === undefined ? stateBeforeNid : await plan.state(stateBeforeNid, new Map([[change.keyNid, nid]]));
    const visibility = visibilityOf(head);
    head.roomSeq += 1;
    const cited = new Set(built.prevNids);
    const others = head.extremities.filter((extremity) => !cited.has(extremity.nid));
    plan.move([...others, extremityOf(nid, event, stateAfterNid!, head)], stateAfterNid, false);
    const added: NewEvent = {
      nid,
      event,
      json: built.json,
      status: 'accepted',
      isKnown: false,
      roomSeq: head.roomSeq,
      keyNid: change?.keyNid,
      prevNids: built.prevNids,
      authNids: built.authNids,
      stateBeforeNid,
      stateAfterNid,
      visibility,
      previousVisibility: visibility === previousVisibility ? undefined : previousVisibility,
      stateChanges: change === undefined ? [] : [change],
      jump: undefined,
      localMemberships: [],
      missing: [],
      transaction,
      redactsEventId: redacts?.event.eventId ?? redactedEventId(event.pdu, head.rules),
      redactedNid: redacts?.nid,
      redactedBy: undefined,
      strippedState: undefined,
      tracePoint: tracePoint(),
    };
    plan.add(added);
    return added;
  }

  /** Makes a state event the current one of its key. */
  async #stateChange(nid: number, event: RoomEvent): Promise<StateChange | undefined> {
    const { plan } = this;
    const { type, state_key: stateKey } = event.pdu;
    if (stateKey === undefined) return undefined;
    const keyNid = await plan.keyNid(type, stateKey);
    const before = plan.head.entry(type, stateKey)?.membership;
    const summary = summaryOf(event);
    const { eventId, membership } = summary;
    const change = { type, stateKey, keyNid, eventNid: nid, eventId, membership };
    plan.setCurrent(change, { nid, ...summary, event }, before);
    return change;
  }
}

/** The history visibility of the current state. */
function visibilityOf(head: RoomHead): string {
  return parseHistoryVisibility(head.event('m.room.history_visibility', '')?.pdu.content);
}

/** An event as a forward extremity. */
export function extremityOf(nid: number, event: RoomEvent, stateNid: number, { rules }: RoomHead): Extremity {
  const byHash = rules.eventIdFormat === 'in-event';
  const { eventId, pdu } = event;
  return { nid, eventId, depth: pdu.depth, stateNid, ...(byHash && { hash: referenceHash(pdu, rules) }) };
}

import { hash } from 'node:crypto';
import type { EventDraft } from '../events/build-event.js';
import { type RoomVersionId, roomVersionRules } from '../rooms/room-version.js';
import { signingKeyFromSeed } from '../signing/signing-key.js';
import { type Deed, membership, randomDeed } from './acts.js';
import { Arrival, type Arrived } from './arrival.js';
import { randomClaims } from './claims.js';
import { Random } from './random.js';
import { RoomWriter, type SigningKeys, type WrittenEvent } from './room-writer.js';

/** An event of a random room; what became of it on arrival is for a server that gets all events in the order of the list. */
export interface RandomEvent extends WrittenEvent, Arrived {}

/** A room in which people quarrel, servers lie, and nobody sees the whole. */
export interface RandomRoom {
  readonly version: RoomVersionId;
  readonly roomId: string;
  readonly keys: SigningKeys;
  readonly users: readonly string[];
  /** Each after all that it follows and all that authorise it. */
  readonly events: readonly RandomEvent[];
}

export interface RandomRoomOptions {
  /** The same seed makes the same room; with a greater length, one that begins with it. */
  readonly seed: number;
  readonly version: RoomVersionId;
  /** How many events the room has. Default: 60. */
  readonly length?: number;
  /** The servers whose users are in the room, with their keys. Default: three, with keys of their own. */
  readonly keys?: SigningKeys;
  /** Somebody else, of one of the servers, who joins at the beginning, and whom nobody ever names. */
  readonly spectator?: string;
}

const START_TS = 1_700_000_000_000;
const LOCALPARTS = ['alice', 'bob', 'carl', 'dora', 'erin', 'fred'];
/** How often people look for something that they may do before they do what they may not. */
const TRIES = 12;

/**
 * A room made up from a seed, of real events: hashed, signed, with the ids that they have, ready to be sent to a server. It has
 * forks and merges, bans, changes of power, join rules of all kinds, knocks, restricted joins, redactions and messages;
 * events that evade a ban by following what was before it, events whose auth events do not allow them or say
 * something else than the state, and depths and times of all kinds. Call `ready` first.
 *
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
 */
export function randomRoom({
  seed,
  version,
  length = 60,
  keys = defaultKeys(),
  spectator,
}: RandomRoomOptions): RandomRoom {
  const maker = new RoomMaker(seed, version, keys, spectator);
  const events: RandomEvent[] = [];
  while (events.length < length) events.push(maker.next());
  return { version, roomId: maker.room.roomId, keys, users: maker.users, events };
}

function defaultKeys(): SigningKeys {
  const servers = ['a.example', 'b.example', 'c.example'];
  return new Map(servers.map((name) => [name, signingKeyFromSeed('1', hash('sha256', name, 'buffer'))]));
}

class RoomMaker {
  readonly users: readonly string[];
  readonly room: RoomWriter;
  private readonly random: Random;
  private readonly arrival: Arrival;
  private readonly beginning: readonly Deed[];

  constructor(seed: number, version: RoomVersionId, keys: SigningKeys, spectator?: string) {
    const rules = roomVersionRules(version)!;
    const servers = [...keys.keys()];
    this.users = LOCALPARTS.map((name, index) => `@${name}:${servers[index % servers.length]}`);
    this.random = new Random(`${version} ${seed}`);
    this.room = new RoomWriter({ rules, keys, salt: `r${this.random.below(2 ** 32).toString(36)}x` });
    this.arrival = new Arrival(this.room);
    this.beginning = this.begin(spectator === undefined ? [] : [spectator]);
  }

  next(): RandomEvent {
    const place = this.room.events.length;
    const deed = this.beginning[place];
    const written = deed === undefined ? this.goOn() : this.room.write(this.timed(deed), this.arrival.tips);
    return { ...written, ...this.arrival.take(written) };
  }

  private begin(spectators: readonly string[]): Deed[] {
    const [creator, second, ...others] = this.users as [string, string, ...string[]];
    const { privilegedCreators, implicitCreator, roomIdIsCreateHash, id } = this.room.rules;
    const content = {
      room_version: id,
      ...(!implicitCreator && { creator }),
      // Rooms that begin alike would be one.
      ...(roomIdIsCreateHash && { 'org.example.number': this.random.below(2 ** 32) }),
      ...(privilegedCreators && this.random.percent(30) && { additional_creators: [this.random.pick(others)] }),
    };
    const users = { ...(!privilegedCreators && { [creator]: 100 }), [second]: this.random.pick([50, 75, 100]) };
    const joinRule = this.random.pick(['public', 'public', 'public', 'knock', 'restricted']);
    const first = { sender: creator, state_key: '' };
    return [
      { ...first, type: 'm.room.create', content },
      membership(creator, creator, 'join'),
      { ...first, type: 'm.room.power_levels', content: { users } },
      { ...first, type: 'm.room.join_rules', content: { join_rule: 'public' } },
      ...spectators.map((user) => membership(user, user, 'join')),
      membership(second, second, 'join'),
      ...others.slice(0, 2).map((user) => membership(user, user, 'join')),
      { ...first, type: 'm.room.join_rules', content: { join_rule: joinRule } },
    ];
  }

  private goOn(): WrittenEvent {
    const evades = this.random.percent(12);
    const prevs = evades ? [this.random.pick(this.room.events).eventId] : this.prevs();
    const draft = this.draftAfter(prevs, evades);
    return this.room.write(draft, prevs, randomClaims(this.random, this.room, draft, this.room.stateAfter(prevs)));
  }

  private prevs(): string[] {
    const { tips } = this.arrival;
    const recent = this.room.events.slice(-6).map(({ eventId }) => eventId);
    return this.random.weighted([
      [15, () => this.random.some(tips, 10)],
      [60, () => this.random.some(tips, 1)],
      [25, () => this.random.some(recent, 1 + this.random.below(3))],
    ])();
  }

  /** What somebody does after some events: mostly something allowed, and for an evasion something that no longer is. */
  private draftAfter(prevs: readonly string[], evades: boolean): EventDraft {
    const state = this.room.stateAfter(prevs);
    let draft = this.draftIn(state);
    for (let tries = 0; tries < TRIES; tries++) {
      const isAllowed = this.room.allows(draft, state);
      if (isAllowed && !(evades && this.room.allows(draft, this.arrival.state))) break;
      if (!isAllowed && this.random.percent(4)) break;
      draft = this.draftIn(state);
    }
    return draft;
  }

  private draftIn(state: WrittenEvent['stateAfter']): EventDraft {
    const eventIds = this.room.events.map(({ eventId }) => eventId);
    const { random, users } = this;
    return this.timed(randomDeed({ random, rules: this.room.rules, users, eventIds, state: this.room.lookIn(state) }));
  }

  /** Clocks go wrong, and much happens within one second. */
  private timed(deed: Deed): EventDraft {
    const seconds = Math.floor(this.room.events.length / 2) - (this.random.percent(20) ? this.random.below(10) : 0);
    const isWrong = this.random.percent(2);
    return { ...deed, origin_server_ts: isWrong ? this.random.pick([0, 2 * START_TS]) : START_TS + seconds * 1000 };
  }
}

import { MatrixError } from '@ganglion/contracts';
import type { Device, Devices } from '@ganglion/contracts/user';
import { domainOf, type JsonObject } from '@ganglion/protocol';
import { Gatherer } from '@ganglion/service';
import type {
  DeviceMessageModel,
  DeviceMessages,
  DeviceName,
  LeavingMessage,
  NewDeviceMessage,
} from '../ports/device-message-model.js';
import { leavingMessages } from './leaving-messages.js';

/** Contents by user and device; the device `*` stands for all of the user's that are not named. */
export type ContentsByDevice = Readonly<Record<string, Readonly<Record<string, JsonObject>>>>;

export interface SendRequest {
  readonly sender: DeviceName;
  readonly eventType: string;
  readonly txnId: string;
  readonly messages: ContentsByDevice;
}

export interface DeviceMessagingDependencies {
  readonly model: Pick<DeviceMessageModel, 'handOver'>;
  readonly devices: Pick<Devices, 'listDevicesOf'>;
  readonly isLocal: (userId: string) => boolean;
  /** Whether there are other servers at all. */
  readonly federates: boolean;
  /** Tells the appender that messages wait. */
  readonly announce: () => void;
  /** Tells the sender that messages for other servers wait. */
  readonly announceLeaving: () => void;
}

const ALL_DEVICES = '*';
/** What one request may bring about, beyond what any client asks for. */
const MAX_MESSAGES = 10_000;
const MAX_CHARACTERS = 16 * 1024 * 1024;
/** Clients send to a few devices at once: nobody makes us look for any number of servers with one request. */
const MAX_SERVERS = 1_000;
/** Of one message: as an event of a room may have, so that it can travel to another server. */
const MAX_MESSAGE_BYTES = 65_536;
/** So many users are asked about at once at most; a request that names more asks for itself alone. */
const MAX_USERS = 1_000;
/** What comes while a statement is on its way goes with the next one. */
const GATHER_MS = 0;

/** Messages from device to device. @see https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging */
export class DeviceMessaging {
  readonly #gathered = new Gatherer<DeviceMessages>(GATHER_MS, (requests) => this.#handOver(requests));

  readonly #devices = new Gatherer<readonly string[], ReadonlyMap<string, Device[]>>(GATHER_MS, (asked) =>
    this.#devicesOf(asked),
  );

  constructor(private readonly deps: DeviceMessagingDependencies) {}

  /**
   * Sends messages; to devices that there are not, none. Once this resolves they are kept and will be delivered. A request
   * that was carried out before changes nothing.
   *
   * @throws MatrixError M_TOO_LARGE when it is more than one request may bring about; then nothing is sent
   */
  async sendToDevice({ sender, eventType, txnId, messages }: SendRequest): Promise<void> {
    const { isLocal } = this.deps;
    const asked = Object.entries(messages).filter(([userId]) => isLocal(userId));
    const known = await this.#known(asked.map(userOf));
    const texts = new MessageTexts(sender.userId, eventType);
    const sent = asked.flatMap(([userId, contents]) =>
      (known.get(userId) ?? []).flatMap((device) => messageFor(userId, device, contents, texts)),
    );
    if (sent.length > MAX_MESSAGES) throw tooLarge(`more than ${MAX_MESSAGES} messages`);
    if (sent.reduce((sum, { json }) => sum + json.length, 0) > MAX_CHARACTERS)
      throw tooLarge('messages that are too large');
    const leaving = this.#leaving(sender, messages, texts);
    await this.#gathered.add({ ...sender, eventType, txnId, messages: sent, leaving });
  }

  async #known(userIds: readonly string[]): Promise<ReadonlyMap<string, Device[]>> {
    if (userIds.length === 0) return new Map();
    return userIds.length > MAX_USERS ? this.#devicesOf([userIds]) : this.#devices.add(userIds);
  }

  /** As they are now: whoever asks was there before. */
  async #devicesOf(asked: readonly (readonly string[])[]): Promise<ReadonlyMap<string, Device[]>> {
    const wanted = [...new Set(asked.flat())];
    const known = new Map<string, Device[]>();
    for (let first = 0; first < wanted.length; first += MAX_USERS) {
      const { users } = await this.deps.devices.listDevicesOf({ userIds: wanted.slice(first, first + MAX_USERS) });
      for (const { userId, devices } of users) known.set(userId, devices);
    }
    return known;
  }

  /** What is for users of other servers; of what those send us nothing is passed on. */
  #leaving({ userId }: DeviceName, messages: ContentsByDevice, texts: MessageTexts): LeavingMessage[] {
    const { federates, isLocal } = this.deps;
    if (!federates || !isLocal(userId)) return [];
    const others = Object.entries(messages).filter(([target]) => !isLocal(target));
    const count = others.reduce((sum, [, contents]) => sum + Object.keys(contents).length, 0);
    if (count > MAX_MESSAGES) throw tooLarge(`more than ${MAX_MESSAGES} messages to other servers`);
    const servers = new Set(others.map(([target]) => domainOf(target)));
    if (servers.size > MAX_SERVERS) throw tooLarge(`messages to more than ${MAX_SERVERS} servers`);
    return leavingMessages(others, (content) => texts.contentOf(content));
  }

  async #handOver(requests: readonly DeviceMessages[]): Promise<void> {
    const { model, announce, announceLeaving } = this.deps;
    const byName = new Map(requests.toReversed().map((request) => [nameOf(request), request]));
    await model.handOver([...byName.values()].reverse());
    announce();
    if (requests.some(({ leaving }) => leaving.length > 0)) announceLeaving();
  }
}

function userOf([userId]: readonly [string, unknown]): string {
  return userId;
}

function nameOf({ userId, deviceId, eventType, txnId }: DeviceMessages): string {
  return JSON.stringify([userId, deviceId, eventType, txnId]);
}

function messageFor(
  userId: string,
  { deviceId, createdAtMs }: Device,
  contents: ContentsByDevice[string],
  texts: MessageTexts,
): NewDeviceMessage[] {
  const content = (Object.hasOwn(contents, deviceId) ? contents[deviceId] : undefined) ?? contents[ALL_DEVICES];
  return content === undefined ? [] : [{ userId, deviceId, createdAtMs, json: texts.of(content) }];
}

/** The events of one request, each written once, however many devices get it. */
class MessageTexts {
  readonly #texts = new Map<JsonObject, string>();

  constructor(
    private readonly sender: string,
    private readonly type: string,
  ) {}

  /** @throws MatrixError M_TOO_LARGE */
  of(content: JsonObject): string {
    const known = this.#texts.get(content);
    if (known !== undefined) return known;
    const { sender, type } = this;
    const text = JSON.stringify({ sender, type, content });
    if (Buffer.byteLength(text) > MAX_MESSAGE_BYTES)
      throw tooLarge(`a message of more than ${MAX_MESSAGE_BYTES} bytes`);
    this.#texts.set(content, text);
    return text;
  }

  /** The content alone, which may be no larger than that the event can be. @throws MatrixError M_TOO_LARGE */
  contentOf(content: JsonObject): string {
    this.of(content);
    return JSON.stringify(content);
  }
}

function tooLarge(what: string): MatrixError {
  return new MatrixError(413, 'M_TOO_LARGE', `The request would send ${what}`);
}

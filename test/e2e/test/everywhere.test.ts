import { bots } from './stories/bots.js';
import { catchingUp } from './stories/catching-up.js';
import { comingAndGoing } from './stories/coming-and-going.js';
import { encrypted } from './stories/encrypted.js';
import { fiftyPeople } from './stories/fifty-people.js';
import { files } from './stories/files.js';
import { firstEvening } from './stories/first-evening.js';
import { lostPhone } from './stories/lost-phone.js';
import { twoPeople } from './stories/two-people.js';
import { everywhere } from './support/everywhere.js';

everywhere((server, story) => {
  describe('two people', () => twoPeople(server, story));
  describe('who was away', () => catchingUp(server, story));
  describe('who encrypts', () => encrypted(server, story));
  describe('an office that loses a telephone', () => lostPhone(server, story));
  describe('a small organisation', () => firstEvening(server, story));
  describe('who comes and goes', () => comingAndGoing(server, story));
  describe('files', () => files(server, story));
  describe('bots', () => bots(server, story));
  describe('a full room', () => fiftyPeople(server, story));
});

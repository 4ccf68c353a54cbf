import { askPrometheus } from '../watch/prometheus.ts';
import { questions } from '../watch/questions.ts';
import { type Scrape, scrapeAll } from '../watch/scrape.ts';
import { parseQuery } from '../watch/selectors.ts';
import { assert, type Scenario } from './scenario.ts';
import { NAMESPACE, type Stage } from './stage.ts';

const COMPONENT = 'app.kubernetes.io/component';

/** Told only of other servers, of standbys, of accounts that change, or of what goes wrong, none of which there is here. */
const QUIET =
  /^federation:|standby|fail|nobody sees|changes of accounts|set aside|repeated|errors|parked|waiting for a connection|DatabaseWaits/i;

/** The other alerts ring when something lasts for minutes. */
const AT_ONCE = ['GanglionReplicaDown', 'GanglionParkedMessages'];

export const tellsMetrics: Scenario = {
  name: 'metrics',
  what: 'Prometheus has something to show in the panels of dashboards, and to autoscalers, and no alert rings',
  run: (stage) =>
    stage.during(async () => {
      const scrapes = [...(await scraped(stage))];
      await stage.talkOn();
      scrapes.push(...(await scraped(stage)));
      const asked = await questions();
      const ask = async (queries: string[]) => {
        const answers = await askPrometheus(stage.prometheus, { scrapes, at: Date.now(), queries });
        for (const { query, error } of answers) assert(error === undefined, `Prometheus says to ${query}: ${error}`);
        return answers;
      };
      const shown = await ask(asked.map(({ text }) => parseQuery(text).measure));
      const empty = asked.filter(({ by }, index) => shown[index]?.series.length === 0 && !QUIET.test(by));
      assert(empty.length === 0, `nothing is shown for ${empty.map(({ by }) => by)}`);
      const alerts = asked.filter(({ by }) => AT_ONCE.includes(by));
      const rung = (await ask(alerts.map(({ text }) => text))).map(({ series }, index) => [series, alerts[index]?.by]);
      const ringing = rung.filter(([series]) => (series as unknown[]).length > 0).map(([, by]) => by);
      assert(ringing.length === 0, `alerts ring: ${ringing}`);
    }),
};

/** All pods, with the labels that the chart's PodMonitor gives them. */
async function scraped(stage: Stage): Promise<Scrape[]> {
  const running = (await stage.pods()).filter(({ metadata, status }) => {
    return status.phase === 'Running' && metadata.deletionTimestamp === undefined;
  });
  return scrapeAll(
    running.map(({ metadata, status }) => ({
      url: `http://${status.podIP}:9100`,
      labels: { namespace: NAMESPACE, pod: metadata.name, service: metadata.labels?.[COMPONENT] ?? '' },
    })),
  );
}

// Prometheus without its scraping: it is given what targets have told at some times, and answers queries of it by Prometheus' own
// parser, storage and engine. One document of JSON on its standard input, one on its standard output.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/tsdb"
)

type scrape struct {
	At     int64             `json:"at"`
	Labels map[string]string `json:"labels"`
	Text   string            `json:"text"`
}

type input struct {
	Scrapes []scrape `json:"scrapes"`
	At      int64    `json:"at"`
	Queries []string `json:"queries"`
}

type series struct {
	Labels map[string]string `json:"labels"`
	Value  string            `json:"value"`
}

type answer struct {
	Query  string   `json:"query"`
	Error  string   `json:"error,omitempty"`
	Series []series `json:"series"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var given input
	if err := json.NewDecoder(os.Stdin).Decode(&given); err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "prometheus-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	db, err := tsdb.Open(folder, nil, nil, tsdb.DefaultOptions(), tsdb.NewDBStats())
	if err != nil {
		return err
	}
	defer db.Close()
	for _, each := range given.Scrapes {
		if err := keep(db, each); err != nil {
			return fmt.Errorf("%v: %w", each.Labels, err)
		}
	}
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 50_000_000,
		Timeout:    time.Minute,
		Parser:     parser.NewParser(parser.Options{}),
	})
	answers := make([]answer, 0, len(given.Queries))
	for _, query := range given.Queries {
		answers = append(answers, ask(engine, db, query, time.UnixMilli(given.At)))
	}
	return json.NewEncoder(os.Stdout).Encode(answers)
}

// Labels of the target win over those that it tells, which are called exported then, as they are where honor_labels is off.
func keep(db *tsdb.DB, given scrape) error {
	parser, err := textparse.New([]byte(given.Text), "text/plain; version=0.0.4", nil, textparse.ParserOptions{})
	if err != nil {
		return err
	}
	appender := db.Appender(context.Background())
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if entry != textparse.EntrySeries {
			continue
		}
		_, at, value := parser.Series()
		told := labels.EmptyLabels()
		parser.Labels(&told)
		builder := labels.NewBuilder(told)
		for name, is := range given.Labels {
			if own := told.Get(name); own != "" {
				builder.Set("exported_"+name, own)
			}
			builder.Set(name, is)
		}
		when := given.At
		if at != nil {
			when = *at
		}
		if _, err := appender.Append(0, builder.Labels(), when, value); err != nil {
			return err
		}
	}
	up := labels.NewBuilder(labels.FromMap(given.Labels)).Set(labels.MetricName, "up").Labels()
	if _, err := appender.Append(0, up, given.At, 1); err != nil {
		return err
	}
	return appender.Commit()
}

func ask(engine *promql.Engine, db *tsdb.DB, query string, at time.Time) answer {
	asked, err := engine.NewInstantQuery(context.Background(), db, nil, query, at)
	if err != nil {
		return answer{Query: query, Error: err.Error()}
	}
	defer asked.Close()
	result := asked.Exec(context.Background())
	if result.Err != nil {
		return answer{Query: query, Error: result.Err.Error()}
	}
	vector, err := result.Vector()
	if err != nil {
		return answer{Query: query, Error: err.Error()}
	}
	found := answer{Query: query, Series: []series{}}
	for _, sample := range vector {
		found.Series = append(found.Series, series{Labels: sample.Metric.Map(), Value: fmt.Sprint(sample.F)})
	}
	return found
}

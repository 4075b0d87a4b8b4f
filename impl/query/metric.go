package query

// metricAggregation compiles a cardinality or value_count aggregation.
func (c *compiler) metricAggregation(kind string) aggregationReader {
	return func(a *aggregation, body map[string]any, _ []string) error {
		if len(a.subs) > 0 {
			return illegal("Aggregator [%s] of type [%s] cannot accept sub-aggregations", a.name, kind)
		}

		own := options{}
		if kind == "cardinality" {
			own = options{"precision_threshold": ignoredOption, "rehash": ignoredOption, "execution_hint": ignoredOption}
		}

		from, err := c.source(a, kind, body, own)
		a.prefix = kind
		a.start = func(spent *budget) (collector, error) {
			if kind == "cardinality" {
				return &cardinality{from: from, spent: spent, seen: map[value]bool{}}, nil
			}
			return &valueCount{from: from}, nil
		}

		return err
	}
}

// cardinality counts distinct values exactly.
type cardinality struct {
	from  source
	spent *budget
	seen  map[value]bool
}

func (c *cardinality) add(r *row) error {
	for v := range c.from.values(r) {
		if c.seen[v] {
			continue
		}
		if err := c.spent.countBucket(); err != nil {
			return err
		}

		c.seen[v] = true
	}

	return nil
}

func (c *cardinality) render(bool) map[string]any { return map[string]any{"value": len(c.seen)} }

func (c *cardinality) number() int { return len(c.seen) }

// valueCount counts the distinct values of each document.
type valueCount struct {
	from  source
	count int
}

func (c *valueCount) add(r *row) error {
	for range c.from.values(r) {
		c.count += r.weight()
	}
	return nil
}

func (c *valueCount) render(bool) map[string]any { return map[string]any{"value": c.count} }

func (c *valueCount) number() int { return c.count }

package extract

import "database/sql/driver"

// WithFaults puts a test's connector between the pool and the driver.
func (c *Config) WithFaults(wrap func(driver.Connector) driver.Connector) { c.wrap = wrap }

// WithLargeWeeks makes weeks large from n rows on.
func (c *Config) WithLargeWeeks(n int) { c.largeWeek = n }

// TrustAnyCertificate is for servers that make their own, such as those of a CI job. No configuration can say it.
func (c *Config) TrustAnyCertificate() { c.trustAny = true }

// ParsePosition is parsePosition, for its fuzz test.
func ParsePosition(b []byte, n int) ([]any, error) { return parsePosition(b, n) }

// Position is position, for the fuzz test of ParsePosition.
func Position(values []any) []byte { return position(values) }

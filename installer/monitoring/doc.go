// Package monitoring holds what watches roagent and rocollector: alert rules and dashboards, as files. Only its tests are Go.
package monitoring
